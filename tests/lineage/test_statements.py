"""The scanner cuts a text where the server's own does.

The server is asked by the extended protocol: it parses a whole text and
refuses one that holds several statements, before it looks at any name.
"""

from __future__ import annotations

import enum
from collections import Counter

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from pg_llm.lineage import statements
from pg_llm.lineage.parser import split as split_of_dialect
from pg_llm.lineage.tokens import tokens


class Seen(enum.Enum):
    NONE = 0
    ONE = 1
    SEVERAL = 2
    BROKEN = 3


def seen(connection, text: str) -> Seen:
    """Return how many statements the server sees in a text."""
    result = connection.pgconn.prepare(b"", text.encode())
    message = (result.error_message or b"").decode()
    sqlstate = (result.error_field(ord("C")) or b"").decode()
    if "cannot insert multiple commands" in message:
        return Seen.SEVERAL
    if sqlstate in ("42601", "22025", "22019", "22P06", "0A000", "22021"):
        return Seen.BROKEN
    if result.error_message:
        return Seen.ONE
    # Nothing at all is no statement more.
    more = connection.pgconn.prepare(b"", b"select 1;" + text.encode())
    return Seen.ONE if more.error_message else Seen.NONE


# What hides a semicolon, or looks as if it did.
VALUES = [
    "1", "1.5e3", ".5", "'a'", "'a;b'", "'it''s;'", "''", "';'", "'--;'", "'/*'", "'$$'",
    "'a'\n 'b;'", "'a' -- ;\n 'b;'", "e'a\\';b'", "E'\\\\'", "E'a\\';'\n'\\';'", "e'''\\';'",
    "U&'d\\0061t;'", "u&'!0061;' uescape '!'", "n'x;'", "b'01'", "x'1F;'", "X'0a'",
    "$$;$$", "$$a'b;$$", "$t$;$$;$t$", "$t$ $T$ ; $t$", "$_é$;$_é$", "$a1$ ' ; $a1$", "$$$$",
    '"a;b"', '"it""s;"', 'U&"d\\0061;"', '"', "a$b", "a$$", "t$1", "é$x$",
    "(1)", "(';')", "(select ';')", "array['a;', $$;$$]", "a[1]", "-1", "- -1", "1 -1", "@-5",
    "1*/* ; */2", "1 <-- ;\n 2", "case when true then 1 end", "a.b", "a::text", "end", "begin",
    "atomic", "null", "'\\'", "'\\';'", "'a\\''", "'a\\'';b'", "$1", "$1;", ";", "1;2",
]  # fmt: skip
SPACES = [
    " ", "\n", "\t", " /* ; */ ", " /* /* ; */ ; */ ", " -- ; '\n", "/**/", " /* ' */ ",
    " /* $$ */ ", " --\n", "\r\n", " /*/**/*/ ", " /* -- */ ", "--/*\n",
]  # fmt: skip
WHOLES = [
    "create function f() returns int begin atomic select 1; select 2; end",
    "create or replace procedure p() begin atomic select case when true then 1 end; end",
    "create function f() returns int return 1",
    "create function f() returns int language sql as 'select 1; select 2'",
    "create function f() returns int language sql as $f$ select ';'; $f$",
    "create rule r as on insert to t do also (select 1; select 2)",
    "do $$ begin perform 1; end $$",
    "begin", "end", "commit", "select 1 as begin", "select 1 as atomic",
    "create table t (begin int, \"end;\" int)",
    "comment on table t is 'a;b'", "explain select ';'", "values (';')", "table t",
    "insert into t values ('x;y')", "copy t from stdin", "with a as (select ';') select * from a",
]  # fmt: skip

