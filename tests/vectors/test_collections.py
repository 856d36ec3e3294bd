"""Collections with the static model: made, kept fresh, searched, refused, dropped."""

from __future__ import annotations

import psycopg
import pytest

from tests.vectors.conftest import hits, stored


@pytest.fixture
def notes(db):
    """A table with text, metadata and a collection."""
    db.execute("create table notes (id int primary key, title text, body text, lang text)")
    db.execute(
        """
        insert into notes values
            (1, 'Unpaid invoices', 'customers who owe us money', 'en'),
            (2, 'Seaside', 'a sunny day at the beach', 'en'),
            (3, '应收账款', '客户的未付发票清单', 'zh'),
            (4, null, '  ', 'en')
        """
    )
    db.execute("select llm_vectorize('notes', array['title', 'body'], metadata => array['lang'])")
    return db


def test_rows_are_found_by_meaning(notes):
    assert hits(notes, "clients with debts")[0] == {"id": 1}
    assert hits(notes, "holiday near the sea")[0] == {"id": 2}


def test_each_part_is_visible(notes):
    row = notes.execute(
        "select score, vector_rank, vector_distance, text_rank, text_score from llm_search('notes', 'unpaid money')"
    ).fetchone()
    assert row[1] == row[3] == 1
    assert row[0] == pytest.approx(1)
    assert 0 < row[2] < 1
    assert row[4] > 0


def test_chinese_is_found_by_bigrams(notes):
    rows = notes.execute(
        "select key from llm_search('notes', '哪些发票没有付') where text_rank is not null"
    ).fetchall()
    assert rows == [({"id": 3},)]


def test_a_filter_keeps_rows_whose_metadata_contains_it(notes):
    assert hits(notes, "invoices", filter='{"lang": "zh"}') == [{"id": 3}]
    assert hits(notes, "invoices", filter='{"lang": "fr"}') == []


def test_a_row_without_text_has_no_embedding(notes):
    assert [key for key, _ in stored(notes)] == [1, 2, 3]


def test_writes_are_followed(notes):
    notes.execute("insert into notes values (5, 'Fruit', 'apples and pears', 'en')")
    assert hits(notes, "bananas")[0] == {"id": 5}
    notes.execute("update notes set title = 'Cars', body = 'trucks and vans' where id = 5")
    assert hits(notes, "vehicles")[0] == {"id": 5}
    notes.execute("update notes set id = 50 where id = 5")
    assert hits(notes, "vehicles")[0] == {"id": 50}
    notes.execute("update notes set lang = 'de' where id = 50")
    assert hits(notes, "vehicles", filter='{"lang": "de"}') == [{"id": 50}]
    notes.execute("update notes set title = null, body = null where id = 50")
    assert {"id": 50} not in hits(notes, "vehicles")
    notes.execute("delete from notes where id = 1")
    assert [key for key, _ in stored(notes)] == [2, 3]
    notes.execute("truncate notes")
    assert stored(notes) == []


def test_a_statement_rolled_back_leaves_nothing(notes, connect):
    session = connect(autocommit=False)
    session.execute("insert into notes values (6, 'Fruit', 'apples', 'en')")
    assert hits(session, "fruit")[0] == {"id": 6}
    session.rollback()
    assert {"id": 6} not in hits(notes, "fruit")
    assert _queued(notes) == 0


def _queued(db):
    version = db.execute("select active from llm.collections").fetchone()[0]
    return db.execute(f"select count(*) from llm.vectors_{version}_queue").fetchone()[0]


def test_a_replaced_row_in_one_transaction(notes, connect):
    session = connect(autocommit=False)
    session.execute("delete from notes where id = 2")
    session.execute("insert into notes values (2, 'Cars', 'trucks', 'en')")
    session.execute("update notes set body = 'vans' where id = 2")
    session.commit()
    assert dict(stored(notes))[2] == "Cars\nvans"


def test_renames_are_followed(notes):
    notes.execute("create schema other")
    notes.execute("alter table notes rename to memos")
    notes.execute("alter table memos set schema other")
    notes.execute("alter table other.memos rename column id to number")
    notes.execute("alter table other.memos rename column body to words")
    notes.execute("insert into other.memos values (7, 'Fruit', 'apples', 'en')")
    notes.execute("update other.memos set words = 'pears' where number = 7")
    assert hits(notes, "pears")[0] == {"number": 7}
    assert dict(stored(notes))[7] == "Fruit\npears"
    notes.execute("alter table other.memos rename column number to id")
    notes.execute("alter table other.memos rename column words to body")
    notes.execute("alter table other.memos set schema public")
    notes.execute("alter table memos rename to notes")
    notes.execute("drop schema other")


