"""The way out of the server, guarded.

The rules hold here whatever the client above would do: requests go to the
row's own host and nowhere else, redirects are not followed, the environment
chooses neither proxy nor header, TLS is verified, an answer has a maximum
size, and the key is set here for the length of one request, so that no client
or cache keeps it.

This module imports the HTTP library, and is itself imported by the first call.
"""

from __future__ import annotations

import contextlib
import functools
import socket
import ssl
import threading
from typing import TYPE_CHECKING, Any

import httpx2

from pg_llm.errors import ModelAnswerInvalid, ModelRefused

if TYPE_CHECKING:
    from collections.abc import Iterator

# What a request may carry. The client adds headers about itself and, where the
# server's environment says so, an organisation's and others.
_HEADERS = frozenset(
    {"accept", "connection", "content-length", "content-type", "host", "transfer-encoding"}
)


class Transport(httpx2.BaseTransport):
    """A transport to one endpoint."""

    def __init__(self, endpoint: str, proxy: str | None) -> None:
        self._request = threading.local()
        self._url = httpx2.URL(endpoint)
        self._sockets: list[socket.socket] = []
        self._cut = False
        self._inner = httpx2.HTTPTransport(
            verify=_tls(self._url.scheme == "https" or bool(proxy)),
            trust_env=False,
            proxy=proxy,
        )

    @contextlib.contextmanager
    def request(self, key: str | None, max_answer: int) -> Iterator[None]:
        """Send `key` with what this thread requests in the block; limit the answers' bytes."""
        self._request.key, self._request.max_answer = key, max_answer
        try:
            yield
        finally:
            self._request.key = None

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request. Raises `ModelRefused`, `ModelAnswerInvalid`, httpx2's exceptions."""
        self._guard(request)
        request.extensions = {**request.extensions, "trace": self._trace}
        response = self._inner.handle_request(request)
        if response.headers.get("content-encoding", "identity") != "identity":
            response.close()
            raise ModelAnswerInvalid(
                "the endpoint compressed its answer, though it was asked not to"
            )
        response.stream = _Limited(response.stream, self._request.max_answer)
        return response

    def close(self) -> None:
        """Give the idle connections back."""
        self._inner.close()

    def cut(self) -> None:
        """Make every request in another thread fail at once, and all later ones."""
        # Closing a socket does not wake a thread that waits on it; shutting
        # it down does.
        self._cut = True
        for opened in self._sockets:
            with contextlib.suppress(OSError):
                opened.shutdown(socket.SHUT_RDWR)

    def _guard(self, request: httpx2.Request) -> None:
        there = (request.url.scheme, request.url.host, request.url.port)
        if there != (self._url.scheme, self._url.host, self._url.port):
            raise ModelRefused("a request would have left the model's endpoint")
        headers = [(k, v) for k, v in request.headers.items() if k.lower() in _HEADERS]
        headers += [("accept-encoding", "identity"), ("user-agent", "pg_llm")]
        if self._request.key is not None:
            headers.append(("authorization", f"Bearer {self._request.key}"))
        request.headers = httpx2.Headers(headers)

    def _trace(self, event: str, info: dict[str, Any]) -> None:
        # TLS takes the descriptor over from the plain socket.
        # "proxy.start_tls" is TLS to the endpoint through a proxy.
        if event.endswith((".connect_tcp.complete", ".start_tls.complete")):
            opened = info["return_value"].get_extra_info("socket")
            self._sockets = [s for s in self._sockets if s.fileno() != -1]
            self._sockets.append(opened)
        if self._cut:
            raise httpx2.ConnectError("the call was ended")


class _Limited(httpx2.SyncByteStream):
    """A body that ends in an error after so many bytes."""

    def __init__(self, stream: Any, limit: int) -> None:
        self._stream, self._limit = stream, limit

    def __iter__(self) -> Iterator[bytes]:
        left = self._limit
        for part in self._stream:
            left -= len(part)
            if left < 0:
                raise ModelAnswerInvalid(
                    f"the answer is larger than {self._limit} bytes",
                    hint='If answers may be that large, raise the model\'s option "max_answer".',
                )
            yield part

    def close(self) -> None:
        self._stream.close()


@functools.cache
def _tls(needed: bool) -> ssl.SSLContext:
    # Loading the system's certificates takes 20 ms that plain HTTP need not pay.
    return ssl.create_default_context() if needed else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
