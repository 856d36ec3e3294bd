"""The scripted server as a command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from pg_llm.models import scripted


@pytest.fixture
def command(tmp_path):
    """Start the command on a file of answers; yields the endpoint."""
    answers = tmp_path / "answers.jsonl"
    lines = [
        {"match": "hello", "answer": "Hi!"},
        {"match": "rev", "mode": "substring", "answer": "revenue"},
        {"match": "^(a|b)+$", "mode": "regex", "answers": ["first", "then"]},
        {"match": "busy", "fault": "429-after", "seconds": 7},
    ]
    answers.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    library = str(Path(scripted.__file__).parents[2])
    process = subprocess.Popen(
        [sys.executable, "-m", "pg_llm.models.scripted", answers],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": library},
    )
    yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
    process.terminate()
    process.wait()
    process.stdout.close()


def _ask(endpoint, prompt, **more):
    body = {"model": "m", "messages": [{"role": "user", "content": prompt}], **more}
    request = urllib.request.Request(
        endpoint + "/chat/completions",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)["choices"][0]["message"]["content"]


def test_it_answers_from_the_file(command):
    assert _ask(command, "hello") == "Hi!"
    assert _ask(command, "last year's revenue") == "revenue"
    assert [_ask(command, "abab") for _ in range(3)] == ["first", "then", "then"]
    assert _ask(command, "anything") == "scripted: anything"


def test_it_fails_on_demand(command):
    with pytest.raises(urllib.error.HTTPError) as caught:
        _ask(command, "busy")
    with caught.value as error:
        assert (error.code, error.headers["Retry-After"]) == (429, "7")
    with pytest.raises(urllib.error.HTTPError) as caught:
        _ask(command, "hello", scripted={"fault": "500", "times": 1})
    caught.value.close()
    assert _ask(command, "hello", scripted={"fault": "500", "times": 1}) == "Hi!"


def test_it_lists_its_model(command):
    with urllib.request.urlopen(command + "/models", timeout=10) as answer:
        assert json.load(answer)["data"][0]["id"] == "scripted"
