"""Tags travel along DIRECT edges, and are right after every change."""

from __future__ import annotations

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pg_llm.database import PsycopgDatabase
from pg_llm.graph import tags
from pg_llm.graph.store import EdgeFacts, Key, replace_evidence

# From nothing, by the definition: along every edge that lets the tag through.
_ORACLE = """
with recursive carried (node, tag) as (
    select t.node, t.tag from lineage.tags t
    union
    select s.target, c.tag
    from carried c
    join lineage.tag_steps s on s.source = c.node
    left join lineage.tag_rules r on r.tag = c.tag
    where (s.transformation <> 'AGGREGATION' or coalesce(r.through_aggregation, true))
        and (not s.masking or coalesce(r.through_masking, false))
)
select node, tag from carried order by 1, 2
"""
_KEPT = "select node, tag from lineage.node_tags order by 1, 2"


@pytest.fixture
def people(draw, tables):
    """Names and salaries, on their way through views and a masking one."""
    tables(
        "s.people(email, phone, salary)", "s.contacts(email, reach)", "s.masked(email)",
        "s.pay(total)", "s.report(total, who)",
    )  # fmt: skip
    draw.evidence(
        "s.contacts",
        ("s.people.email", "s.contacts.email"),
        ("s.people.email", "s.contacts.reach", "TRANSFORMATION"),
        ("s.people.phone", "s.contacts.reach", "TRANSFORMATION"),
    )
    draw.evidence(
        "s.masked",
        draw.edge("s.people.email", "s.masked.email", "TRANSFORMATION", expression="md5(p.email)"),
    )
    draw.evidence("s.pay", ("s.people.salary", "s.pay.total", "AGGREGATION"))
    draw.evidence(
        "s.report",
        ("s.pay.total", "s.report.total"),
        ("s.contacts.reach", "s.report.who"),
        ("s.people.phone", "s.report", "FILTER"),
    )
    return draw


def carried(draw, relation):
    return draw.rows(
        "select column_name, tag, source from lineage_tags(%s) order by 1, 2, 3", relation
    )


def check(draw):
    """What is kept is what follows from the edges."""
    assert draw.rows(_KEPT) == draw.rows(_ORACLE)


def test_a_tag_travels_with_its_path_as_evidence(people):
    assert people.column("select lineage_tag('s.people.email', 'pii')") == [1]
    assert people.column("select lineage_tag('s.people.phone', 'pii', 'secret')") == [2]
    assert people.column("select lineage_tag('s.people.phone', 'pii')") == [0]
    assert people.rows(
        "select column_name, tag, declared, source, path from lineage_tags('s.report') order by 2, 4"
    ) == [
        ("who", "pii", False, "s.people.email",
         ["s.people.email", "s.contacts.reach", "s.report.who"]),
        ("who", "pii", False, "s.people.phone",
         ["s.people.phone", "s.contacts.reach", "s.report.who"]),
        ("who", "secret", False, "s.people.phone",
         ["s.people.phone", "s.contacts.reach", "s.report.who"]),
    ]  # fmt: skip
    assert carried(people, "s.people") == [
        ("email", "pii", "s.people.email"),
        ("phone", "pii", "s.people.phone"),
        ("phone", "secret", "s.people.phone"),
    ]
    assert people.rows("select name, column_name, tag from lineage_tags()") == [
        ("s.people", "email", "pii"),
        ("s.people", "phone", "pii"),
        ("s.people", "phone", "secret"),
    ]
    check(people)


def test_not_through_masking_unless_the_tag_says_so(people):
    people.rows("select lineage_tag('s.people.email', 'pii')")
    assert carried(people, "s.masked") == []
    people.rows("select lineage_tag_rule('pii', through_masking => true)")
    assert carried(people, "s.masked") == [("email", "pii", "s.people.email")]
    check(people)
    people.rows("select lineage_tag_rule('pii')")
    assert carried(people, "s.masked") == []
    check(people)


