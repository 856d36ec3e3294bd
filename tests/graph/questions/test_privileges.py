"""Nobody learns names or expressions of what he may not see."""

from __future__ import annotations

import psycopg
import pytest

from pg_llm.graph.store import Key


@pytest.fixture
def secret(draw, tables, db):
    """s.open.a -> h.hidden.b -> s.end.c; s.open and s.end may be read, h.hidden not."""
    tables("s.open(a, other)", "h.hidden(b, classified)", "s.finish(c, d)")
    draw.evidence("h.hidden", draw.edge("s.open.a", "h.hidden.b", expression="round(open.a)"))
    draw.evidence(
        "s.finish",
        draw.edge("h.hidden.b", "s.finish.c", "TRANSFORMATION", expression="hidden.b + 1"),
        draw.edge("s.open.other", "s.finish.d", "TRANSFORMATION", expression="other + classified"),
        draw.edge(
            "h.hidden.classified", "s.finish.d", "TRANSFORMATION", expression="other + classified"
        ),
    )
    draw.evidence(
        "s.clear", draw.edge("s.open.other", "s.finish.c", "TRANSFORMATION", expression="-other")
    )
    draw.rows("select lineage_tag('h.hidden.b', 'pii')")
    db.execute("grant usage on schema s to llm_user")
    yield draw
    db.execute("drop schema s, h cascade")


@pytest.fixture
def reader(secret, as_role, db):
    session = as_role("graph_reader")
    db.execute("grant select on s.open, s.finish to graph_reader")
    return session


def column(session, query):
    return [row[0] for row in session.execute(query).fetchall()]


_QUESTIONS = (
    "lineage_downstream('s.open.a')",
    "lineage_downstream('s.open', influence => 'all')",
    "lineage_upstream('s.finish')",
    "lineage_path('s.open.a', 's.finish.c')",
    "lineage_impact('s.open')",
    "lineage_drop_verdict('s.open')",
    "lineage_unused(0)",
    "lineage_cycles()",
    "lineage_diff('2001-01-01')",
    "lineage_search('h')",
    "lineage_search('i')",
    "lineage_tags('s.finish')",
    "lineage_tags()",
    "(select n::text from lineage.visible_nodes n) n",
    "(select e::text from lineage.visible_edges e) e",
)


@pytest.mark.parametrize("setting", ["omit", "show"])
@pytest.mark.parametrize("question", _QUESTIONS)
def test_no_name_and_no_expression_gets_out(reader, question, setting):
    reader.execute(f"set pg_llm.graph_hidden = '{setting}'")
    told = repr(reader.execute(f"select * from {question}").fetchall())
    for name in ("hidden.b", "h.hidden", "classified", "hidden.classified"):
        assert name not in told, told


def test_hidden_is_left_out_and_the_path_goes_on_behind_it(reader):
    rows = reader.execute(
        "select depth, relation, path from lineage_downstream('s.open.a')"
    ).fetchall()
    assert rows == [(2, "s.finish", ["s.open.a", "s.finish.c"])]
    rows = reader.execute(
        "select source_relation, target_relation, transformation, expression, evidence "
        "from lineage_path('s.open.a', 's.finish.c')"
    ).fetchall()
    assert rows == [("s.open", "s.finish", None, None, "hidden")]


def test_hidden_is_shown_as_hidden(reader):
    reader.execute("set pg_llm.graph_hidden = 'show'")
    rows = reader.execute(
        "select depth, kind, relation, column_name, path from lineage_downstream('s.open.a')"
    ).fetchall()
    assert rows == [
        (1, "hidden", "hidden", None, ["s.open.a", "hidden"]),
        (2, "column", "s.finish", "c", ["s.open.a", "hidden", "s.finish.c"]),
    ]
    assert column(
        reader, "select target_relation from lineage_path('s.open.a', 's.finish.c')"
    ) == [
        "hidden",
        "s.finish",
    ]
    assert reader.execute(
        "select column_name, tag, source, path from lineage_tags('s.finish')"
    ).fetchall() == [("c", "pii", None, ["hidden", "s.finish.c"])]


def test_an_administrator_may_set_it_for_all_and_a_wrong_value_is_told(reader, db):
    db.execute("insert into llm.settings values ('graph_hidden', 'show')")
    assert len(column(reader, "select relation from lineage_downstream('s.open.a')")) == 2
    db.execute("delete from llm.settings where name = 'graph_hidden'")
    reader.execute("set pg_llm.graph_hidden = 'sometimes'")
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="must be omit or show"):
        column(reader, "select relation from lineage_downstream('s.open.a')")


def test_an_expression_is_shown_to_who_sees_all_its_sources(reader):
    rows = reader.execute(
        "select source_column, expression from lineage_path('s.open.other', 's.finish.c')"
    ).fetchall()
    assert rows == [("other", "-other")]
    assert column(reader, "select expression from lineage_path('s.open.other', 's.finish.d')") == [
        None
    ]


def test_the_verdict_counts_what_is_hidden(reader):
    (row,) = reader.execute(
        "select safe, hidden, verdict from lineage_drop_verdict('s.open.a')"
    ).fetchall()
    assert row[:2] == (False, 1)
    assert "1 more that you may not see" in row[2]


