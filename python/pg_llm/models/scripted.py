"""A scripted model server: `python -m pg_llm.models.scripted answers.jsonl`.

It speaks the OpenAI API on the loopback interface and answers from a file, so
that everything that talks to a model can be tried without a key and without a
network. It prints its port as the only line of its output.

A line of the file is a JSON object:

    {"match": "hello", "answer": "Hi!"}                     the last user message is "hello"
    {"match": "rev", "mode": "substring", "answer": "…"}    … contains "rev"
    {"match": "^(a|b)", "mode": "regex", "answer": "…"}     … has a match
    {"match": "x", "answers": ["one", "two"]}               one after the other, the last stays
    {"match": "y", "fault": "429", "times": 2}              a fault, twice

The first line that matches answers; without one the answer is the message
itself, after "scripted: ". An embedding is a unit vector that depends on the
text and `dimensions` (64 by default) only.

Faults, chosen by a line, by a model named `fault-<name>`, or by the key
`"scripted": {"fault": "<name>", "times": n, "seconds": s}` of a request:

    400 401 403 404 500 503   that status, with a message
    429, 429-after            without and with Retry-After (1 second, or `seconds`)
    quota                     429 as OpenAI sends it when the account is empty
    stall                     nothing for `seconds` (60), then the answer
    slow-start                headers and nothing for `seconds`, then the answer
    drip                      a byte a second (or `seconds` between two bytes)
    cut                       half of the answer, then the connection is closed
    bad-json, not-json        an answer that is not JSON, with and without saying it is
    empty, no-text            JSON without choices, a choice without text
    huge                      50 MB of answer (or `megabytes`)
    redirect                  307 to another host
    zero, nan, short, long, disordered, wrong-dimension, ragged
                              embeddings that are none
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
import socket
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

_STATUS = {
    "400": "the request is wrong",
    "401": "Incorrect API key provided",
    "403": "this key may not do that",
    "404": "the model does not exist",
    "500": "internal error",
    "503": "overloaded",
}


class Server(ThreadingHTTPServer):
    """The server; `port` is free and chosen by the system where it is 0.

    `requests` lists what came in: path, headers and body of each request.
    `latency` is the number of seconds that every answer takes.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(
        self, answers: list[dict[str, Any]] | None = None, *, port: int = 0, latency: float = 0
    ) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.answers = answers or []
        self.latency = latency
        self.requests: list[dict[str, Any]] = []
        self.faults: Counter[str] = Counter()
        self.lock = threading.Lock()
        self.stopping = threading.Event()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self.server_address[1])

    @property
    def endpoint(self) -> str:
        """The address for `llm_model_add`."""
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self) -> Server:
        """Serve in a thread of this process."""
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Stop serving; stalled requests end."""
        self.stopping.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that go away are what this server is for."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)

    def line(self, text: str) -> dict[str, Any]:
        """Return the line of the file that answers `text`."""
        for line in self.answers:
            if _matches(line, text):
                return line
        return {"answer": f"scripted: {text}"}

    def take_fault(self, control: dict[str, Any], model: str) -> str:
        """Return the fault of this request, counting down `times`."""
        fault = str(control.get("fault") or "")
        if not fault:
            return ""
        with self.lock:
            key = f"{model} {fault} {control.get('id', '')}"
            self.faults[key] += 1
            return fault if self.faults[key] <= control.get("times", 1_000_000) else ""

    def text_of(self, line: dict[str, Any]) -> str:
        """Return the line's answer; `answers` are given one after the other."""
        if "answers" not in line:
            return str(line.get("answer", ""))
        with self.lock:
            key = f"answers {id(line)}"
            place = min(self.faults[key], len(line["answers"]) - 1)
            self.faults[key] += 1
        return str(line["answers"][place])


def _matches(line: dict[str, Any], text: str) -> bool:
    pattern = str(line["match"])
    mode = line.get("mode", "exact")
    if mode == "exact":
        return pattern == text
    if mode == "substring":
        return pattern in text
    return re.search(pattern, text) is not None