def test_through_aggregation_unless_the_tag_says_not(people):
    people.rows("select lineage_tag('s.people.salary', 'finance')")
    assert carried(people, "s.report") == [("total", "finance", "s.people.salary")]
    people.rows("select lineage_tag_rule('finance', through_aggregation => false)")
    assert carried(people, "s.report") == []
    check(people)


def test_a_tag_of_a_relation_is_one_of_its_columns_also_of_new_ones(people, db):
    people.rows("select lineage_tag('s.people', 'internal')")
    assert [row[0] for row in carried(people, "s.people")] == ["email", "phone", "salary", None]
    assert ("total", "internal", "s.people") in carried(people, "s.report")
    people.node("s.people.birthday")
    assert ("birthday", "internal", "s.people") in carried(people, "s.people")
    people.evidence("s.age", ("s.people.birthday", "s.age.years", "TRANSFORMATION"))
    assert tags.carried(people.database, [("s.age", "years")]) == {
        ("s.age", "years"): {"internal"}
    }
    check(people)
    people.rows("select lineage_untag('s.people', 'internal')")
    assert people.rows(_KEPT) == []


def test_untag(people):
    people.rows(
        "select lineage_tag('s.people.email', 'pii'), lineage_tag('s.people.phone', 'pii')"
    )
    assert people.column("select lineage_untag('s.people.email', 'pii', 'other')") == [1]
    assert carried(people, "s.report") == [("who", "pii", "s.people.phone")]
    assert carried(people, "s.contacts") == [("reach", "pii", "s.people.phone")]
    # An inherited one is not taken away.
    assert people.column("select lineage_untag('s.report.who', 'pii')") == [0]
    assert carried(people, "s.report") == [("who", "pii", "s.people.phone")]
    check(people)


def test_a_declared_tag_that_is_inherited_too_stays_inherited(people):
    people.rows(
        "select lineage_tag('s.people.email', 'pii'), lineage_tag('s.contacts.email', 'pii')"
    )
    people.rows("select lineage_untag('s.contacts.email', 'pii')")
    assert carried(people, "s.contacts")[0] == ("email", "pii", "s.people.email")
    check(people)


def test_tags_follow_edges(people):
    people.rows(
        "select lineage_tag('s.people.email', 'pii'), lineage_tag('s.people.phone', 'secret')"
    )
    people.evidence("s.contacts", ("s.people.phone", "s.contacts.reach", "TRANSFORMATION"))
    assert carried(people, "s.report") == [("who", "secret", "s.people.phone")]
    assert carried(people, "s.contacts") == [("reach", "secret", "s.people.phone")]
    check(people)
    people.evidence("s.contacts", ("s.people.email", "s.contacts.reach", "TRANSFORMATION"))
    assert carried(people, "s.report") == [("who", "pii", "s.people.email")]
    check(people)
    people.evidence("s.contacts")
    assert carried(people, "s.report") == []
    check(people)


def test_a_circle_does_not_hold_itself_up(draw, tables):
    tables("s.a(x)", "s.b(x)", "s.c(x)", "s.d(x)")
    draw.evidence("s.b", ("s.a.x", "s.b.x"))
    draw.evidence("s.c", ("s.b.x", "s.c.x"), ("s.c.x", "s.d.x"), ("s.d.x", "s.b.x"))
    draw.rows("select lineage_tag('s.a.x', 'pii')")
    assert len(draw.rows(_KEPT)) == 4
    draw.evidence("s.b")
    assert len(draw.rows(_KEPT)) == 1
    check(draw)


def test_masking_is_seen_in_expressions_and_can_be_declared(people):
    people.evidence(
        "s.pay",
        people.edge(
            "s.people.email", "s.pay.total", "TRANSFORMATION", expression="app.hide(p.email)"
        ),
    )
    people.rows("select lineage_tag('s.people.email', 'pii')")
    assert carried(people, "s.pay") == [("total", "pii", "s.people.email")]
    assert people.column("select lineage_masking('app.hide')") == [1]
    assert carried(people, "s.pay") == []
    check(people)
    assert people.column("select lineage_masking('md5', false)") == [1]
    assert carried(people, "s.masked") == [("email", "pii", "s.people.email")]
    check(people)
    # The same evidence told again changes nothing.
    before = people.column("select count(*) from lineage.edges")
    people.evidence(
        "s.masked",
        people.edge(
            "s.people.email", "s.masked.email", "TRANSFORMATION", expression="md5(p.email)"
        ),
    )
    assert people.column("select count(*) from lineage.edges") == before


