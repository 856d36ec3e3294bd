"""Everything that can go wrong on the way to a model.

Each fault gives one clear error with SQLSTATE and hint and leaves the session
usable; with a fallback, the same fault gives an answer.
"""

from __future__ import annotations

import datetime
import ipaddress
import ssl
from dataclasses import dataclass, field

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pg_llm.models.scripted import Server

TIMEOUT, UNAVAILABLE, REFUSED, INVALID = "38001", "38002", "38003", "38004"

CHAT = "select llm_complete('hello', %s)"
EMBED = "select vector_dims(llm_embed('hello', %s))"
STREAM = "select llm_stream('count', %s)"


@dataclass(frozen=True)
class Fault:
    """A query to a model with options, and what must be said about it."""

    name: str
    query: str
    sqlstate: str
    says: str
    endpoint: str | None = None
    options: dict = field(default_factory=dict)
    control: dict = field(default_factory=dict)


def _slow(name, query):
    return Fault(name, query, TIMEOUT, "did not answer", options={"timeout": 0.3})


FAULTS = [
    Fault("refused", CHAT, UNAVAILABLE, "no connection", "http://127.0.0.1:1/v1"),
    Fault(
        "dns", CHAT, UNAVAILABLE, "no connection to nowhere.invalid", "http://nowhere.invalid/v1"
    ),
    Fault("tls", CHAT, REFUSED, "certificate", "https"),
    _slow("stall", CHAT),
    _slow("drip", CHAT),
    _slow("slow-start", CHAT),
    Fault("400", CHAT, REFUSED, "answered 400"),
    Fault("401", CHAT, REFUSED, "answered 401"),
    Fault("403", CHAT, REFUSED, "answered 403"),
    Fault("404", CHAT, REFUSED, "answered 404"),
    Fault("429", CHAT, UNAVAILABLE, "answered 429"),
    Fault(
        "429-after",
        CHAT,
        UNAVAILABLE,
        "answered 429",
        control={"seconds": 90},
    ),
    Fault("quota", CHAT, REFUSED, "quota"),
    Fault("500", CHAT, UNAVAILABLE, "answered 500"),
    Fault("503", CHAT, UNAVAILABLE, "answered 503"),
    Fault("cut", CHAT, UNAVAILABLE, "no connection"),
    Fault("bad-json", CHAT, INVALID, "not JSON"),
    Fault("not-json", CHAT, INVALID, "no choices"),
    Fault("empty", CHAT, INVALID, "no choices"),
    Fault("no-text", CHAT, INVALID, "no text"),
    Fault("huge", CHAT, INVALID, "larger than 33554432 bytes"),
    Fault("redirect", CHAT, REFUSED, "redirects"),
    Fault("short", EMBED, INVALID, "0 embeddings for 1 texts"),
    Fault("long", EMBED, INVALID, "2 embeddings for 1 texts"),
    Fault("nan", EMBED, INVALID, "NaN"),
    Fault("zero", EMBED, INVALID, "zero"),
    Fault("wrong-dimension", EMBED, INVALID, "65 dimensions", options={"dimensions": 64}),
    Fault("bad-json", EMBED, INVALID, "not JSON"),
    Fault("not-json", EMBED, INVALID, "no embeddings"),
    Fault("401", EMBED, REFUSED, "answered 401"),
    Fault("400", EMBED, REFUSED, "answered 400"),
    Fault("500", EMBED, UNAVAILABLE, "answered 500"),
    Fault("cut", EMBED, UNAVAILABLE, "no connection"),
    Fault("huge", EMBED, INVALID, "larger than"),
    Fault("redirect", EMBED, REFUSED, "redirects"),
    _slow("stall", EMBED),
    _slow("drip", EMBED),
    Fault("refused", STREAM, UNAVAILABLE, "no connection", "http://127.0.0.1:1/v1"),
    _slow("slow-start", STREAM),
    Fault("cut", STREAM, UNAVAILABLE, "no connection"),
    Fault("401", STREAM, REFUSED, "answered 401"),
    Fault("500", STREAM, UNAVAILABLE, "answered 500"),
    Fault("redirect", STREAM, REFUSED, "redirects"),
    Fault("bad-json", STREAM, INVALID, "broke off"),
]


