"""Documents, recall, halfvec, dump and restore."""

from __future__ import annotations

import subprocess
from pathlib import Path

import psycopg
import pytest

from tests.conftest import dsn
from tests.vectors.conftest import hits, stored


def test_documents(db):
    db.execute(
        "select llm_knowledge_add('manual', 'Revenue excludes tax.', '{\"kind\": \"rule\"}')"
    )
    db.execute("select llm_knowledge_add('手册', '收入不含税。')")
    assert hits(db, "is tax part of revenue?", "knowledge")[0] == {"source": "manual"}
    assert hits(db, "收入含税吗", "knowledge")[0] == {"source": "手册"}
    assert hits(db, "tax", "knowledge", filter='{"metadata": {"kind": "rule"}}') == [
        {"source": "manual"}
    ]
    db.execute("select llm_knowledge_add('manual', 'Orders are shipped on Mondays.')")
    assert dict(stored(db, "knowledge"))["manual"] == "Orders are shipped on Mondays."
    db.execute("select llm_knowledge_add('manual', null)")
    assert "manual" not in dict(stored(db, "knowledge"))
    with pytest.raises(psycopg.Error) as caught:
        db.execute("select llm_knowledge_add(' ', 'x')")
    assert caught.value.sqlstate == "22023"
    db.execute("drop role if exists clerk")
    db.execute("create role clerk in role llm_user")
    db.execute("set role clerk")
    try:
        assert hits(db, "收入", "knowledge") == [{"source": "手册"}]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            db.execute("select llm_knowledge_add('mine', 'x')")
    finally:
        db.execute("reset role")
        db.execute("drop role clerk")


def test_a_long_document_is_chunked_replaced_and_taken_away(db):
    english = "\n\n".join(f"Section {n}. Clause {n} is about topic{n}." for n in range(200))
    chinese = "\n\n".join(f"第{n}条。本条款规定运输费用由买方承担。" for n in range(200))
    db.execute("select llm_knowledge_add('contract', %s)", [english])
    db.execute("select llm_knowledge_add('合同', %s)", [chinese + "\n\n违约金按日计算。"])
    chunks = [content for source, content in stored(db, "knowledge") if source == "contract"]
    assert len(chunks) > 2
    assert max(map(len, chunks)) <= 2000
    assert "".join(chunks).replace("\n", "") == english.replace("\n", "")
    key, content = db.execute(
        "select key, content from llm_search('knowledge', 'topic150', 1)"
    ).fetchone()
    assert key == {"source": "contract"}
    assert "topic150." in content
    key, content = db.execute(
        "select key, content from llm_search('knowledge', '违约金怎么计算', 1)"
    ).fetchone()
    assert key == {"source": "合同"}
    assert "违约金按日计算" in content
    db.execute("select llm_knowledge_add('contract', 'Short now.')")
    assert [c for s, c in stored(db, "knowledge") if s == "contract"] == ["Short now."]
    db.execute("select llm_knowledge_add('contract', null)")
    db.execute("select llm_knowledge_add('合同', ' ')")
    left = [s for s, _ in stored(db, "knowledge") if s in ("contract", "合同")]
    assert left == []


WORDS = "apple river truck invoice doctor winter music garden market price school tax order paint"


@pytest.fixture
def many(db):
    """3,000 rows: enough for an index."""
    db.execute("create table many (id int primary key, body text, kind int)")
    words = "array['" + "','".join(WORDS.split()) + "']"
    db.execute(
        f"""
        insert into many
        select i, (
            select string_agg(({words})[1 + (hashint4(i * 31 + j)::bigint + 2147483648) % 14], ' ')
            from generate_series(1, 6) j
        ) || ' ' || i, i % 10
        from generate_series(1, 3000) i
        """
    )
    return db


@pytest.mark.parametrize("distance", ["cosine", "l2", "inner_product"])
def test_recall(many, distance):
    many.execute("select llm_vectorize('many', '{body}', distance => %s)", [distance])
    recall, approximate, exact, indexed = many.execute(
        "select * from llm_search_recall('many', 10, 50)"
    ).fetchone()
    assert indexed
    assert 0.95 <= recall <= 1
    assert approximate > 0
    assert exact > 0


