"""Tags of the lineage graph are obeyed, whatever way a column comes; values stay where they are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import psycopg
import pytest

from pg_llm.models.scripted import Server
from tests.conftest import dsn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_postgresql.executor import PostgreSQLExecutor

REFUSED = {
    "output": "select email from riders",
    "expression": "select lower(email) as e from riders",
    "star": "select * from riders",
    "whole row": "select r from riders r",
    "json": "select to_jsonb(r) as j from riders r",
    "aggregate": "select min(email) as e from riders",
    "condition": "select full_name from riders where email like 'a%'",
    "subquery": "select full_name from riders where exists (select from riders x where x.email = '')",
    "scalar": "select (select max(r.email) from riders r) as e",
    "sort": "select full_name from riders order by email",
    "case": "select case when email like 'a%' then 1 end as c from riders",
    "cte": "with c as (select email as harmless from riders) select harmless from c",
    "union": "select full_name from riders union all select email from riders",
    "window": "select row_number() over (order by email) as n from riders",
    "view": "select contact from contacts",
    "view of a view": "select c from people",
    "condition on a view": "select name from contacts where contact like 'a%'",
    "lateral": "select x from riders r, lateral (select r.email as x) y",
    "values": "select v from riders r, lateral (values (r.email)) y (v)",
    "join": "select a.full_name from riders a join contacts c on c.contact = a.email",
    "having": "select city from riders group by city having max(email) > 'b'",
}
PASSED = {
    "others": "select full_name, city from riders",
    "count": "select count(*) from riders",
    "view": "select name from contacts",
}


@pytest.fixture(scope="module", autouse=True)
def views(server: PostgreSQLExecutor, database_name: str, fleet: None) -> None:
    with psycopg.connect(dsn(server, database_name), autocommit=True) as db:
        db.execute(
            "create view contacts as select full_name as name, email as contact from riders"
        )
        db.execute("create view people as select contact as c, name from contacts")
        db.execute("select lineage_sync_catalog()")


@pytest.fixture
def tagged(db: psycopg.Connection) -> Iterator[psycopg.Connection]:
    db.execute("select lineage_tag('public.riders.email', 'pii')")
    yield db
    db.execute("reset all")
    db.execute("delete from llm.tag_policies; delete from llm.column_options")
    db.execute("delete from llm.verified_pairs; delete from llm.model_definitions")


def verified(db: psycopg.Connection, sql: str) -> str | None:
    """Return the SQL that a question with this approved SQL becomes."""
    db.execute("delete from llm.verified_pairs")
    db.execute(
        "insert into llm.verified_pairs (question, key, sql, relations) "
        "values ('show me something', 'show me something', %s, '{}')",
        [sql],
    )
    return db.execute("select llm_text2sql('show me something')").fetchone()[0]


@pytest.mark.parametrize("sql", REFUSED.values(), ids=REFUSED)
def test_refused_by_default(tagged: psycopg.Connection, sql: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege) as raised:
        tagged.execute("select llm_verify('show me something', %s)", [sql])
    message = raised.value.diag.message_primary
    assert '"pii"' in message
    assert "riders" not in message
    assert verified(tagged, sql) is None


@pytest.mark.parametrize("sql", PASSED.values(), ids=PASSED)
def test_other_columns_pass(tagged: psycopg.Connection, sql: str) -> None:
    assert verified(tagged, sql) == sql


def test_nothing_changes_without_tags_or_where_allowed(tagged: psycopg.Connection) -> None:
    tagged.execute("select llm_tag_policy(null, 'pii', 'allow')")
    for sql in REFUSED.values():
        assert verified(tagged, sql) == sql
    tagged.execute("select llm_tag_policy(null, 'pii', null)")
    assert verified(tagged, REFUSED["output"]) is None
    tagged.execute("select lineage_untag('public.riders.email', 'pii')")
    assert verified(tagged, REFUSED["output"]) == REFUSED["output"]


def test_a_view_made_after_the_graph_was_read(tagged: psycopg.Connection) -> None:
    tagged.execute("create view late as select email || '' as x from riders")
    try:
        assert verified(tagged, "select x from late") is None
    finally:
        tagged.execute("drop view late")


def test_a_partition_has_the_tags_of_its_parent(tagged: psycopg.Connection) -> None:
    tagged.execute("create table logins (who text, day int) partition by list (day)")
    tagged.execute("create table logins_1 partition of logins for values in (1)")
    tagged.execute("create table visits (who text)")
    tagged.execute("create table old_visits () inherits (visits)")
    try:
        tagged.execute("select lineage_sync_catalog()")
        tagged.execute("select lineage_tag('public.logins.who', 'secret')")
        tagged.execute("select lineage_tag('public.old_visits.who', 'secret')")
        assert verified(tagged, "select who from logins_1") is None
        assert verified(tagged, "select who from visits") is None
        assert verified(tagged, "select day from logins_1") is not None
    finally:
        tagged.execute("drop table logins, old_visits, visits")


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select full_name, email from riders order by rider_id", (None, "***")),
        ("select contact, contact as contact, name from contacts", ("***", "***", None)),
        ("select max(length(email)) as n, count(*) as c from riders", (None, None)),
        ("select lower(email) as email, count(*) as n from riders group by email", ("***", None)),
    ],
)
def test_masked(tagged: psycopg.Connection, sql: str, expected: tuple[str | None, ...]) -> None:
    tagged.execute("select llm_tag_policy(null, 'pii', 'mask')")
    masked = verified(tagged, sql)
    found = tagged.execute(masked).fetchall()
    plain = tagged.execute(sql).fetchall()
    assert len(found) == len(plain) > 0
    if "max" in sql:
        assert found == [(None, plain[0][1])]
        return
    for row, right in zip(found, plain, strict=True):
        for value, other, mask in zip(row, right, expected, strict=True):
            assert value == (mask or other)
    warnings = tagged.execute(
        "select warnings from llm_text2sql_explain('show me something')"
    ).fetchone()[0]
    assert any('tag "pii"' in warning for warning in warnings)
    # What was masked passes the guard again as it is.
    assert verified(tagged, masked) == masked


@pytest.mark.parametrize("name", ["condition", "sort", "case", "join", "having", "window"])
def test_masked_values_steer_nothing(tagged: psycopg.Connection, name: str) -> None:
    tagged.execute("select llm_tag_policy(null, 'pii', 'mask')")
    assert verified(tagged, REFUSED[name]) is None


def test_policies_of_roles(tagged: psycopg.Connection) -> None:
    sql = "select email from riders"
    tagged.execute("create role t2s_analysts in role llm_user")
    tagged.execute("create role t2s_doctors in role llm_user")
    tagged.execute("create role t2s_ann in role t2s_analysts")
    tagged.execute("grant select on riders to t2s_analysts, t2s_doctors")
    try:

        def seen() -> str | None:
            tagged.execute("set role t2s_ann")
            try:
                return verified(tagged, sql)
            finally:
                tagged.execute("reset role")
                tagged.execute("delete from llm.verified_pairs")

        assert seen() is None
        tagged.execute("select llm_tag_policy(null, 'pii', 'mask')")
        assert "***" in seen()
        tagged.execute("select llm_tag_policy('t2s_analysts', 'pii', 'allow')")
        assert seen() == sql
        # of two roles, the stricter one counts
        tagged.execute("grant t2s_doctors to t2s_ann")
        tagged.execute("select llm_tag_policy('t2s_doctors', 'pii', 'refuse')")
        assert seen() is None
        # and its own above both; what is not inherited does not count
        tagged.execute("select llm_tag_policy('t2s_ann', 'pii', 'allow')")
        assert seen() == sql
        tagged.execute("select llm_tag_policy('t2s_ann', 'pii', null)")
        tagged.execute("alter role t2s_ann noinherit")
        tagged.execute("grant select on riders to t2s_ann")
        tagged.execute("grant llm_user to t2s_ann")
        # a superuser is no member of all
        assert "***" in verified(tagged, sql)
        # nobody else writes policies
        tagged.execute("alter role t2s_ann inherit")
        tagged.execute("set role t2s_ann")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            tagged.execute("select llm_tag_policy('t2s_ann', 'pii', 'allow')")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            tagged.execute("insert into llm.tag_policies values ('t2s_ann', 'pii', 'allow')")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            tagged.execute("select llm_column_samples('riders', 'city', true)")
        tagged.execute("set pg_llm.text2sql_refused_tags = 'nothing'")
        tagged.execute("reset role")
        tagged.execute("delete from llm.tag_policies")
        assert seen() is None
    finally:
        tagged.execute("reset role")
        tagged.execute("delete from llm.tag_policies")
        tagged.execute("drop owned by t2s_ann, t2s_analysts, t2s_doctors")
        tagged.execute("drop role t2s_ann, t2s_analysts, t2s_doctors")


@pytest.mark.parametrize("action", ["hide", "REFUSE", ""])
def test_unknown_actions(tagged: psycopg.Connection, action: str) -> None:
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        tagged.execute("select llm_tag_policy(null, 'pii', %s)", [action])


def test_answers_given_before_a_policy_are_not_given_after(tagged: psycopg.Connection) -> None:
    tagged.execute("set pg_llm.text2sql_cache = on")
    tagged.execute("select llm_tag_policy(null, 'pii', 'allow')")
    assert verified(tagged, "select email from riders") == "select email from riders"
    again = "select llm_text2sql('show me something')"
    assert tagged.execute(again).fetchone()[0] == "select email from riders"
    tagged.execute("select llm_tag_policy(null, 'pii', 'mask')")
    assert "***" in tagged.execute(again).fetchone()[0]
    tagged.execute("select llm_tag_policy(null, 'pii', 'refuse')")
    assert tagged.execute(again).fetchone()[0] is None
    tagged.execute("delete from llm.answers")


def test_values_of_tagged_and_opted_out_columns_are_shown_to_no_model(
    tagged: psycopg.Connection,
) -> None:
    server = Server([{"match": "everything", "answer": "select count(*) from riders"}]).start()
    try:
        tagged.execute(
            "select llm_model_add('script', 'scripted', 'chat', 'scripted', %s, null, %s)",
            [server.endpoint, json.dumps({"retries": 0})],
        )
        tagged.execute("set pg_llm.chat_model = 'script'")
        tagged.execute("update riders set email = 'ada.' || rider_id % 3 || '@example.org'")
        tagged.execute("analyze riders")

        def prompt() -> str:
            tagged.execute("select llm_text2sql('everything')")
            return server.requests[-1]["body"]["messages"][0]["content"]

        city = tagged.execute("select city from riders limit 1").fetchone()[0]
        shown = prompt()
        assert "  email text" in shown
        assert "@example.org" not in shown
        assert city in shown
        tagged.execute("select llm_column_samples('riders', 'city', false)")
        assert city not in prompt()
        found = tagged.execute(
            "select sql from llm_text2sql_explain(%s)", [f"How many riders live in {city}?"]
        ).fetchone()[0]
        assert found is None or city not in found
        tagged.execute("select llm_column_samples('riders', 'city', true)")
        assert city in prompt()
        tagged.execute("select llm_tag_policy(null, 'pii', 'allow')")
        assert "@example.org" in prompt()
    finally:
        server.stop()
    with pytest.raises(psycopg.errors.UndefinedColumn):
        tagged.execute("select llm_column_samples('riders', 'nothing', false)")


def test_the_version_of_the_policies_changes_with_them(db: psycopg.Connection) -> None:
    before = db.execute("select llm.policy_version()").fetchone()
    db.execute("select llm_column_samples('riders', 'city', false)")
    try:
        assert db.execute("select llm.policy_version()").fetchone() != before
    finally:
        db.execute("select llm_column_samples('riders', 'city', true)")
