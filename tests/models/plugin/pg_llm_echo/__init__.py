"""A provider that wants every prompt in capitals, on this host only."""

from __future__ import annotations

from typing import Any

from pg_llm.models.providers import Provider


class Echo(Provider):
    """What differs from other providers, and nothing else."""

    name = "echo"
    kinds = frozenset({"chat"})
    loopback_only = True
    chat_body = {"echo": True}  # noqa: RUF012 - as an author would write it

    @classmethod
    def adapt(cls, kind: str, body: dict[str, Any]) -> dict[str, Any]:
        messages = [{**m, "content": m["content"].upper()} for m in body["messages"]]
        return {**body, "messages": messages}
