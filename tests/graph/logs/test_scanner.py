"""Normalisation: what is folded, what is not, and sqlglot's trees as the judge."""

from __future__ import annotations

import random

import pytest
import sqlglot
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import exp

from pg_llm.graph.logs import scanner
from tests.lineage.fixture_files import cases

# Texts of one pattern, each group.
_SAME = [
    ["select 1", "SELECT\n2", "select 'x' -- c", "/* a /* b */ c */ Select $1;", "select 0x1F", "select 1_000", "select 1.5e-3", "select .5", "select -7", "select - 7", "select null", "select TRUE", "select e'it\\'s'", "select U&'d!0061' uescape '!'", "select $$x$$", "select $a$ x $b$ $$ $a$", "select b'01'", "select N'x'", "select 'a'\n'b'"],
    ["select * from t where a in (1)", "select * from t where a in (1, 2, -3, null)", "SELECT * FROM T WHERE A IN ($1 /*, ... */)", "select * from t where a in ('x',  'y')"],
    ["insert into t values (1, 'a')", "insert into t values (1, 'a'), (2, 'b'), (-3, null)"],
    ["insert into t (a) values (f(1, g(2)))", "insert into t (a) values (f(3, g(4))), (f(5, g(6)))"],
    ["select array[1]", "select ARRAY [ 1, 2 ,3 ]"],
    ["select * from t where (a, b) in ((1, 2))", "select * from t where (a, b) in ((3, 4), (5, 6))"],
    ["select * from t where a in ('x'::text)", "select * from t where a in ('y'::text, 'z'::text)"],
    ["select a.b, c from x . y", "select a . b,c from X.Y"],
    ['select "A b" from t', 'SELECT "A b"  FROM T'],
    ["select a <> b", "select a != b", "select a<>b"],
    ["select a - 5", "select a -5", "select a-$1"],
    ["select x between -1 and -2", "select x between 1 and 2"],
    ["select substring(x from -2 for 3)", "select substring(x from 2 for -3)"],
    ["select a = -5", "select a =-5", "select a=5"],
    ["update t set a = null, b = true where c is not null", "update t set a = 1, b = 'x' where c is not null"],
    ["select date '2020-01-01'", "select date'2021-01-01'"],
    ["do $$ begin end $$", "do 'x'"],
    ["set app.token = abc", "set app.token = 'def'"],
    ["", "  ", "-- only this", "/* and that"],
]  # fmt: skip
_DIFFERENT = [
    "select a", 'select "A"', "select a, b", "select a b", "select f(1)", "select f(1, 2)", "select a - 5", "select a, -5",
    "select a is null", "select a is not null", "select a is true", "select a is false", "select not a",
    "select * from t where a in (select 1)", "select * from t where a in (1, b)", "select * from t where a = 1",
    "select * from t where a not in (1)", "select a from s.t", "select a from s_t", 'select a from "s.t"', "select a || b", "select a | b",
    "select a <@ b", "select a < @ b", "select a -> 'x'", "select a ->> 'x'", "select a ? 'x'", "select a::int", "select a::bigint",
    "insert into t values (1)", "insert into t values (1, 2)", "insert into t select 1", "insert into t values (default)",
    "select x[1]", "select x[1:2]", "select array[1]", "select (1, 2)", "select $1 + a", "select a.b", "select a.b.c", 'select "x , y"', 'select "x, y"',
    "select a from t order by 1", "select a from t order by b", "select a from t limit 1", "set search_path to a", "set search_path to b",
    "create role a password 'x'", "create role a login",
]  # fmt: skip


@pytest.mark.parametrize("texts", _SAME, ids=lambda texts: texts[0][:40])
def test_one_pattern(texts):
    assert len({scanner.key(text) for text in texts}) == 1, [scanner.normalize(t) for t in texts]


def test_different_patterns():
    found = {}
    for text in _DIFFERENT:
        found.setdefault(scanner.fingerprint(scanner.key(text)), []).append(text)
    assert [texts for texts in found.values() if len(texts) > 1] == []


@pytest.mark.parametrize("text", [t for texts in _SAME for t in texts] + _DIFFERENT)
def test_normal_form_stays(text):
    once = scanner.normalize(text)
    assert scanner.normalize(once) == once


def test_normal_form_reads_well():
    assert (
        scanner.normalize("SELECT a.X,count( * )FROM S.t WHERE b=5 AND c::int>=-3 AND d IN(1,2);")
        == "select a.x, count (*) from s.t where b = $1 and c::int >= $2 and d in ($3)"
    )


def test_fingerprint_is_stable():
    """Stored ones are compared with those of later versions."""
    assert scanner.fingerprint(scanner.key("select 1")) == "db178c0b1e3e24b1"


# -- against sqlglot's tree -----------------------------------------------------------

