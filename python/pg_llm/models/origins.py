"""The endpoint that a secret belongs to, in one spelling."""

from __future__ import annotations

import ipaddress
import re

from pg_llm.errors import InvalidParameter

_ADDRESS = re.compile(
    r"(https?)://([a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?(?:/[^\s\\?#]*)?",
    re.ASCII | re.IGNORECASE,
)
_DEFAULT_PORTS = {"http": 80, "https": 443}


def origin(address: str) -> str:
    """Return `scheme://host[:port]` of an address, in one spelling.

    The path is left out, a default port too. Only what every reader of
    addresses understands alike is taken; http only on this very host. Raises
    `InvalidParameter`, which does not repeat the address: it may be a key in
    the wrong place.
    """
    match = _ADDRESS.fullmatch(address)
    host = match and _host(match[2].lower())
    port = match and int(match[3] or _DEFAULT_PORTS[match[1].lower()])
    if not match or not host or not port or port > 65535:
        raise InvalidParameter(
            "the endpoint of a secret must be an address like https://api.example.com",
            hint="With a port if need be, without user, query or fragment; an international name "
            "in its xn-- form.",
        )
    scheme = match[1].lower()
    if scheme == "http" and not _is_loopback(host):
        raise InvalidParameter(
            "a secret is not sent without TLS",
            hint="Use an https address; http is for this host only (localhost, 127.0.0.1, [::1]).",
        )
    return f"{scheme}://{host}" + ("" if port == _DEFAULT_PORTS[scheme] else f":{port}")


def _host(host: str) -> str | None:
    if not host.startswith("["):
        return host
    try:
        return f"[{ipaddress.IPv6Address(host[1:-1]).compressed}]"
    except ValueError:
        return None


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