def embedding(text: str, dimensions: int) -> list[float]:
    """Return the unit vector of a text."""
    chance = random.Random(hashlib.sha256(text.encode()).digest())  # noqa: S311
    vector = [chance.uniform(-1, 1) for _ in range(dimensions)]
    length = sum(x * x for x in vector) ** 0.5
    return [round(x / length, 7) for x in vector]


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep quiet."""

    def do_GET(self) -> None:
        """List the models."""
        self._json(200, {"object": "list", "data": [{"id": "scripted", "object": "model"}]})

    def do_POST(self) -> None:
        """Answer a chat or embedding request."""
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))))
        self.server.requests.append(
            {"path": self.path, "headers": dict(self.headers), "body": body}
        )
        chat = self.path.endswith("/chat/completions")
        line = self.server.line(_last_user_message(body)) if chat else {}
        model = str(body.get("model", ""))
        control = body.get("scripted") or (line if "fault" in line else {})
        if model.startswith("fault-"):
            control = {"fault": model.removeprefix("fault-"), **control}
        fault = self.server.take_fault(control, model)
        self.server.stopping.wait(self.server.latency)
        if self._refused(fault, control):
            return
        if chat and body.get("stream"):
            self._stream(model, self.server.text_of(line), fault, control)
        elif chat:
            self._send(_completion(model, body, self.server.text_of(line), fault), fault, control)
        elif self.path.endswith("/embeddings"):
            self._send(_embeddings(model, body, fault), fault, control)
        else:
            self._error(404, "no such path")

    def _refused(self, fault: str, control: dict[str, Any]) -> bool:
        if fault in _STATUS:
            key = self.headers.get("authorization", "").removeprefix("Bearer ")
            self._error(
                int(fault), f"{_STATUS[fault]}: {key}" if fault == "401" else _STATUS[fault]
            )
        elif fault == "429":
            self._error(429, "too many requests")
        elif fault == "429-after":
            self._error(429, "too many requests", {"Retry-After": str(control.get("seconds", 1))})
        elif fault == "quota":
            self._error(429, "you exceeded your current quota", code="insufficient_quota")
        elif fault == "redirect":
            self._json(307, {}, {"Location": "http://127.0.0.2:9/v1/chat/completions"})
        elif fault == "bad-json":
            self._raw(b'{"choices": [{"message": {"content": "hal')
        elif fault == "not-json":
            self._raw(b"<html>It works!</html>", "text/html")
        elif fault == "huge":
            self._huge(int(control.get("megabytes", 50)))
        else:
            return False
        return True

    def _send(self, answer: dict[str, Any], fault: str, control: dict[str, Any]) -> None:
        raw = json.dumps(answer).encode()
        if fault == "stall":
            self.server.stopping.wait(control.get("seconds", 60))
        self._head(200, "application/json", len(raw))
        if fault == "slow-start":
            self.server.stopping.wait(control.get("seconds", 60))
        if fault == "drip":
            for byte in raw:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                if self.server.stopping.wait(control.get("seconds", 1)):
                    self._hang_up()
                    return
        elif fault == "cut":
            self.wfile.write(raw[: len(raw) // 2])
            self._hang_up()
        else:
            self.wfile.write(raw)

    def _stream(self, model: str, text: str, fault: str, control: dict[str, Any]) -> None:
        if fault in ("stall", "slow-start"):
            self.server.stopping.wait(control.get("seconds", 60))
        self._head(200, "text/event-stream", None)
        words = re.findall(r"\S+\s*|\s+", text)
        for place, word in enumerate(words):
            if fault == "cut" and place * 2 >= len(words):
                self._hang_up()
                return
            self._event({"choices": [{"index": 0, "delta": {"content": word}}], "model": model})
            if fault == "drip" and self.server.stopping.wait(control.get("seconds", 1)):
                self._hang_up()
                return
        self._event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
        self._chunk(b"data: [DONE]\n\n")
        self._chunk(b"")

    def _event(self, event: dict[str, Any]) -> None:
        self._chunk(b"data: " + json.dumps(event).encode() + b"\n\n")

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def _huge(self, megabytes: int) -> None:
        self._head(200, "application/json", megabytes << 20)
        self.wfile.write(b'{"choices": "')
        for _ in range(megabytes):
            self.wfile.write(b"x" * (1 << 20))

    def _hang_up(self) -> None:
        self.close_connection = True
        self.wfile.flush()
        self.connection.shutdown(socket.SHUT_RDWR)

    def _error(
        self, status: int, message: str, headers: dict[str, str] | None = None, code: str = "error"
    ) -> None:
        self._json(status, {"error": {"message": message, "type": code, "code": code}}, headers)

    def _json(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        raw = json.dumps(body).encode()
        self._head(status, "application/json", len(raw), headers)
        self.wfile.write(raw)

    def _raw(self, raw: bytes, kind: str = "application/json") -> None:
        self._head(200, kind, len(raw))
        self.wfile.write(raw)

    def _head(
        self, status: int, kind: str, length: int | None, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if length is None:
            self.send_header("Transfer-Encoding", "chunked")
        else:
            self.send_header("Content-Length", str(length))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.flush()


def _last_user_message(body: dict[str, Any]) -> str:
    for message in reversed(body.get("messages", [])):
        if message.get("role") == "user":
            return str(message.get("content", ""))
    return ""


def _completion(model: str, body: dict[str, Any], text: str, fault: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": None if fault == "no-text" else text}
    choice: dict[str, Any] = {"index": 0, "message": message, "finish_reason": "stop"}
    if body.get("logprobs"):
        choice["logprobs"] = {"content": [{"token": w, "logprob": -0.1} for w in text.split()]}
    prompt = sum(len(str(m.get("content", "")).split()) for m in body.get("messages", []))
    return {
        "id": "scripted",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [] if fault == "empty" else [choice],
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": len(text.split()),
            "total_tokens": prompt + len(text.split()),
        },
    }


def _embeddings(model: str, body: dict[str, Any], fault: str) -> dict[str, Any]:
    texts = body["input"] if isinstance(body["input"], list) else [body["input"]]
    dimensions = int(body.get("dimensions", 64)) + (fault == "wrong-dimension")
    vectors = [embedding(text, dimensions) for text in texts]
    if fault == "zero":
        vectors[-1] = [0.0] * dimensions
    elif fault == "nan":
        vectors[-1][0] = float("nan")
    elif fault == "ragged":
        vectors[-1] = vectors[-1][1:]
    rows = [
        {"object": "embedding", "index": place, "embedding": vector}
        for place, vector in enumerate(vectors)
    ]
    if fault == "short":
        rows = rows[:-1]
    elif fault == "long":
        rows.append(rows[-1])
    elif fault == "disordered":
        rows.reverse()
    words = sum(len(text.split()) for text in texts)
    return {
        "object": "list",
        "data": rows,
        "model": model,
        "usage": {"prompt_tokens": words, "total_tokens": words},
    }


def load(path: Path) -> list[dict[str, Any]]:
    """Read a file of answers."""
    with path.open(encoding="utf-8") as file:
        return [json.loads(line) for line in file if line.strip()]


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(prog="python -m pg_llm.models.scripted", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("answers", type=Path, nargs="?", help="JSON-lines file of answers")
    parser.add_argument("--port", type=int, default=0, help="port; 0: any free one")
    parser.add_argument("--latency", type=float, default=0, help="seconds that each answer takes")
    arguments = parser.parse_args()
    answers = load(arguments.answers) if arguments.answers else None
    server = Server(answers, port=arguments.port, latency=arguments.latency)
    print(server.port, flush=True)  # noqa: T201
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.stop()


if __name__ == "__main__":
    main()
