"""Who may make, search and see a collection; row level security of the table."""

from __future__ import annotations

import psycopg
import pytest

from tests.vectors.conftest import hits


@pytest.fixture
def roles(db):
    """alice owns a table with a collection; bob and carol are users, admin drains."""
    for role in ("alice", "bob", "carol"):
        db.execute(f"drop role if exists {role}")
        db.execute(f"create role {role} in role llm_user")
    db.execute("create role stranger")
    db.execute("grant create on schema public to alice, bob")
    db.execute("set role alice")
    db.execute("create table notes (id int primary key, body text, owner text, secret text)")
    db.execute(
        """
        insert into notes values
            (1, 'apples and pears', 'bob', 's1'), (2, 'bananas and plums', 'carol', 's2'), (3, 'trucks', 'bob', 's3')
        """
    )
    db.execute("select llm_vectorize('notes', '{body}')")
    yield db
    db.execute("reset role")
    db.execute("drop owned by alice, bob, carol, stranger cascade")
    db.execute("drop role alice, bob, carol, stranger")


def as_role(db, role):
    db.execute("reset role")
    db.execute(f"set role {role}")


def refused(db, statement, sqlstate="42501"):
    with pytest.raises(psycopg.Error) as caught:
        db.execute(statement)
    assert caught.value.sqlstate == sqlstate
    return caught.value


def test_an_owner_needs_no_more_than_llm_user(roles):
    assert hits(roles, "fruit")[:2] in ([{"id": 1}, {"id": 2}], [{"id": 2}, {"id": 1}])
    roles.execute("update notes set body = 'cars' where id = 1")
    assert hits(roles, "fruit")[0] == {"id": 2}
    assert roles.execute(
        "select collection, owner::text from llm.collections, llm.vectorizers where name = collection"
    ).fetchall() == [("notes", "alice")]


@pytest.mark.parametrize("role", ["bob", "stranger"])
def test_others_learn_nothing(roles, role):
    as_role(roles, role)
    code = "42704" if role == "bob" else "42501"
    refused(roles, "select * from llm_search('notes', 'fruit')", code)
    refused(roles, "select llm_collection_drop('notes')", code)
    refused(roles, "select llm_collection_pause('notes')", code)
    refused(roles, "select llm_collection_model('notes', 'static')", code)
    refused(roles, "select llm_collection_grant('notes', 'bob')", code)
    refused(roles, "select llm_search_recall('notes')", code)
    roles.execute("reset role")
    number, version = roles.execute("select id, active from llm.collections").fetchone()
    as_role(roles, role)
    refused(roles, f"select * from llm.vectors_{version}")
    refused(roles, f"select * from llm.vectors_{version}_queue")
    refused(roles, f"select * from llm.collection_{number}_source")
    refused(roles, f"select * from llm.collection_{number}_key")
    if role == "bob":
        assert roles.execute("select count(*) from llm.vectorizers").fetchone() == (0,)
        assert roles.execute("select count(*) from llm.collections").fetchone() == (0,)


def test_only_the_owner_vectorizes(roles):
    roles.execute("grant all on notes to bob")
    as_role(roles, "bob")
    refused(roles, "select llm_vectorize('notes', '{secret}', collection => 'stolen')")


def test_the_registry_cannot_be_forged(roles):
    as_role(roles, "bob")
    roles.execute("create table own (id int primary key, body text)")
    forged = "insert into llm.collections (name, owner, relation, columns) values ('x', '{}', '{}', '{{secret}}')"
    refused(roles, forged.format("bob", "notes"))
    refused(roles, forged.format("alice", "notes"))
    refused(roles, forged.format("alice", "own"))
    refused(roles, "update llm.collections set relation = 'notes'")
    refused(roles, "update llm.collections set active = 1")
    roles.execute("update llm.collections set request = 'drop'")
    refused(
        roles,
        "insert into llm.collection_versions (collection, model, dimensions, synchronous) select min(id), 'static', 256, true from llm.collections",
    )
    as_role(roles, "alice")
    assert len(hits(roles, "fruit")) == 3


def test_inner_functions_are_not_for_users(roles):
    for call in (
        "llm.vectors_step(1)",
        "llm.collection_forget(1)",
        "llm.collection_follow(1)",
        "llm.collection_check_key(1)",
        "llm_knowledge_add('a', 'b')",
    ):
        refused(roles, f"select {call}")
    refused(roles, "call llm_work()")


def test_a_step_is_of_no_use_outside_of_llm_work(roles):
    roles.execute("reset role")
    roles.execute("drop role if exists chief")
    roles.execute("create role chief in role llm_admin")
    roles.execute("set role chief")
    try:
        for number in (0, 1, 2):
            refused(roles, f"select llm.vectors_step({number})", "22023")
    finally:
        roles.execute("reset role")
        roles.execute("drop role chief")


def test_counts_of_a_queue_that_is_not_there(roles):
    assert roles.execute("select * from llm.vectors_pending(0)").fetchone() == (0, 0)


def test_an_admin_cannot_make_a_collection_be_forgotten(roles):
    roles.execute("reset role")
    number = roles.execute("select id from llm.collections").fetchone()[0]
    roles.execute(f"select llm.collection_forget({number})")
    as_role(roles, "alice")
    assert len(hits(roles, "fruit")) == 3


def test_search_is_granted_without_the_table(roles):
    roles.execute("select llm_collection_grant('notes', 'bob')")
    as_role(roles, "bob")
    assert len(hits(roles, "fruit")) == 3
    refused(roles, "select * from notes")
    refused(roles, "select llm_collection_grant('notes', 'carol')")
    refused(roles, "select llm_collection_drop('notes')", "42704")
    as_role(roles, "alice")
    roles.execute("select llm_collection_revoke('notes', 'bob')")
    as_role(roles, "bob")
    refused(roles, "select * from llm_search('notes', 'fruit')", "42704")