space = st.sampled_from(SPACES)
value = st.sampled_from(VALUES)
query = st.lists(st.tuples(value, space), min_size=1, max_size=4).map(
    lambda parts: "select " + ", ".join(text + gap for text, gap in parts)
)
statement = st.one_of(query, query, query, st.sampled_from(WHOLES), space, value)
script = st.lists(st.tuples(space, statement, space), max_size=5).map(
    lambda parts: ";".join(before + text + after for before, text, after in parts)
)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """Draw a script with a few characters cut, doubled or put in."""
    text = draw(script)
    for _ in range(draw(st.integers(0, 2))):
        place = draw(st.integers(0, len(text)))
        length = draw(st.integers(0, 2))
        text = (
            text[:place]
            + draw(st.sampled_from(["", "'", '"', "$", ";", "/*", "*/", "--", "\\"]))
            + (text[place + length :])
        )
    return text


@pytest.mark.parametrize("standard_strings", [True, False], ids=["standard", "escapes"])
def test_it_cuts_where_the_server_does(db, standard_strings):
    db.execute(f"set standard_conforming_strings = {'on' if standard_strings else 'off'}")
    db.execute("set escape_string_warning = off")

    outcomes: Counter[Seen] = Counter()

    @settings(
        max_examples=300,
        deadline=None,
        suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
    )
    @given(text=st.one_of(script, mutated()))
    def check(text: str) -> None:
        found = statements.split(text, standard_strings=standard_strings)
        for one in found:
            assert text[one.offset : one.offset + len(one.text)] == one.text
        whole = seen(db, text)
        outcomes[whole] += 1
        assume(whole is not Seen.BROKEN)
        assert whole.value == min(len(found), 2)
        if whole is Seen.SEVERAL:
            assert {seen(db, one.text) for one in found} == {Seen.ONE}
            assert [one.number for one in found] == list(range(1, len(found) + 1))
        if standard_strings:
            assert len(split_of_dialect(text, "postgres")) == len(found)

    check()
    assert min(outcomes[Seen.ONE], outcomes[Seen.SEVERAL]) > 20, outcomes


@pytest.mark.parametrize("text", [f"select {value}" for value in VALUES] + WHOLES)
def test_every_fragment_alone(db, text):
    server = seen(db, text)
    if server is not Seen.BROKEN:
        assert server.value == min(len(statements.split(text)), 2)


def test_most_fragments_are_valid(db):
    """So that the scripts made of them are."""
    broken = [value for value in VALUES if seen(db, f"select {value}") is Seen.BROKEN]
    assert len(broken) < len(VALUES) / 5, broken
    assert [text for text in WHOLES if seen(db, text) is Seen.BROKEN] == []


@pytest.mark.parametrize(
    "text",
    [
        "select 'a'\n" + " " * 100_000 + "x; select 2",
        "select 'a' " + "-- " * 100_000 + "\nx; select 2",
        "select 'a'\n" + "-- b\n" * 100_000 + "x; select 2",
        " " * 100_000 + "'x'; select 2",
        "\n-- --" * 100_000 + "\n; select 1; select 2",
        "select e'a'" + "\n " * 100_000 + "x; select 2",
    ],
    ids=["spaces", "comment", "comments", "first", "before", "escape"],
)
def test_space_behind_a_string_costs_no_more_than_its_length(text):
    """A string goes on behind a line break: looking for it once took forever."""
    assert len(statements.split(text)) == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'a' - 1", ["'a'", "-", "1"]),
        ("'a' -\n'b;' + 1", ["'a'", "-", "'b;'", "+", "1"]),
        ("'a' -- b\n + 1", ["'a'", "+", "1"]),
        ("'a' ;", ["'a'", ";"]),
        ("'a'\n -- b\n 'c' 'd'", ["'a'\n -- b\n 'c'", "'d'"]),
        ("e'a\\''\n 'b\\'' x", ["e'a\\''\n 'b\\''", "x"]),
        ('"a""b" "c"', ['"a""b"', '"c"']),
        ("$$a$$ $b$ $$ $b$", ["$$a$$", "$b$ $$ $b$"]),
        ("x'1f'\n'2' b", ["x'1f'\n'2'", "b"]),
        ("'a' /* ' */ 'b", ["'a'", "'b"]),
    ],
)
def test_tokens_end_where_they_end(text, expected):
    assert [text[token.start : token.end] for token in tokens(text)] == expected
