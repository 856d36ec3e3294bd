"""The parts of a search and how they are joined; with and without pg_trgm and an index."""

from __future__ import annotations

import psycopg
import pytest

from pg_llm.vectors import pieces, words
from tests.vectors.conftest import hits

COLUMNS = (
    "(key ->> 'id')::int, score, vector_rank, vector_distance, text_rank, text_score, "
    "trigram_rank, trigram_score"
)


def search(db, query, *, collection="things", k=10, parts=None, fusion="score"):
    """Return the rows of a search as dictionaries without the content."""
    cursor = db.execute(
        f"select {COLUMNS} from llm_search(%s, %s, %s, null, %s, %s)",
        [collection, query, k, parts, fusion],
    )
    names = ["id", *COLUMNS.split(", ")[1:]]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


@pytest.fixture
def trigram(db):
    """pg_trgm, in a schema that is not on the path."""
    db.execute("create schema spelling")
    db.execute("create extension pg_trgm schema spelling")
    yield db
    db.execute("drop schema spelling cascade")


@pytest.fixture
def things(db):
    db.execute("create table things (id int primary key, body text)")
    db.execute(
        """
        insert into things values
            (1, 'the order of a customer'), (2, 'the order of a supplier'),
            (3, 'the order of Przybyszewski'), (4, 'the lighthouse keeper'),
            (5, 'sbCustomerTransaction holds what was bought')
        """
    )
    db.execute("select llm_vectorize('things', '{body}')")
    return db


def many(db, rows=3000):
    """A collection with an index: row n has a word of its own, and one in 3, 10 and 100."""
    db.execute("create table things (id int primary key, body text, third int)")
    db.execute(
        f"""
        insert into things
        select i, 'paper ' || case when i % 3 = 0 then 'river ' else '' end
            || case when i % 10 = 0 then 'winter ' else '' end
            || case when i % 100 = 0 then 'doctor ' else '' end || 'thing' || i, i % 3
        from generate_series(1, {rows}) i
        """
    )
    db.execute("select llm_vectorize('things', '{body}', metadata => '{third}')")
    assert db.execute("select indexed from llm.vectorizers").fetchone() == (True,)
    return db


def test_ranks_are_joined_by_the_reciprocal_rule(things, trigram):
    rows = search(things, "order of a customer", fusion="rank")
    assert rows[0]["id"] == 1
    for row in rows:
        ranks = [row[f"{part}_rank"] for part in ("vector", "text", "trigram")]
        assert row["score"] == pytest.approx(sum(1 / (60 + rank) for rank in ranks if rank))


def test_scores_are_joined_by_their_weighted_mean(things, trigram):
    rows = search(things, "order of a customer")
    distances = [row["vector_distance"] for row in rows]
    text = max(row["text_score"] or 0 for row in rows)
    similar = max(row["trigram_score"] for row in rows)
    for row in rows:
        near = (max(distances) - row["vector_distance"]) / (max(distances) - min(distances))
        mean = (
            near + 2 * (row["text_score"] or 0) / text + row["trigram_score"] / similar / 2
        ) / 3.5
        assert row["score"] == pytest.approx(mean)
    assert [row["score"] for row in rows] == sorted((r["score"] for r in rows), reverse=True)


@pytest.mark.parametrize("fusion", ["score", "rank"])
@pytest.mark.parametrize("parts", [["vector"], ["text"], ["trigram"], ["text", "vector"]])
def test_parts_can_be_chosen(things, trigram, parts, fusion):
    rows = search(things, "order of a customer", parts=parts, fusion=fusion)
    assert rows[0]["id"] == 1
    for part in ("vector", "text", "trigram"):
        assert (rows[0][f"{part}_rank"] is not None) == (part in parts)


def test_without_pg_trgm_there_are_two_parts(things):
    rows = search(things, "order of a customer")
    assert rows[0]["id"] == 1
    assert {row["trigram_rank"] for row in rows} == {None}
    assert rows[0]["score"] == pytest.approx(1)
    with pytest.raises(psycopg.Error) as caught:
        search(things, "order", parts=["trigram"])
    assert caught.value.sqlstate == "22023"
    assert "pg_trgm" in caught.value.diag.message_primary


def test_pg_trgm_finds_what_is_misspelled(things, trigram):
    rows = search(things, "Przybyzewsky", parts=["text", "trigram"])
    assert rows[0]["id"] == 3
    assert rows[0]["text_rank"] is None
    assert rows[0]["trigram_rank"] == 1
    (expected,) = trigram.execute(
        "select spelling.word_similarity('Przybyzewsky', 'the order of Przybyszewski')"
    ).fetchone()
    assert rows[0]["trigram_score"] == pytest.approx(expected)


def test_behind_an_index_trigrams_look_at_what_the_others_found(db, trigram):
    many(db)
    rows = search(db, "doctor thing1500")
    assert rows[0]["id"] == 1500
    assert rows[0]["trigram_rank"] == 1
    assert all(row["vector_rank"] or row["text_rank"] for row in rows)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("parts => '{smell}'", 'there is no part "smell"'),
        ("parts => '{}'", "at least one part"),
        ("fusion => 'magic'", 'fusion is "magic"'),
        ("k => 0", "k is 0"),
        ("k => 1001", "k is 1001"),
    ],
)
def test_what_is_refused(things, arguments, message):
    with pytest.raises(psycopg.Error) as caught:
        things.execute(f"select * from llm_search('things', 'x', {arguments})")
    assert caught.value.sqlstate == "22023"
    assert message in caught.value.diag.message_primary


