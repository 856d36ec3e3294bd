"""Secrets in calls: sent to their own endpoint, and left nowhere."""

from __future__ import annotations

import contextlib
import datetime
import ipaddress
import shutil
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from pg_llm.models.scripted import Server
from tests.models.secret_support import KEY, put, refused

CHAT = "select llm_complete('hello', %s)"


@pytest.fixture
def other():
    """A second server: where a secret must not arrive."""
    server = Server([]).start()
    yield server
    server.stop()


@pytest.fixture
def keyed(key_file, db, model, scripted):
    """A model `keyed` with the secret `main` of the scripted server."""
    put(db, endpoint=scripted.endpoint)
    scripted.requests.clear()
    return model("keyed", secret="main", retries=0)


def _sent(server):
    return [request["headers"].get("authorization") for request in server.requests]


def test_the_secret_is_sent_to_its_endpoint(db, keyed, scripted):
    assert db.execute(CHAT, ["keyed"]).fetchone() == ("Hi!",)
    assert _sent(scripted) == [f"Bearer {KEY}"]


def test_a_model_without_a_secret_sends_none(db, model, keyed, scripted):
    model("plain")
    db.execute(CHAT, ["keyed"])
    db.execute(CHAT, ["plain"])
    assert _sent(scripted) == [f"Bearer {KEY}", None]


def test_a_user_calls_with_a_secret_that_he_cannot_see(connect, db, keyed, scripted, role):
    role("carl", "llm_user")
    session = connect(user="carl")
    assert session.execute(CHAT, ["keyed"]).fetchone() == ("Hi!",)
    assert _sent(scripted) == [f"Bearer {KEY}"]
    assert KEY not in str(session.execute("select * from llm.models").fetchall())
    refused(session, "select * from llm.secrets", sqlstate="42501")


def test_a_file_of_the_operator_is_sent_to_the_endpoint_beside_it(
    connect, db, key_file, model, scripted, other, role
):
    db.execute("select llm_secret_init()")
    directory = key_file.parent / "secrets"
    for name, content in (("team", "sk-of-the-team"), ("team.endpoint", scripted.endpoint)):
        (directory / name).write_text(content + "\n")
        (directory / name).chmod(0o600)
    scripted.requests.clear()
    role("adam", "llm_admin")
    session = connect(user="adam")
    put(session, "team", "file:team", scripted.endpoint)
    model("shared", secret="team")
    assert session.execute(CHAT, ["shared"]).fetchone() == ("Hi!",)
    assert _sent(scripted) == ["Bearer sk-of-the-team"]
    refused(
        session,
        "select llm_secret_set('mine', 'file:team', %s)",
        [other.endpoint],
        sqlstate="42501",
    )
    (directory / "team.endpoint").write_text(other.endpoint)
    refused(session, CHAT, ["shared"], sqlstate="42501")
    assert len(scripted.requests) == 1
    assert other.requests == []
    shutil.rmtree(directory)


def test_a_change_of_the_value_holds_in_running_sessions(connect, db, keyed, scripted):
    session = connect()
    session.execute(CHAT, ["keyed"])
    put(db, value="sk-second", endpoint=scripted.endpoint)
    session.execute(CHAT, ["keyed"])
    db.execute("select llm_secret_drop('main')")
    error = refused(session, CHAT, ["keyed"], sqlstate="42704")
    assert 'secret "main"' in error.diag.message_primary
    assert _sent(scripted) == [f"Bearer {KEY}", "Bearer sk-second"]


def test_an_administrator_who_moves_the_model_does_not_get_the_secret(
    connect, db, keyed, other, role
):
    role("adam", "llm_admin")
    session = connect(user="adam")
    session.execute("select llm_model_change('keyed', endpoint => %s)", [other.endpoint])
    refused(session, CHAT, ["keyed"], sqlstate="42501")
    works, problem = session.execute(
        "select works, problem from llm_model_test('keyed')"
    ).fetchone()
    assert not works
    assert "another endpoint" in problem
    assert other.requests == []


def test_a_fallback_elsewhere_does_not_get_the_secret(db, model, keyed, scripted, other):
    model("spare", endpoint=other.endpoint)
    model("first", model="fault-500", secret="main", fallback=["spare"])
    assert db.execute(CHAT, ["first"]).fetchone() == ("scripted: hello",)
    assert _sent(scripted) == [f"Bearer {KEY}"]
    assert _sent(other) == [None]