def test_column_tags_through_views_that_the_graph_does_not_know(people, db, as_role):
    people.rows(
        "select lineage_tag('s.people.email', 'pii'), lineage_tag('s.people.salary', 'finance')"
    )
    people.rows("select lineage_tag_rule('finance', through_aggregation => false)")
    db.execute("alter table s.people alter email type text using email")
    db.execute(
        "create view s.v as select email, md5(email) as hash, phone, salary * 2 as pay from s.people"
    )
    db.execute(
        "create view s.w as select upper(email) as mail, hash, sum(pay) as paid from s.v group by 1, 2"
    )
    reader = as_role("view_reader")
    db.execute("grant usage on schema s to view_reader; grant select on s.w to view_reader")
    asked = [
        ("s.w", "mail"),
        ("s.w", "hash"),
        ("s.w", "paid"),
        ("s.v", "pay"),
        ("s.v", "phone"),
        ("s.x", "y"),
    ]
    assert tags.column_tags(PsycopgDatabase(reader), asked) == {
        ("s.w", "mail"): {"pii"},
        ("s.v", "pay"): {"finance"},
    }


def test_what_cannot_be_settled_now_is_followed_at_each_read(people, connect):
    people.rows("select lineage_tag('s.people.email', 'pii')")
    blocker = connect(autocommit=False)
    blocker.execute("select pg_advisory_xact_lock(hashtext('lineage.node_tags'), 0)")
    people.evidence("s.new", ("s.contacts.email", "s.new.email"))
    people.evidence("s.contacts", ("s.people.email", "s.contacts.email"))
    assert people.rows("select * from lineage.tag_pending") != []
    wanted = {("s.new", "email"): {"pii"}}
    asked = [("s.new", "email"), ("s.report", "who")]
    assert tags.column_tags(people.database, asked) == wanted
    assert carried(people, "s.new") == [("email", "pii", "s.people.email")]
    blocker.rollback()
    with connect(autocommit=False) as reader:
        reader.execute("set transaction read only")
        assert tags.column_tags(PsycopgDatabase(reader), asked) == wanted
    assert tags.column_tags(people.database, asked) == wanted
    assert people.rows("select * from lineage.tag_pending") == []
    check(people)


def test_a_transaction_with_an_old_snapshot_leaves_a_note(people, connect):
    people.rows("select lineage_tag('s.people.email', 'pii')")
    with connect(autocommit=False) as old:
        old.execute("set transaction isolation level repeatable read")
        database = PsycopgDatabase(old)
        edge = people.edge("s.contacts.email", "s.new.email")
        replace_evidence(database, "view", Key("relation", "", "s.new"), [edge])
        assert tags.column_tags(database, [("s.new", "email")]) == {("s.new", "email"): {"pii"}}
    assert carried(people, "s.new") == [("email", "pii", "s.people.email")]
    check(people)


@pytest.mark.parametrize(
    ("call", "state"),
    [
        ("lineage_tag('s.people.email', '')", "22023"),
        ("lineage_tag('s.people.email', ' pii')", "22023"),
        ("lineage_tag('s.people.email', null)", "22023"),
        ("lineage_tag('s.people.email', repeat('x', 64))", "22023"),
        ("lineage_tag('s.people', 'email', 'pii')", "22023"),
        ("lineage_untag('s.people', 'email', 'pii')", "22023"),
        ("lineage_tag('s.people.nothing', 'pii')", "42704"),
        ("lineage_untag('s.nothing', 'pii')", "42704"),
        ("lineage_tag_rule('', true, true)", "22023"),
        ("lineage_tag_rule('pii', null)", "22023"),
        ("lineage_tags('s.nothing')", "42704"),
        ("lineage_masking('')", "22023"),
        ("lineage_masking(null)", "22023"),
    ],
)
def test_bad_input(people, call, state):
    with pytest.raises(psycopg.Error) as caught:
        people.rows("select " + call)
    assert caught.value.sqlstate == state