@pytest.mark.parametrize(
    ("statement", "sqlstate"),
    [
        ("alter table notes drop constraint notes_pkey", "0A000"),
        ("alter table notes drop constraint notes_pkey, add column n serial primary key", "0A000"),
        ("alter table notes drop column body", "2BP01"),
        ("drop table notes", "2BP01"),
        ("alter table notes alter column body type varchar(9)", "0A000"),
        ("alter table notes alter column id type bigint", "0A000"),
    ],
)
def test_what_would_break_a_collection_is_refused(notes, statement, sqlstate):
    with pytest.raises(psycopg.Error) as caught:
        notes.execute(statement)
    assert caught.value.sqlstate == sqlstate
    assert hits(notes, "debts")[0] == {"id": 1}


@pytest.mark.parametrize(
    "statement", ["drop table notes cascade", "alter table notes drop column body cascade"]
)
def test_what_is_dropped_with_cascade_takes_the_collection_along(notes, statement):
    notes.execute(statement)
    _assert_nothing_left(notes)
    notes.execute("create table if not exists notes (id int primary key)")
    notes.execute("insert into notes (id) values (99)")


def _assert_nothing_left(db):
    assert (
        db.execute("select tgname from pg_trigger where tgname ~ '^llm_vectors'").fetchall() == []
    )
    assert db.execute("select count(*) from llm.collections").fetchone() == (0,)
    assert (
        db.execute(
            "select relname from pg_class where relname ~ '^(vectors|collection)_[0-9]'"
        ).fetchall()
        == []
    )


def test_other_columns_come_and_go(notes):
    notes.execute("alter table notes add column extra int default 1")
    notes.execute("insert into notes values (8, 'Fruit', 'apples', 'en', 5)")
    notes.execute("alter table notes drop column extra")
    notes.execute("insert into notes values (9, 'Fruit', 'pears', 'en')")
    assert set(dict(stored(notes))) == {1, 2, 3, 8, 9}


def test_dropping_a_collection_leaves_the_table_as_it_was(notes):
    notes.execute("select llm_collection_drop('notes')")
    _assert_nothing_left(notes)
    notes.execute("alter table notes drop column body")
    with pytest.raises(psycopg.Error) as caught:
        hits(notes, "debts")
    assert caught.value.sqlstate == "42704"


def test_any_primary_key(db):
    db.execute("create domain code as text check (value ~ '^[A-Z]')")
    db.execute("create type size as enum ('small', 'large')")
    db.execute(
        """
        create table parts (
            made date, what code, size size, token uuid default gen_random_uuid(), data bytea,
            amount numeric(8, 2), text text,
            primary key (token, what, made, size, data, amount)
        )
        """
    )
    db.execute("select llm_vectorize('parts', '{text}')")
    db.execute(
        "insert into parts values ('2024-02-29', 'Bolt', 'large', default, '\\x00ff', 1.50, 'steel screw for wood')"
    )
    (key,) = hits(db, "screws", "parts")
    assert set(key) == {"made", "what", "size", "token", "data", "amount"}
    assert key["made"] == "2024-02-29"
    assert (key["what"], key["size"], key["amount"]) == ("Bolt", "large", 1.5)
    db.execute("update parts set size = 'small'")
    assert hits(db, "screws", "parts")[0]["size"] == "small"
    db.execute("select llm_collection_drop('parts')")
    db.execute("drop table parts")


def test_a_template(db):
    db.execute('create table goods (id int primary key, "The Name" text, price numeric)')
    db.execute("insert into goods values (1, 'pen', 2.5), (2, null, null), (3, 'ink', null)")
    db.execute(
        """select llm_vectorize('goods', null, '100% {{sic}} {The Name}: {price} \\ ''q''', 'shop')"""
    )
    assert stored(db, "shop") == [
        (1, "100% {sic} pen: 2.5 \\ 'q'"),
        (3, "100% {sic} ink:  \\ 'q'"),
    ]
    db.execute("select llm_collection_drop('shop')")
    db.execute("drop table goods")