def test_row_level_security_decides_what_a_search_returns(roles):
    roles.execute("select llm_collection_grant('notes', 'bob')")
    roles.execute("select llm_collection_grant('notes', 'carol')")
    roles.execute("alter table notes enable row level security")
    roles.execute("create policy mine on notes for select using (owner = current_user)")
    as_role(roles, "bob")
    # Granted before the table had row level security: the key cannot be read.
    error = refused(roles, "select * from llm_search('notes', 'fruit')")
    assert "grant select (id)" in error.diag.message_hint
    as_role(roles, "alice")
    roles.execute("select llm_collection_grant('notes', 'bob')")
    roles.execute("grant select on notes to carol")
    assert len(hits(roles, "fruit")) == 3
    as_role(roles, "bob")
    assert sorted(key["id"] for key in hits(roles, "fruit")) == [1, 3]
    refused(roles, "select body from notes")
    as_role(roles, "carol")
    assert hits(roles, "apples and pears and trucks") == [{"id": 2}]
    # Neither by reading the storage.
    roles.execute("reset role")
    version = roles.execute("select active from llm.collections").fetchone()[0]
    as_role(roles, "carol")
    assert roles.execute(f"select k1 from llm.vectors_{version}").fetchall() == [(2,)]
    as_role(roles, "alice")
    roles.execute("alter table notes disable row level security")
    as_role(roles, "carol")
    assert len(hits(roles, "fruit")) == 3


def test_without_event_triggers_a_search_refuses_rather_than_shows(roles):
    roles.execute("select llm_collection_grant('notes', 'bob')")
    roles.execute("reset role")
    roles.execute("alter event trigger llm_collections_altered disable")
    try:
        roles.execute("alter table notes enable row level security")
        as_role(roles, "bob")
        error = refused(roles, "select * from llm_search('notes', 'fruit')")
        assert "llm_collection_repair" in error.diag.message_hint
        as_role(roles, "alice")
        roles.execute("select llm_collection_repair('notes')")
        as_role(roles, "bob")
        refused(roles, "select * from llm_search('notes', 'fruit')")
    finally:
        roles.execute("reset role")
        roles.execute("alter event trigger llm_collections_altered enable")


def test_a_new_owner(roles):
    roles.execute("select llm_collection_grant('notes', 'carol')")
    roles.execute("reset role")
    roles.execute("alter table notes owner to bob")
    as_role(roles, "bob")
    assert len(hits(roles, "fruit")) == 3
    roles.execute("insert into notes values (4, 'cherries')")
    roles.execute("select llm_collection_pause('notes')")
    as_role(roles, "alice")
    refused(roles, "select * from llm_search('notes', 'fruit')", "42704")
    as_role(roles, "carol")
    refused(roles, "select * from llm_search('notes', 'fruit')", "42704")
    as_role(roles, "bob")
    roles.execute("select llm_collection_drop('notes')")


def test_code_of_the_owner_does_not_run_as_another(roles):
    """Casts and operators of the owner's own types are not called."""
    roles.execute("create type mood as enum ('glad', 'sad')")
    for name, result in (("text", "text"), ("json", "json")):
        roles.execute(
            f"create function to_{name}_spy(mood) returns {result} language plpgsql as "
            f"$$ begin raise exception 'ran as %', current_user; end $$"
        )
        roles.execute(f"create cast (mood as {result}) with function to_{name}_spy(mood)")
    roles.execute(
        "create function check_spy(text) returns boolean language plpgsql as $$ begin if current_user <> 'alice' then raise exception 'ran as %', current_user; end if; return true; end $$"
    )
    roles.execute("create domain name_of as text check (check_spy(value))")
    roles.execute("create table spies (id name_of primary key, body mood)")
    roles.execute("insert into spies values ('a', 'glad')")
    roles.execute("select llm_vectorize('spies', '{body}', metadata => '{body}')")
    roles.execute("insert into spies values ('b', 'sad')")
    rows = roles.execute(
        "select key, content, metadata from llm_search('spies', 'glad')"
    ).fetchall()
    assert rows[0] == ({"id": "a"}, "glad", {"body": "glad"})
    roles.execute("reset role")
    roles.execute(
        "insert into llm.collection_versions (collection, model, dimensions, synchronous) select id, 'static', 256, false from llm.collections where name = 'spies'"
    )
    roles.execute("select llm.collection_apply(id) from llm.collections where name = 'spies'")
    roles.execute("call llm_work('spies')")


def test_a_role_that_writes_needs_no_right_of_ours(roles):
    roles.execute("grant insert, update, delete, select, truncate on notes to stranger")
    as_role(roles, "stranger")
    roles.execute("insert into notes values (9, 'cherries')")
    roles.execute("update notes set body = 'lemons' where id = 9")
    roles.execute("delete from notes where id = 1")
    as_role(roles, "alice")
    assert sorted(key["id"] for key in hits(roles, "fruit")) == [2, 3, 9]
    as_role(roles, "stranger")
    roles.execute("truncate notes")
    as_role(roles, "alice")
    assert hits(roles, "fruit") == []


def test_monitors_see_all_and_search_nothing(roles):
    roles.execute("reset role")
    roles.execute("drop role if exists watcher")
    roles.execute("create role watcher in role llm_monitor")
    roles.execute("set role watcher")
    try:
        assert roles.execute("select collection, pending from llm.vectorizers").fetchall() == [
            ("notes", 0)
        ]
        refused(roles, "select * from llm_search('notes', 'fruit')")
    finally:
        roles.execute("reset role")
        roles.execute("drop owned by watcher")
        roles.execute("drop role watcher")