def test_the_recall_is_measured_against_the_exact_answer(many):
    """With a crippled index, recall is lower: the function can see a bad one."""
    many.execute("select llm_vectorize('many', '{body}')")
    version = many.execute("select active from llm.collections where name = 'many'").fetchone()[0]
    (name,) = many.execute(
        "select indexrelid::regclass::text from pg_index join pg_class c on c.oid = indexrelid "
        "join pg_am a on a.oid = c.relam where a.amname = 'hnsw' and indrelid = %s::regclass",
        [f"llm.vectors_{version}"],
    ).fetchone()
    many.execute(f"drop index {name}")
    many.execute(
        f"create index on llm.vectors_{version} using hnsw "
        "((embedding::halfvec(256)) halfvec_cosine_ops) with (m = 2, ef_construction = 4)"
    )
    assert (
        many.execute("select recall from llm_search_recall('many', 10, 50)").fetchone()[0] < 0.95
    )


def test_a_filter_behind_an_index_still_gives_k_rows(many):
    many.execute("select llm_vectorize('many', '{body}', metadata => '{kind}')")
    rows = hits(many, "apple river", "many", k=20, filter='{"kind": 3}')
    assert len(rows) == 20
    assert {key["id"] % 10 for key in rows} == {3}


def test_halfvec_beyond_two_thousand_dimensions(db, provider):
    db.execute(
        "select llm_model_change('remote', options => '{\"dimensions\": 2500, \"send_dimensions\": true}')"
    )
    db.execute("create table wide (id int primary key, body text)")
    db.execute("insert into wide select i, 'text ' || i from generate_series(1, 20) i")
    db.execute("select llm_vectorize('wide', '{body}', model => 'remote')")
    db.execute("call llm_work()")
    version = db.execute("select active from llm.collections where name = 'wide'").fetchone()[0]
    assert db.execute(
        f"select pg_typeof(embedding)::text from llm.vectors_{version} limit 1"
    ).fetchone() == ("halfvec",)
    assert hits(db, "text 7", "wide")[0] == {"id": 7}


def test_dump_and_restore(db, connect, admin, server, database_name):
    db.execute("create table notes (id int primary key, body text, lang text)")
    db.execute("insert into notes values (1, 'apples and pears', 'en'), (2, 'trucks', 'en')")
    db.execute("select llm_vectorize('notes', '{body}', metadata => '{lang}')")
    db.execute("alter table notes add unique (body)")
    db.execute("alter table notes enable row level security")
    db.execute("select llm_knowledge_add('manual', 'Revenue excludes tax.')")
    binaries = Path(server.executable).parent
    target = f"{database_name}_restored"
    address = ["-h", server.host, "-p", str(server.port), "-U", server.user]
    dump = subprocess.run(
        [binaries / "pg_dump", *address, "-Fc", database_name], check=True, capture_output=True
    ).stdout
    admin.execute(f'create database "{target}"')
    try:
        restored = subprocess.run(
            [binaries / "pg_restore", *address, "--exit-on-error", "-d", target],
            input=dump,
            capture_output=True,
        )
        assert restored.stderr.decode() == ""
        with psycopg.connect(dsn(server, target), autocommit=True) as copy:
            assert hits(copy, "fruit")[0] == {"id": 1}
            assert hits(copy, "tax", "knowledge")[0] == {"source": "manual"}
            copy.execute("insert into notes values (3, 'bananas')")
            copy.execute("select llm_knowledge_add('manual', 'changed')")
            assert dict(stored(copy, "knowledge"))["manual"] == "changed"
            assert dict(stored(copy))[3] == "bananas"
            copy.execute("create table more (id int primary key, body text)")
            copy.execute("select llm_vectorize('more', '{body}')")
            copy.execute("select llm_collection_drop('notes')")
    finally:
        admin.execute(f'drop database "{target}" with (force)')
