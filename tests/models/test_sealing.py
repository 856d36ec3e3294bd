"""Sealing of secrets, and the one spelling of an endpoint."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pg_llm.errors import (
    InvalidParameter,
)
from pg_llm.models.keyfile import Key, KeyRing
from pg_llm.models.origins import origin
from pg_llm.models.sealing import Damaged, Secret, UnknownKey, seal, unseal
from tests.models.secret_support import HOST, KEY

_texts = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=200)


@given(_texts, st.text(min_size=1, max_size=63), st.sampled_from([HOST, "https://b.example:8443"]))
def test_a_value_comes_back_as_it_was(value, name, endpoint):
    ring = KeyRing((Key.new(), Key.new()))
    assert unseal(ring, name, endpoint, seal(ring.current, name, endpoint, value)) == value


@given(_texts, st.data())
def test_a_change_of_any_byte_is_noticed(value, data):
    ring = KeyRing((Key.new(),))
    sealed = bytearray(seal(ring.current, "n", HOST, value))
    position = data.draw(st.integers(0, len(sealed) - 1))
    sealed[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises((Damaged, UnknownKey)):
        unseal(ring, "n", HOST, bytes(sealed))


@given(_texts, st.data())
def test_what_is_cut_or_lengthened_is_noticed(value, data):
    ring = KeyRing((Key.new(),))
    sealed = seal(ring.current, "n", HOST, value)
    length = data.draw(st.integers(0, len(sealed) - 1))
    for other in (sealed[:length], sealed + b"\0"):
        with pytest.raises((Damaged, UnknownKey)):
            unseal(ring, "n", HOST, other)


@pytest.mark.parametrize(
    ("name", "endpoint"), [("m", HOST), ("n", HOST + ":444"), ('n", "', HOST), ("n", "")]
)
def test_a_value_does_not_open_under_another_name_or_endpoint(name, endpoint):
    ring = KeyRing((Key.new(),))
    with pytest.raises(Damaged):
        unseal(ring, name, endpoint, seal(ring.current, "n", HOST, KEY))


def test_the_same_value_is_never_sealed_alike():
    key = Key.new()
    assert len({seal(key, "n", HOST, KEY) for _ in range(100)}) == 100


def test_keys_and_values_do_not_show_themselves():
    key = Key.new()
    assert KEY not in repr([Secret(KEY)])
    assert repr(key.key) not in repr(KeyRing((key,)))
    assert f"Bearer {Secret(KEY)}" == f"Bearer {KEY}"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://api.example.com", HOST),
        ("HTTPS://API.Example.COM/v1/", HOST),
        ("https://api.example.com:443/v1", HOST),
        ("https://api.example.com:0443", HOST),
        ("https://api.example.com:8443/v1", HOST + ":8443"),
        ("http://localhost:11434/v1", "http://localhost:11434"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://[0:0:0:0:0:0:0:1]:8000/v1", "http://[::1]:8000"),
    ],
)
def test_an_endpoint_has_one_spelling(address, expected):
    assert origin(address) == expected


@pytest.mark.parametrize(
    "address",
    [
        "",
        "api.example.com",
        "ftp://api.example.com",
        "https://",
        "https://user@api.example.com",
        "https://api.example.com@evil.example",
        "https://evil.example\\@api.example.com",
        "https://api.example.com\\.evil.example",
        "https://api.example.com?x",
        "https://api.example.com#x",
        "https://api.example.com /v1",
        "https://api.example.com\n",
        "https://api.example.com:0",
        "https://api.example.com:65536",
        "https://api.example.com:",
        "https://\u0430pi.example.com",
        "https://api.example.com\u2044v1",
        "https://[::1",
        "https://[1:2]",
        "https://api.example.com.",
        "http://api.example.com",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://0x7f.1",
        "http://[::ffff:10.0.0.1]",
    ],
)
def test_an_address_that_could_be_read_in_two_ways_is_refused(address):
    with pytest.raises(InvalidParameter):
        origin(address)