@pytest.mark.parametrize(
    ("overflow", "pieces"),
    [
        (
            "chunk",
            [
                ("One is about apples and pears, and where they grow.", None),
                ("Two is about trucks and vans, and who drives them.", None),
            ],
        ),
        (
            "cut",
            [
                (
                    "One is about apples and pears, and where they grow. Two is a",
                    "cut after 60 of 102 characters",
                )
            ],
        ),
    ],
)
def test_long_text(db, overflow, pieces):
    db.execute("create table essays (id int primary key, body text)")
    db.execute(
        "insert into essays values (1, 'One is about apples and pears, and where they grow. Two is about trucks and vans, and who drives them.')"
    )
    db.execute(
        "select llm_vectorize('essays', '{body}', chunk_size => 60, overflow => %s)", [overflow]
    )
    version = db.execute("select active from llm.collections").fetchone()[0]
    assert (
        db.execute(f"select content, note from llm.vectors_{version} order by chunk").fetchall()
        == pieces
    )
    assert hits(db, "trucks", "essays") == [{"id": 1}]
    db.execute("update essays set body = 'short'")
    assert stored(db, "essays") == [(1, "short")]
    db.execute("select llm_collection_drop('essays')")
    db.execute("drop table essays")


@pytest.mark.parametrize("distance", ["cosine", "inner_product", "l2"])
def test_distances(db, distance):
    db.execute("create table d (id int primary key, body text)")
    db.execute("insert into d values (1, 'apples and pears'), (2, 'trucks and vans')")
    db.execute("select llm_vectorize('d', '{body}', distance => %s)", [distance])
    assert hits(db, "fruit", "d") == [{"id": 1}, {"id": 2}]
    db.execute("select llm_collection_drop('d')")
    db.execute("drop table d")


def test_a_partitioned_table(db):
    db.execute("create table p (id int primary key, body text) partition by range (id)")
    db.execute("create table p1 partition of p for values from (0) to (100)")
    db.execute("create table p2 partition of p for values from (100) to (200)")
    db.execute("insert into p values (1, 'apples')")
    db.execute("select llm_vectorize('p', '{body}')")
    db.execute("insert into p values (2, 'pears'), (101, 'trucks')")
    db.execute("update p set id = 103 where id = 2")
    assert stored(db, "p") == [(1, "apples"), (101, "trucks"), (103, "pears")]
    db.execute("delete from p where id = 1")
    assert stored(db, "p") == [(101, "trucks"), (103, "pears")]
    db.execute("select llm_collection_drop('p')")
    db.execute("drop table p")


REFUSED = [
    ("select llm_vectorize('none', '{body}')", "42P01", None),
    ("select llm_vectorize('keyless', '{body}')", "0A000", "add primary key"),
    ("select llm_vectorize('looked', '{body}')", "0A000", "Vectorize the tables below it"),
    ("select llm_vectorize('keyed', '{nope}')", "42704", "id, body"),
    ("select llm_vectorize('keyed', '{}')", "22023", "Name columns"),
    ("select llm_vectorize('keyed', null)", "22023", "Name columns"),
    ("select llm_vectorize('keyed', null, 'open {body')", "22023", "{{"),
    ("select llm_vectorize('keyed', '{body}', metadata => '{nope}')", "42704", "id, body"),
    ("select llm_vectorize('keyed', '{body}', distance => 'far')", "22023", "cosine"),
    ("select llm_vectorize('keyed', '{body}', overflow => 'drop')", "22023", "chunk or cut"),
    ("select llm_vectorize('keyed', '{body}', chunk_size => 3)", "22023", None),
    ("select llm_vectorize('keyed', '{body}', language => 'klingon')", "42704", None),
    ("select llm_search('none', 'x')", "42704", "llm.vectorizers"),
    ("select llm_collection_drop('none')", "42704", None),
]


@pytest.mark.parametrize(("statement", "sqlstate", "hint"), REFUSED)
def test_bad_input_is_refused(db, statement, sqlstate, hint):
    db.execute("create table keyless (body text)")
    db.execute("create table keyed (id int primary key, body text)")
    db.execute("create view looked as select * from keyed")
    try:
        with pytest.raises(psycopg.Error) as caught:
            db.execute(statement)
        assert caught.value.sqlstate == sqlstate
        if hint is not None:
            assert hint in caught.value.diag.message_hint
        assert db.execute("select count(*) from llm.collections").fetchone() == (0,)
    finally:
        db.execute("drop table keyless, keyed cascade")


@pytest.mark.parametrize("k", [0, -1, 1001])
def test_k_has_limits(notes, k):
    with pytest.raises(psycopg.Error) as caught:
        hits(notes, "x", k=k)
    assert caught.value.sqlstate == "22023"


def test_a_name_is_taken_once(notes):
    with pytest.raises(psycopg.Error) as caught:
        notes.execute("select llm_vectorize('notes', '{body}')")
    assert caught.value.sqlstate == "42710"


@pytest.mark.parametrize("query", ["", "😀", "' & | ! :* \\ (", "a" * 100_000, "发" * 5000])
def test_strange_queries_find_something_or_nothing(notes, query):
    assert len(hits(notes, query)) <= 3
