"""The `openai` client over a transport of ours (see `transport`).

This module imports both, and is itself imported by the first call.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import httpx2
import openai

from pg_llm.models.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


class Client:
    """A session's connections to one endpoint through one proxy or none.

    It holds no key. `close` may be called from another thread than the one
    that is in a call, and makes that call fail at once.
    """

    def __init__(self, endpoint: str, proxy: str | None) -> None:
        self.transport = Transport(endpoint, proxy)
        self._openai = openai.OpenAI(
            api_key="-",  # the transport sets the real one or none
            base_url=endpoint,
            max_retries=0,
            http_client=httpx2.Client(
                transport=self.transport, trust_env=False, follow_redirects=False
            ),
        )

    def post(
        self, path: str, body: Mapping[str, object], *, timeout: float, connect_timeout: float
    ) -> object:
        """Return the parsed JSON of the answer. Raises the client's exceptions."""
        return self._openai.post(
            path, cast_to=object, body=dict(body), options=self._options(timeout, connect_timeout)
        )

    def post_stream(
        self, path: str, body: Mapping[str, object], *, timeout: float, connect_timeout: float
    ) -> Iterator[Any]:
        """Yield the parsed events of a streamed answer."""
        with self._openai.post(
            path,
            cast_to=object,
            body=dict(body),
            options=self._options(timeout, connect_timeout),
            stream=True,
            stream_cls=openai.Stream[object],
        ) as events:
            yield from events

    @contextlib.contextmanager
    def call(self, key: str | None, max_answer: int) -> Iterator[None]:
        """Use `key` and take at most `max_answer` bytes an answer in this block."""
        self.transport.key, self.transport.max_answer = key, max_answer
        try:
            yield
        finally:
            self.transport.key = None

    def close(self) -> None:
        """Cut every connection."""
        self.transport.cut()

    def _options(self, timeout: float, connect_timeout: float) -> Any:
        return {"timeout": httpx2.Timeout(timeout, connect=min(connect_timeout, timeout))}
