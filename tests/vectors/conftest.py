"""A model server whose texts can be refused, and tables that leave nothing behind."""

from __future__ import annotations

import json
import threading

import psycopg
import pytest

from pg_llm.models.scripted import Handler, Server

DIMENSIONS = 8


class PickyHandler(Handler):
    """Refuses requests with a text that holds "poison", or all while it is down."""

    server: PickyServer

    def _refused(self, fault, control):
        texts = self.server.requests.mine["body"]["input"]
        texts = texts if isinstance(texts, list) else [texts]
        with self.server.lock:
            self.server.texts += texts
        self.server.called.set()
        self.server.gate.wait(30)
        if self.server.takes_no_more():
            after = {"Retry-After": str(self.server.retry_after)}
            self._error(
                self.server.down or 503, "not now", after if self.server.retry_after else None
            )
        elif any("poison" in text for text in texts):
            self._error(400, "this text is refused")
        else:
            return super()._refused(fault, control)
        return True


class Requests(list):
    """Requests, and which one the current thread has."""

    def __init__(self):
        super().__init__()
        self._local = threading.local()

    def append(self, request):
        super().append(request)
        self._local.request = request

    @property
    def mine(self):
        return self._local.request


class PickyServer(Server):
    """Keeps every text it was asked for; `gate` cleared: it makes callers wait."""

    def __init__(self):
        super().__init__()
        self.RequestHandlerClass = PickyHandler
        self.requests = Requests()
        self.texts: list[str] = []
        self.down = self.down_after = self.retry_after = 0
        self.gate = threading.Event()
        self.gate.set()
        self.called = threading.Event()

    def takes_no_more(self):
        """Return whether it is down, or has answered as often as `down_after` says."""
        return self.down or (self.down_after and len(self.requests) > self.down_after)

    def reset(self):
        """Forget what was asked, and work."""
        self.texts.clear()
        self.requests.clear()
        self.down = self.down_after = self.retry_after = 0
        self.gate.set()
        self.called.clear()


@pytest.fixture(scope="session")
def _picky():
    server = PickyServer().start()
    yield server
    server.stop()


@pytest.fixture
def provider(_picky, db):
    """The server, and a model "remote" of 8 dimensions that it serves."""
    _picky.reset()
    options = {
        "dimensions": DIMENSIONS,
        "send_dimensions": True,
        "retries": 0,
        "batch": 16,
        "concurrency": 2,
    }
    db.execute("delete from llm.model_definitions where name in ('remote', 'other')")
    db.execute("update llm.cooldowns set until = '-infinity'")
    for name in ("remote", "other"):
        db.execute(
            "select llm_model_add(%s, 'scripted', 'embed', %s, %s, null, %s)",
            [name, name, _picky.endpoint, json.dumps(options)],
        )
    yield _picky
    _picky.reset()


@pytest.fixture(autouse=True)
def _nothing_left_behind(db):
    """Drop the test's tables, and with them their collections."""
    yield
    tables = db.execute(
        "select c.oid::regclass::text from pg_class c where c.relnamespace = 'public'::regnamespace "
        "and c.relkind in ('r', 'p') and not c.relispartition"
    ).fetchall()
    for (table,) in tables:
        db.execute(f"drop table {table} cascade")


def hits(db, query, collection="notes", k=10, filter=None):  # noqa: A002
    """Return the keys that a search gives, best first."""
    rows = db.execute(
        "select key from llm_search(%s, %s, %s, %s)", [collection, query, k, filter]
    ).fetchall()
    return [key for (key,) in rows]


def stored(db, collection="notes"):
    """Return key and content of what is embedded."""
    version = db.execute(
        "select active from llm.collections where name = %s", [collection]
    ).fetchone()[0]
    return db.execute(
        f"select k1, content from llm.vectors_{version} order by 1, chunk"
    ).fetchall()


def state(db, collection="notes", *columns):
    """Return columns of a collection's active row in llm.vectorizers (pending and failed)."""
    names = ", ".join(columns or ("pending", "failed"))
    return db.execute(
        f"select {names} from llm.vectorizers where collection = %s and active", [collection]
    ).fetchone()


def in_thread(session, statement):
    """Run a statement in a thread; return the thread, and the list that its error goes into."""
    errors = []

    def run():
        try:
            session.execute(statement)
        except psycopg.Error as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    return thread, errors
