"""Providers that come as Python packages; the example in plugin/ is installed with pip."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

_EXAMPLE = Path(__file__).parent / "plugin"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The directory that the example was installed into."""
    source = tmp_path_factory.mktemp("source") / "plugin"
    shutil.copytree(_EXAMPLE, source)
    target = tmp_path_factory.mktemp("plugins")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--no-build-isolation", "--no-compile", "--target", target, source),
        ],
        check=True,
        env={**os.environ, "PYTHONWARNINGS": "ignore", "HOME": str(target)},
    )
    return target


@pytest.fixture
def look_in(connect):
    """Open a session that looks for plugins in a directory."""

    def open_session(directory):
        session = connect()
        session.execute("select llm_version()")
        session.execute(
            f"""
            do language plpython3u $$
            import pathlib
            from pg_llm.models import plugins
            plugins.DIRECTORY = pathlib.Path('{directory}')
            $$
            """
        )
        return session

    return open_session


def _echo(session):
    rows = session.execute("select * from llm_provider_list() where package is not null")
    return rows.fetchall()


def test_a_plugin_is_listed_enabled_and_used(look_in, installed, scripted, role):
    session = look_in(installed)
    assert _echo(session) == [("echo", "pg-llm-echo", "1.0", False)]
    add = "select llm_model_add('loud', 'echo', 'chat', 'scripted', %s)"
    with pytest.raises(Exception, match='unknown provider "echo"'):
        session.execute(add, [scripted.endpoint])
    session.execute("select llm_provider_enable('echo')")
    assert _echo(session) == [("echo", "pg-llm-echo", "1.0", True)]
    session.execute(add, [scripted.endpoint])
    assert session.execute("select llm_complete('hello', 'loud')").fetchone() == (
        "scripted: HELLO",
    )
    assert scripted.requests[-1]["body"]["echo"] is True
    session.execute("select llm_provider_disable('echo')")
    with pytest.raises(Exception, match='unknown provider "echo"'):
        session.execute("select llm_complete('hello', 'loud')")
    session.execute("select llm_model_drop('loud')")


def test_only_a_superuser_enables(look_in, installed, role):
    session = look_in(installed)
    session.execute(f"set role {role('models_plugin_admin', 'llm_admin')}")
    assert _echo(session) == [("echo", "pg-llm-echo", "1.0", False)]
    for query in ("select llm_provider_enable('echo')", "select llm_provider_disable('echo')"):
        with pytest.raises(Exception, match="permission denied") as caught:
            session.execute(query)
        assert caught.value.sqlstate == "42501"
    loaded = "select 1 from llm_provider_list() where name = 'echo' and enabled"
    assert session.execute(loaded).fetchall() == []


def test_a_plugin_that_is_gone_or_broken_says_so(look_in, installed, tmp_path):
    session = look_in(tmp_path)
    with pytest.raises(Exception, match='no one plugin "echo"'):
        session.execute("select llm_provider_enable('echo')")
    package = tmp_path / "broken"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('not today')")
    info = tmp_path / "broken-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[pg_llm.providers]\nbroken = broken:Broken\n")
    with pytest.raises(Exception, match="not today") as caught:
        session.execute("select llm_provider_enable('broken')")
    assert caught.value.sqlstate == "F0000"
    assert session.execute("select * from llm.provider_plugins").fetchall() == []


def test_a_plugin_cannot_take_the_place_of_a_built_in_provider(look_in, tmp_path):
    info = tmp_path / "impostor-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: impostor\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[pg_llm.providers]\nopenai = impostor:Impostor\n")
    session = look_in(tmp_path)
    with pytest.raises(Exception, match='no one plugin "openai"'):
        session.execute("select llm_provider_enable('openai')")