@pytest.fixture(scope="module")
def https(tmp_path_factory):
    """A scripted server with a certificate that nobody trusts; also the certificate's file."""
    directory = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "scripted")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    file = directory / "server.pem"
    pem = serialization.Encoding.PEM
    file.write_bytes(
        certificate.public_bytes(pem)
        + key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    server = Server([{"match": "hello", "answer": "Hi!"}])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.start()
    yield server.endpoint.replace("http:", "https:"), file
    server.stop()


@pytest.fixture
def faulty(model, https):
    """Add a model that has a fault."""

    def add(fault, **options):
        endpoint = https[0] if fault.endpoint == "https" else fault.endpoint
        # Embedding models of another name are no fallbacks: the fault is in the body.
        body = {"scripted": {"fault": fault.name, **fault.control}}
        return model(
            "faulty",
            kind="embed" if fault.query == EMBED else "chat",
            provider="openai_compatible",
            model="scripted" if fault.query == EMBED else "faulty",
            endpoint=endpoint,
            **{"retries": 0, "body": body} | fault.options | options,
        )

    return add


def _id(fault):
    kind = {CHAT: "chat", EMBED: "embed", STREAM: "stream"}[fault.query]
    return f"{kind}-{fault.name}"


@pytest.mark.parametrize("fault", FAULTS, ids=_id)
def test_a_fault_is_said_clearly(faulty, fails, fault):
    error = fails(fault.query, [faulty(fault)])
    assert error.sqlstate == fault.sqlstate, error
    said = error.diag.message_primary
    if fault.query == STREAM and fault.name == "cut":
        # PL/Python's own words stand first for what an iterator raises after its first row.
        said = error.diag.message_detail
    assert said.startswith("pg_llm: ")
    assert fault.says in said
    assert error.diag.message_hint
    assert "spiexceptions" not in said


@pytest.mark.parametrize("fault", FAULTS, ids=_id)
def test_a_fallback_makes_a_fault_good(db, model, faulty, fault, scripted):
    if fault.query == STREAM and fault.name == "cut":
        pytest.skip("pieces that have been handed out cannot be taken back")
    kind = "embed" if fault.query == EMBED else "chat"
    model("working", kind=kind)
    name = faulty(fault, fallback=["gone", "working"])
    answer = db.execute(fault.query, [name]).fetchall()
    expected = {CHAT: "Hi!", EMBED: "64", STREAM: "one two three"}
    assert "".join(str(row[0]) for row in answer) == expected[fault.query]
    if fault.query != STREAM or fault.sqlstate != TIMEOUT:
        outcomes = db.execute(
            "select model, outcome from llm.calls order by at desc limit 2"
        ).fetchall()
        assert outcomes == [("working", "ok"), ("faulty", fault.sqlstate)]


def test_a_server_that_is_trusted_is_spoken_to_with_tls(connect, model, https):
    endpoint, certificate = https
    model("private", provider="openai_compatible", endpoint=endpoint)
    session = connect()
    session.execute(
        f"do language plpython3u $$ import os; os.environ['SSL_CERT_FILE'] = '{certificate}' $$"
    )
    assert session.execute("select llm_complete('hello', 'private')").fetchone() == ("Hi!",)


def test_a_killed_server_ends_a_stream(db, model, fails):
    server = Server([{"match": "hello", "answer": "one two three four"}]).start()
    model("chat", endpoint=server.endpoint, body={"scripted": {"fault": "drip", "seconds": 0.2}})
    with db.transaction():
        db.execute("declare pieces no scroll cursor for select llm_stream('hello', 'chat')")
        assert db.execute("fetch from pieces").fetchone() == ("one ",)
        server.stop()
        with pytest.raises(psycopg.Error, match="pg_llm: ") as caught, db.transaction():
            db.execute("fetch all from pieces")
        assert caught.value.sqlstate in (UNAVAILABLE, INVALID)
    assert db.execute("select 1").fetchone() == (1,)


def test_embeddings_out_of_order_are_put_into_order(db, model):
    model("good", kind="embed")
    model("disordered", kind="embed", model="fault-disordered")
    texts = ["a", "b", "c"]
    assert db.execute(
        "select llm_embed(%s::text[], 'good') = llm_embed(%s::text[], 'disordered')",
        [texts, texts],
    ).fetchone() == (True,)


def test_a_ragged_batch_is_refused(model, fails):
    model("ragged", kind="embed", model="fault-ragged")
    error = fails("select llm_embed(array['a', 'b'], 'ragged')")
    assert error.sqlstate == INVALID
    assert "dimensions" in error.diag.message_primary
