"""The `openai` client over a transport of ours (see `transport`).

This module imports both, and is itself imported by the first call.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2
import openai

from pg_llm.models.transport import Transport

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Request:
    """What a request carries. `deadline` is a time of `time.monotonic()`."""

    path: str
    body: Mapping[str, object]
    deadline: float
    connect_timeout: float
    max_answer: int

    def timeout(self) -> httpx2.Timeout:
        """Return what is left, for each step of the connection."""
        left = max(self.deadline - time.monotonic(), 0.001)
        return httpx2.Timeout(left, connect=min(self.connect_timeout, left))


class Client:
    """A session's connections to one endpoint through one proxy or none.

    It holds no key. `close` may be called from another thread than the one
    that is in a call, and makes that call fail at once.
    """

    def __init__(self, endpoint: str, proxy: str | None) -> None:
        self._transport = Transport(endpoint, proxy)
        self._openai = openai.OpenAI(
            api_key="-",  # the transport sets the real one or none
            base_url=endpoint,
            max_retries=0,
            http_client=httpx2.Client(
                transport=self._transport, trust_env=False, follow_redirects=False
            ),
        )

    def post(self, request: Request, key: str | None) -> object:
        """Return the parsed JSON of the answer. Raises the client's exceptions."""
        with self._transport.request(key, request.max_answer):
            return self._openai.post(
                request.path,
                cast_to=object,
                body=dict(request.body),
                options={"timeout": request.timeout()},
            )

    def stream(self, request: Request, key: str | None) -> Iterator[Any]:
        """Yield the parsed events of a streamed answer. Raises the client's exceptions."""
        with self._transport.request(key, request.max_answer):
            events = self._openai.post(
                request.path,
                cast_to=object,
                body=dict(request.body),
                options={"timeout": request.timeout()},
                stream=True,
                stream_cls=openai.Stream[object],
            )
        with events:
            yield from events

    def close(self) -> None:
        """Cut every connection."""
        self._transport.cut()