def test_a_redirect_does_not_take_the_secret_along(db, key_file, model, other):
    class Redirect(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["content-length"]))
            self.send_response(307)
            self.send_header("Location", other.endpoint + "/chat/completions")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Redirect)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        endpoint = f"http://127.0.0.1:{server.server_address[1]}/v1"
        put(db, endpoint=endpoint)
        model("moved", endpoint=endpoint, secret="main", retries=0)
        error = refused(db, CHAT, ["moved"], sqlstate="38003")
        assert "redirects" in error.diag.message_primary
        assert other.requests == []
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def impostor(tmp_path):
    """An https server whose certificate nobody vouches for; yields port and what it read."""
    certificate = _self_signed(tmp_path / "impostor.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    listener = socket.create_server(("127.0.0.1", 0))
    read = []

    def serve():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                read.append(context.wrap_socket(connection, server_side=True).recv(10_000))

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield listener.getsockname()[1], read
    # Closing alone does not wake accept().
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def _self_signed(path):
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.IPv4Address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path.write_bytes(key.private_bytes(pem, *plain) + certificate.public_bytes(pem))
    return path


def test_a_server_without_a_trusted_certificate_does_not_get_the_secret(
    db, key_file, model, impostor
):
    port, read = impostor
    endpoint = f"https://127.0.0.1:{port}/v1"
    put(db, endpoint=endpoint)
    model("keyed", endpoint=endpoint, secret="main", retries=0)
    error = refused(db, CHAT, ["keyed"], sqlstate="38003")
    assert "certificate" in error.diag.message_primary
    assert read == []


def test_a_proxy_sees_a_tunnel(db, key_file, model, impostor):
    port, read = impostor
    endpoint = f"https://127.0.0.1:{port}/v1"
    seen = []

    class Proxy(BaseHTTPRequestHandler):
        def do_CONNECT(self):
            seen.append(f"{self.requestline}\n{self.headers}")
            self.send_response(200)
            self.end_headers()
            with socket.create_connection(("127.0.0.1", port)) as beyond:
                beyond.sendall(hello := self.connection.recv(10_000))
                seen.append(hello.decode("latin-1"))
                self.connection.sendall(beyond.recv(10_000))
                seen.append(self.connection.recv(10_000).decode("latin-1"))

        def log_message(self, *arguments):
            pass

    proxy = ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True).start()
    try:
        put(db, endpoint=endpoint)
        proxied = f"http://127.0.0.1:{proxy.server_address[1]}"
        model("keyed", endpoint=endpoint, secret="main", retries=0, proxy=proxied)
        refused(db, CHAT, ["keyed"], sqlstate="38003")
    finally:
        proxy.shutdown()
        proxy.server_close()
    assert seen[0].startswith(f"CONNECT 127.0.0.1:{port}")
    assert KEY not in "".join(seen)
    assert read == []


def test_a_proxy_does_not_see_a_secret_without_tls(db, keyed, other):
    proxy = other.endpoint.removesuffix("/v1")
    db.execute("select llm_model_change('keyed', options => %s)", [f'{{"proxy": "{proxy}"}}'])
    error = refused(db, CHAT, ["keyed"], sqlstate="22023")
    assert "proxy" in error.diag.message_primary
    assert other.requests == []


@pytest.mark.parametrize("fault", ["401", "403", "500", "bad-json", "cut", "empty", "redirect"])
def test_an_error_does_not_repeat_the_secret(db, keyed, model, server, fault):
    """Even where the endpoint repeats it."""
    log = Path(server.logfile)
    start = log.stat().st_size
    model("broken", model=f"fault-{fault}", secret="main", retries=0)
    error = refused(db, CHAT, ["broken"])
    said = " ".join(str(getattr(error.diag, name)) for name in dir(error.diag) if name[0] != "_")
    assert KEY not in said
    tested = db.execute("select t::text from llm_model_test('broken') t").fetchone()[0]
    assert KEY not in tested
    with log.open() as file:
        file.seek(start)
        assert KEY not in file.read()


def test_models_of_one_endpoint_keep_their_secrets_apart(db, keyed, model, scripted):
    put(db, "second", "sk-second", scripted.endpoint)
    names = []
    for number in range(6):
        secret = ("main", "second", None)[number % 3]
        names.append(model(f"m{number}", model=f"for-{secret}", secret=secret))
    for _ in range(3):
        db.execute("select * from llm_complete_many('hello', %s)", [names])
    sent = {(r["body"]["model"], r["headers"].get("authorization")) for r in scripted.requests}
    assert sent == {
        ("for-main", f"Bearer {KEY}"),
        ("for-second", "Bearer sk-second"),
        ("for-None", None),
    }


def test_embedding_and_streaming_send_it_too(db, keyed, model, scripted):
    model("embedder", kind="embed", secret="main")
    db.execute("select llm_embed(array['a', 'b'], 'embedder')")
    db.execute("select llm_stream('count', 'keyed')")
    assert _sent(scripted) == [f"Bearer {KEY}"] * 2


def test_nothing_in_the_session_keeps_the_secret(db, keyed, model):
    """Neither the client, nor the transport, nor a cache of ours holds it after the call."""
    model("embedder", kind="embed", secret="main")
    model("broken", model="fault-401", secret="main", retries=0)
    db.execute(CHAT, ["keyed"])
    db.execute("select llm_embed(array['a', 'b'], 'embedder')")
    db.execute("select llm_stream('count', 'keyed')")
    db.execute("select * from llm_complete_many('hello', array['keyed', 'broken'])")
    db.execute("select * from llm_model_test('broken')")
    kept = db.execute(
        """
        do language plpython3u $$
        import gc
        def holds(value):
            wanted = "yek-nworb-kciuq-eht"[::-1]
            if isinstance(value, (bytes, bytearray)):
                return wanted.encode() in value
            return isinstance(value, str) and wanted in value
        gc.collect()
        found = [
            type(container).__name__
            for container in gc.get_objects()
            if any(holds(value) for value in gc.get_referents(container))
        ]
        if found:
            plpy.error("kept in " + ", ".join(found))
        $$
        """
    )
    assert kept.statusmessage == "DO"


def test_rotation_while_calls_are_made(connect, db, keyed, scripted):
    done, answers, wrong = threading.Event(), [], []

    def call(session):
        while not done.is_set():
            try:
                answers.append(session.execute(CHAT, ["keyed"]).fetchone()[0])
            except Exception as error:  # noqa: BLE001 whatever it is, the test shows it
                wrong.append(error)

    threads = [threading.Thread(target=call, args=[connect()]) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        db.execute("select llm_secret_rotate()")
        db.execute("select llm_secret_init()")
    done.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert answers
    assert set(_sent(scripted)) == {f"Bearer {KEY}"}