_CORPUS = sorted({case.sql for case in cases()})


def _parsed(text):
    try:
        trees = sqlglot.parse(text, dialect="postgres")
    except (sqlglot.errors.SqlglotError, TypeError):
        # It refuses a few, and fails on one.
        return None
    if any(tree is None or isinstance(tree, exp.Command) for tree in trees):
        return None
    return trees


_LITERALS = (exp.Literal, exp.Parameter, exp.Placeholder, exp.Null, exp.Boolean, exp.RawString, exp.National, exp.HexString, exp.BitString, exp.ByteString, exp.UnicodeString)  # fmt: skip


def _shape(node):
    """The tree as nested tuples, without literals and case; equal members at the head of a list once."""
    if isinstance(node, list):
        return tuple(_shape(member) for member in node)
    if not isinstance(node, exp.Expression):
        return node.lower() if isinstance(node, str) else node
    if isinstance(node, _LITERALS) and not isinstance(node.parent, (exp.Is, exp.Not)):
        return "?"
    if isinstance(node, exp.Neg) and _shape(node.this) == "?":
        return "?"
    if isinstance(node, exp.Identifier):
        return ("name", node.name if node.args.get("quoted") else node.name.lower())
    args = {
        name: _shape(value) for name, value in node.args.items() if value not in (None, [], False)
    }
    members = args.get("expressions")
    if isinstance(node, (exp.In, exp.Array, exp.Values)) and isinstance(members, tuple):
        while len(members) > 1 and members[0] == members[1]:
            members = members[1:]
        args["expressions"] = members
    return (type(node).__name__, tuple(sorted(args.items(), key=str)))


def test_different_trees_are_different_patterns():
    """Over every pair of the statements that the lineage tests have."""
    shapes = {}
    judged = 0
    for text in [*_CORPUS, *_DIFFERENT]:
        trees = _parsed(text)
        if trees is None:
            continue
        judged += 1
        shapes.setdefault(scanner.key(text), {})[str(_shape(trees))] = text
    assert judged > 200
    assert [list(found.values()) for found in shapes.values() if len(found) > 1] == []


_SPACES = [" ", "  ", "\n", "\t", " -- note 'x'\n", " /* a 'b' /* c */ */ ", "\r\n"]


def _respelled(text, seed):
    """The statement with other literals, spaces and case; sqlglot cuts it into tokens."""
    choose = random.Random(seed)
    out, end = [], 0
    for token in sqlglot.tokenize(text, dialect="postgres"):
        if end and token.start > end:
            out.append(choose.choice(_SPACES))
        piece = text[token.start : token.end + 1]
        kind = token.token_type.name
        if kind == "NUMBER" and piece[0].isdigit():
            piece = choose.choice(["1", "23", "4.5", "1e3"])
        elif kind == "STRING" and piece[0] == "'":
            piece = choose.choice(["'x'", "'it''s'", "'-- no /* comment'"])
        elif piece.isascii() and piece.replace("_", "a").isalnum() and not piece[0].isdigit():
            piece = choose.choice([piece.upper(), piece.lower(), piece.title()])
        out.append(piece)
        end = token.end + 1
    return "".join(out)


_RESPELLED = [t for t in _CORPUS if "--" not in t and "/*" not in t and _parsed(t) is not None]


@given(st.sampled_from(_RESPELLED), st.integers())
def test_spelling_does_not_matter(text, seed):
    assert scanner.normalize(_respelled(text, seed)) == scanner.normalize(text)


@given(st.text(alphabet="ab'\"$-/*(),.;:1e\\ \n[]?!=<>&uUnull é—\0", max_size=60))
def test_any_text_is_taken(text):
    once = scanner.normalize(text)
    assert scanner.normalize(once) == once


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("insert into t values " + ",".join(f"({i},'x{i}')" for i in range(300_000)), 29),
        ("select * from t where a in (" + ",".join(map(str, range(500_000))) + ")", 31),
        ("select '" + "x''" * 1_000_000 + "'", 9),
        ("select " + "/*" * 1_000_000, 6),
        ("select " + "(" * 300_000, 300_007),
    ],
    ids=["rows", "list", "string", "comment", "parentheses"],
)
def test_long_statements(text, length):
    assert len(scanner.normalize(text)) == length


def test_pieces_do_not_matter(monkeypatch):
    """A long text is cut into tokens piece by piece: the same comes out."""
    whole = [scanner.key(text) for text in _CORPUS]
    monkeypatch.setattr(scanner, "_LONG", 10)
    assert [scanner.key(text) for text in _CORPUS] == whole


def test_in_sql(db):
    assert db.execute(
        "select sql_normalize('SELECT 1'), sql_fingerprint('select 2'), sql_normalize(null)"
    ).fetchone() == ("select $1", "db178c0b1e3e24b1", None)
