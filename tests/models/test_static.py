"""The embedded embedding."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pg_llm.models import static


def _cosine(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True))


def test_near_meanings_are_nearer_than_far_ones():
    query, near, far = static.embed(
        ["unpaid bills of our clients", "customer invoices that are overdue", "a sunny day at sea"]
    )
    assert _cosine(query, near) > _cosine(query, far) + 0.2


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "😀😀"])
def test_a_text_without_a_known_word_has_no_embedding(text):
    assert static.embed([text]) == [None]


def test_a_text_over_the_limit_is_read_to_the_limit():
    text = "order " * 30_000
    assert static.embed([text]) == static.embed([text[: static.MAX_CHARACTERS]])


@given(st.text(max_size=200))
def test_a_vector_has_256_numbers_and_length_one(text):
    (vector,) = static.embed([text])
    if vector is not None:
        assert len(vector) == static.DIMENSIONS
        assert math.isclose(_cosine(vector, vector), 1, rel_tol=1e-4)


def test_in_sql(db):
    dimensions, distance = db.execute(
        "select vector_dims(llm_embed('red car')), llm_embed('red car') <=> llm_embed('red car')"
    ).fetchone()
    assert dimensions == 256
    assert abs(distance) < 1e-6
    assert db.execute("select llm_embed(''), llm_embed(null)").fetchone() == (None, None)
    nearest = db.execute(
        """
        select t
        from unnest(array['apples and pears', 'trucks and vans', 'interest rates']) t
        order by llm_embed(t) <=> llm_embed('fruit')
        limit 1
        """
    ).fetchone()
    assert nearest == ("apples and pears",)