def test_only_administrators_tag(people, as_role):
    user = as_role("tag_user")
    for call in ("lineage_tag('s.people.email', 'pii')", "lineage_untag('s.people.email', 'pii')",
                 "lineage_tag_rule('pii')", "lineage_masking('f')"):  # fmt: skip
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            user.execute("select " + call)
    admin = as_role("tag_admin", "llm_admin")
    admin.execute("select lineage_tag('s.people.email', 'pii')")
    assert people.column("select declared_by from lineage.tags") == ["tag_admin"]


# A few nodes, and steps: an edge is told or taken back, a node tagged or untagged.
_NODE = st.integers(0, 5)
_HOW = st.sampled_from(["IDENTITY", "AGGREGATION", "masked", "FILTER"])
_STEP = st.one_of(
    st.tuples(st.just("edges"), _NODE, st.lists(st.tuples(_NODE, _HOW), max_size=3)),
    st.tuples(st.just("whole"), _NODE, st.lists(st.tuples(_NODE, _HOW), max_size=2)),
    st.tuples(st.just("tag"), _NODE, st.sampled_from(["pii", "finance"])),
    st.tuples(st.just("untag"), _NODE, st.sampled_from(["pii", "finance"])),
    st.tuples(st.just("rule"), st.booleans(), st.booleans()),
)


@settings(max_examples=60)
@given(steps=st.lists(_STEP, min_size=3, max_size=14))
def test_any_history_leaves_what_follows_from_the_edges(server, database_name, steps):
    from tests.conftest import dsn

    with psycopg.connect(dsn(server, database_name)) as connection:
        database = PsycopgDatabase(connection)
        connection.execute("truncate lineage.nodes, lineage.edges, lineage.tags, lineage.tag_rules, "
                           "lineage.node_tags, lineage.tag_pending cascade")  # fmt: skip
        columns = [Key("column", "", f"s.t{n}", "x") for n in range(6)]
        from pg_llm.graph.store import ensure_nodes

        ids = ensure_nodes(database, columns)
        for kind, first, second in steps:
            if kind in ("edges", "whole"):
                owner = Key("relation", "", f"s.t{first}")
                target = columns[first] if kind == "edges" else owner
                replace_evidence(
                    database, kind, owner,
                    [_edge(columns[n] if kind == "edges" else Key("relation", "", f"s.t{n}"), target, how)
                     for n, how in second],
                )  # fmt: skip
            elif kind == "tag":
                tags.declare(database, ids[columns[first]], [second])
            elif kind == "untag":
                tags.withdraw(database, ids[columns[first]], [second])
            else:
                tags.rule(database, "pii", aggregation=first, through_masking=second)
            assert (
                connection.execute(_KEPT).fetchall() == connection.execute(_ORACLE).fetchall()
            ), (kind, first, second)
        connection.rollback()


def _edge(source, target, how):
    influence = "INDIRECT" if how == "FILTER" else "DIRECT"
    kind = "TRANSFORMATION" if how == "masked" else how
    return EdgeFacts(source, target, influence, kind, masking=how == "masked")


def test_a_tag_may_be_called_like_a_column_where_it_stands_alone(people):
    assert people.column("select lineage_tag('s.people', 'email')") == [1]
    assert people.column("select lineage_untag('s.people', 'email')") == [1]
    with pytest.raises(psycopg.errors.InvalidParameterValue) as raised:
        people.rows("select lineage_tag('s.people', 'email', 'pii')")
    assert "lineage_tag('s.people.email', …)" in raised.value.diag.message_hint
    assert people.rows("select * from lineage_tags()") == []