@pytest.mark.parametrize("name", ["h.hidden", "h.hidden.b", "hidden", "nothing.at_all"])
def test_a_hidden_object_is_as_unknown_as_one_that_is_not(reader, name):
    for question in ("downstream", "upstream", "impact"):
        with pytest.raises(psycopg.errors.UndefinedObject, match="knows no object"):
            reader.execute(f"select * from lineage_{question}(%s)", [name])


def test_who_may_see_some_columns_sees_those(secret, as_role, db):
    session = as_role("column_reader")
    db.execute("grant usage on schema h to column_reader")
    db.execute("grant select (b) on h.hidden to column_reader")
    assert column(
        session, "select column_name from lineage_search('h.hidden') where kind = 'column'"
    ) == ["b"]
    assert column(session, "select kind from lineage_search('h.hidden') order by 1") == [
        "column",
        "relation",
    ]


def test_the_owner_sees_without_a_grant(secret, as_role, db):
    session = as_role("hidden_owner")
    db.execute("alter table h.hidden owner to hidden_owner")
    db.execute("revoke all on h.hidden from hidden_owner")
    assert len(column(session, "select kind from lineage_search('h.hidden')")) == 3


def test_set_role_and_back_changes_what_is_seen(reader, db):
    assert column(reader, "select relation from lineage_search('hidden')") == []
    reader.execute("reset role")
    assert "h.hidden" in column(reader, "select relation from lineage_search('hidden')")
    reader.execute("set role graph_reader")
    assert column(reader, "select relation from lineage_search('hidden')") == []
    db.execute("grant select on h.hidden to graph_reader")
    assert "h.hidden" in column(reader, "select relation from lineage_search('hidden')")


def test_a_view_of_the_callers_own_does_not_lend_eyes(reader, db):
    """A function that the caller owns runs the views as the caller."""
    leaked = column(
        reader,
        "select n.name from lineage.visible_nodes n where n.name ilike '%hidden%' or n.column_name = 'b'",
    )
    assert leaked == []


def test_a_leaky_function_sees_no_hidden_row(reader, db):
    db.execute("create schema x")
    db.execute("grant all on schema x to graph_reader")
    reader.execute(
        "create function x.leak(text) returns boolean language plpgsql cost 0.0001 as "
        "$$ begin raise notice 'saw %', $1; return true; end $$"
    )
    told = []
    reader.add_notice_handler(lambda notice: told.append(notice.message_primary))
    reader.execute("select 1 from lineage.visible_nodes where x.leak(name)")
    reader.execute("select 1 from lineage.visible_edges where x.leak(expression)")
    assert told
    assert not any("hidden" in line or "classified" in line for line in told)
    reader.execute("drop function x.leak(text)")
    db.execute("drop schema x cascade")


def test_tables_of_the_graph_are_closed(reader):
    for relation in (
        "nodes",
        "edges",
        "edges_current",
        "edges_past",
        "tags",
        "node_tags",
        "tag_pending",
        "tag_steps",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            reader.execute(f"select * from lineage.{relation}")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        reader.execute("select lineage.tags_propagate('{1}')")


def test_a_role_that_is_no_member_may_ask_nothing(secret, as_role):
    session = as_role("stranger", "pg_monitor")
    session.execute("select * from lineage_search('x')")
    session.execute("reset role")
    session.execute("revoke pg_monitor from stranger")
    session.execute("set role stranger")
    for question in _QUESTIONS:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            session.execute(f"select * from {question}")


def test_statements_are_for_who_owns_all_their_relations(secret, as_role, db):
    pattern = Key("pattern", "", "fingerprint")
    secret.evidence(pattern, ("s.open.a", "s.finish.c"), evidence="log")
    session = as_role("half_owner")
    db.execute("grant select on s.open, s.finish to half_owner")
    question = "select kind from lineage.visible_nodes where name = 'fingerprint'"
    assert column(session, question) == []
    db.execute("alter table s.open owner to half_owner")
    assert column(session, question) == []
    db.execute("alter table s.finish owner to half_owner")
    assert column(session, question) == ["pattern"]


def test_what_is_gone_or_outside_is_for_monitors(secret, as_role, db):
    db.execute("update lineage.nodes set dropped_at = now() where name = 's.open'")
    secret.evidence(
        Key("job", "airflow", "load"), ("s3://bucket|x#f", "s.finish.c"), evidence="openlineage"
    )
    session = as_role("plain_user")
    db.execute("grant select on s.open, s.finish to plain_user")
    search = "select relation from lineage_search('s.open') where kind = 'relation' union all select relation from lineage_search('bucket')"
    assert column(session, search) == []
    monitor = as_role("watcher", "llm_monitor")
    assert column(monitor, search) == ["s.open", "x", "x"]


def test_functions_are_for_who_may_execute_them(secret, as_role, db):
    db.execute("create function s.f(int, text) returns int language sql as 'select 1'")
    db.execute("revoke execute on function s.f from public")
    secret.evidence(
        "s.f(integer, text)", ("s.open.a", "s.f(integer, text)", "CALLS"), evidence="function"
    )
    secret.node("s.gone(s.nosuch)")
    session = as_role("no_caller")
    db.execute("grant select on s.open to no_caller")
    assert (
        column(session, "select name from lineage_impact('s.open.a') where kind = 'function'")
        == []
    )
    db.execute("grant execute on function s.f to no_caller")
    assert column(
        session, "select name from lineage_impact('s.open.a') where kind = 'function'"
    ) == ["s.f(integer, text)"]
