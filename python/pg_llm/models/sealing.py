"""Sealing of values: AES-256-GCM (NIST SP 800-38D), a random nonce of 96 bits.

Name and endpoint are associated data: a row that was copied or changed does
not open.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from pg_llm.library import isolated
from pg_llm.models.keyfile import ID_BYTES, Key, KeyRing

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_VERSION = b"\x01"
_NONCE_BYTES = 12
_HEADER_BYTES = len(_VERSION) + ID_BYTES


class Secret(str):
    """A secret's value: a string that does not show itself when something is printed."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret('***')"


class UnknownKey(Exception):
    """The ciphertext names a key that is not in the ring."""


class Damaged(Exception):
    """The ciphertext was changed, or belongs to another name or endpoint."""


def seal(key: Key, name: str, endpoint: str, value: str) -> bytes:
    """Return version, key id, nonce, ciphertext and tag of a value."""
    header, nonce = _VERSION + key.id, os.urandom(_NONCE_BYTES)
    bound = header + _bound(name, endpoint)
    return header + nonce + _cipher(key).encrypt(nonce, value.encode(), bound)


def unseal(ring: KeyRing, name: str, endpoint: str, sealed: bytes) -> Secret:
    """Return the value. Raises `UnknownKey` or `Damaged`."""
    header, rest = sealed[:_HEADER_BYTES], sealed[_HEADER_BYTES:]
    if len(header) < _HEADER_BYTES or header[:1] != _VERSION:
        raise Damaged
    key = ring.find(header[1:])
    if key is None:
        raise UnknownKey
    return Secret(_open(key, rest, header + _bound(name, endpoint)).decode())


def _open(key: Key, rest: bytes, bound: bytes) -> bytes:
    with isolated():
        from cryptography.exceptions import InvalidTag
    try:
        return _cipher(key).decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], bound)
    except (InvalidTag, ValueError):  # ValueError: a nonce cut short
        raise Damaged from None


def _bound(name: str, endpoint: str) -> bytes:
    return json.dumps([name, endpoint]).encode()


def _cipher(key: Key) -> AESGCM:
    with isolated():
        from cryptography.hazmat.primitives.ciphers import aead
    return aead.AESGCM(key.key)