def test_a_rare_word_counts_more(db):
    db.execute("create table things (id int primary key, body text)")
    db.execute("insert into things select i, 'order order order' from generate_series(1, 20) i")
    db.execute("insert into things values (21, 'lighthouse'), (22, 'order')")
    db.execute("select llm_vectorize('things', '{body}')")
    assert search(db, "order lighthouse", parts=["text"])[0]["id"] == 21


def test_the_words_of_an_identifier(things):
    assert search(things, "transactions", parts=["text"])[0]["id"] == 5
    assert search(things, "sbcustomertransaction", parts=["text"])[0]["id"] == 5


def test_in_a_large_collection_the_rarest_words_are_looked_for(db):
    many(db)
    rows = search(db, "paper river doctor", k=20, parts=["text"])
    # "doctor" is in 30 rows; the ten that have "river" too come first.
    assert [row["id"] % 300 for row in rows[:10]] == [0] * 10
    assert {row["id"] % 100 for row in rows} == {0}
    assert len(search(db, "paper", k=20, parts=["text"])) == 20
    assert search(db, "nothing of it", parts=["text"]) == []


def test_the_plan_of_words():
    known = words.Statistics(
        10_000, {"paper": 1.0, "river": 0.3, "winter": 0.1, "ink": 0.01}, 0.01
    )
    one = words.chosen(["paper", "ink", "unheard"], known)
    assert one.query == "'unheard' | 'ink'"
    assert words.chosen(["paper"], known).query == "('paper')"
    assert one.weights[:3] == sorted(one.weights[:3], reverse=True)
    # 10,000 * 0.1 * 0.3 = 300: rare enough together.
    assert words.chosen(["paper", "river", "winter"], known).query == "('winter' & 'river')"
    assert words.chosen([], known).query is None
    assert words.every(["o'clock", "a\\b"]).query == "'o''clock' | 'a\\\\b'"
    assert len(words.every([str(n) for n in range(50)]).terms) == words.SLOTS


def test_a_question_that_the_static_model_cannot_read(db):
    db.execute("create table things (id int primary key, body text)")
    db.execute(
        "insert into things values (1, '客户的未付发票清单'), (2, '电影票'), (3, 'a list of invoices')"
    )
    db.execute("select llm_vectorize('things', '{body}')")
    rows = search(db, "哪些发票没有付")
    assert rows[0]["id"] == 1
    assert rows[0]["score"] == pytest.approx(1)
    # What the model says orders the rest, and counts for nothing.
    assert {row["score"] for row in rows if row["text_rank"] is None} == {0}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("哪些 film", False),
        ("哪些电影 film", True),
        ("映画は", True),
        ("café", False),
        ("42, 43", False),
    ],
)
def test_scripts_without_spaces(text, expected):
    assert pieces.mostly_unspaced(text) is expected


def test_k_visible_rows_where_nearly_all_are_hidden(db):
    many(db)
    db.execute("alter table things enable row level security")
    db.execute("create policy few on things for select using (id % 50 = 7)")
    db.execute("drop role if exists reader")
    db.execute("create role reader in role llm_user")
    db.execute("grant select on things to reader")
    db.execute("select llm_collection_grant('things', 'reader')")
    db.execute("set role reader")
    try:
        for parts in (None, ["vector"]):
            rows = search(db, "paper river", k=20, parts=parts)
            assert len(rows) == 20
            assert {row["id"] % 50 for row in rows} == {7}
    finally:
        db.execute("reset role")
        db.execute("drop owned by reader")
        db.execute("drop role reader")


def test_a_search_leaves_the_settings_alone(things, connect):
    names = ("hnsw.ef_search", "hnsw.iterative_scan", "plan_cache_mode", "jit")
    session = connect(autocommit=False)
    session.execute("select * from llm_search('things', 'order')")
    session.execute("set local jit = on")
    session.execute("set local hnsw.ef_search = 17")
    session.execute("select * from llm_search('things', 'order', 10, '{}')")
    assert [session.execute(f"show {name}").fetchone()[0] for name in names] == [
        "17",
        "off",
        "auto",
        "on",
    ]
    session.rollback()


def test_recall_behind_a_filter(db):
    many(db)
    recall, _, _, indexed = db.execute(
        "select * from llm_search_recall('things', 10, 30, '{\"third\": 1}')"
    ).fetchone()
    assert indexed
    assert recall >= 0.95
    assert db.execute("select * from llm_search_recall(null)").fetchone() == (None,) * 4


def test_every_chunk_counts_once(db):
    db.execute("create table things (id int primary key, body text)")
    db.execute(
        "insert into things values (1, %s), (2, 'the lighthouse')",
        ["\n\n".join(f"The order of customer {n} is late." for n in range(20))],
    )
    db.execute("select llm_vectorize('things', '{body}', chunk_size => 100)")
    assert hits(db, "order of a customer", "things") == [{"id": 1}, {"id": 2}]
    assert hits(db, "customer 13", "things")[0] == {"id": 1}
    (content,) = db.execute(
        "select content from llm_search('things', 'customer 13', 1)"
    ).fetchone()
    assert len(content) <= 100
