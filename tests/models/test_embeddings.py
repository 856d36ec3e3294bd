"""Embedding many texts, and tables."""

from __future__ import annotations

import time

import pytest

from pg_llm.models.scripted import Server, embedding


@pytest.fixture(autouse=True)
def models(model):
    model("embed", kind="embed", batch=10)


def _vector(text):
    return [float(x) for x in text.strip("[]").split(",")]


def test_an_array_keeps_its_order_and_its_gaps(db, scripted):
    before = len(scripted.requests)
    texts = ["a", None, "b", "", " ", "a", "中文"]
    rows = db.execute("select v::text from unnest(llm_embed(%s::text[], 'embed')) v", [texts])
    vectors = [vector for (vector,) in rows]
    assert [v is None for v in vectors] == [False, True, False, True, True, False, False]
    for text, vector in zip(texts, vectors, strict=True):
        if vector is not None:
            assert _vector(vector) == pytest.approx(embedding(text, 64), abs=1e-6)
    (sent,) = [request["body"]["input"] for request in scripted.requests[before:]]
    assert sent == ["a", "b", "中文"]


def test_nothing_to_embed_asks_nobody(db, scripted):
    before = len(scripted.requests)
    query = "select llm_embed(%s::text[], 'embed'), llm_embed(null::text[], 'embed'), llm_embed('', 'embed')"
    assert db.execute(query, [[]]).fetchone() == ("{}", None, None)
    assert len(scripted.requests) == before


def test_batches_are_as_large_as_the_provider_takes(db, scripted):
    before = len(scripted.requests)
    db.execute("select llm_embed(array(select 'n' || g from generate_series(1, 25) g), 'embed')")
    assert sorted(len(r["body"]["input"]) for r in scripted.requests[before:]) == [5, 10, 10]


def test_qwen_gets_ten_texts_a_call_and_hunyuan_has_its_switch(scripted):
    from pg_llm.models import providers

    assert providers.Qwen.max_batch == 10
    assert dict(providers.Hunyuan.chat_body) == {"enable_enhancement": False}
    assert providers.DeepSeek.kinds == {"chat"}


def test_batches_go_out_at_the_same_time(db, model):
    server = Server([], latency=0.3).start()
    model("slow", kind="embed", endpoint=server.endpoint, batch=1, concurrency=8)
    db.execute("select llm_embed('warm', 'slow')")
    started = time.monotonic()
    db.execute("select llm_embed(array(select 'n' || g from generate_series(1, 8) g), 'slow')")
    took = time.monotonic() - started
    server.stop()
    assert 0.3 <= took < 1.5


def test_a_bulk_call_can_be_cancelled(db, model, fails):
    model("stalled", kind="embed", model="fault-stall", batch=1)
    db.execute("set statement_timeout = '300ms'")
    started = time.monotonic()
    error = fails(
        "select llm_embed(array(select 'n' || g from generate_series(1, 20) g), 'stalled')"
    )
    assert error.sqlstate == "57014"
    assert time.monotonic() - started < 10
    db.execute("reset statement_timeout")
    db.execute("select llm_embed('hello', 'embed')")


def test_fast_batches_can_be_cancelled_too(db, model, fails):
    model("tiny", kind="embed", batch=1)
    db.execute("select llm_embed('warm', 'tiny')")
    db.execute("set statement_timeout = '300ms'")
    texts = "array(select 'n' || g from generate_series(1, 20000) g)"
    started = time.monotonic()
    assert fails(f"select llm_embed({texts}, 'tiny')").sqlstate == "57014"
    assert time.monotonic() - started < 5


def test_a_fallback_of_another_space_is_none(db, model, fails):
    model("other", kind="embed", model="another")
    model("dead", kind="embed", endpoint="http://127.0.0.1:1/v1", retries=0, fallback="other")
    assert fails("select llm_embed('hello', 'dead')").sqlstate == "38002"
    model("twin", kind="embed")
    db.execute('select llm_model_change(\'dead\', options => \'{"fallback": ["other", "twin"]}\')')
    assert db.execute("select vector_dims(llm_embed('hello', 'dead'))").fetchone() == (64,)


def test_bulk_work_of_the_embedded_model_can_be_cancelled(db, fails):
    db.execute("select llm_embed('warm')")
    db.execute("set statement_timeout = '100ms'")
    texts = "array(select 'a text number ' || g from generate_series(1, 200000) g)"
    started = time.monotonic()
    assert fails(f"select llm_embed({texts}, 'static')").sqlstate == "57014"
    assert time.monotonic() - started < 5


def test_the_text_that_is_refused_is_found(db, model, fails):
    server = Server([]).start()
    real = server.RequestHandlerClass

    class Picky(real):
        def _send(self, answer, fault, control):
            asked = self.server.requests[-1]["body"]["input"]
            if any("poison" in text for text in asked):
                self._error(400, "content policy")
            else:
                super()._send(answer, fault, control)

    server.RequestHandlerClass = Picky
    model("picky", kind="embed", endpoint=server.endpoint, concurrency=1)
    texts = [f"text {n}" for n in range(30)] + ["poison in here"]
    error = fails("select llm_embed(%s::text[], 'picky')", [texts])
    assert error.sqlstate == "38003"
    assert "poison in here" in error.diag.message_detail
    assert db.execute(
        "select cardinality(llm_embed(%s::text[], 'picky'))", [texts[:-1]]
    ).fetchone() == (30,)
    server.stop()


def test_dimensions_are_sent_where_the_model_shortens(db, model):
    model("short", kind="embed", dimensions=16, send_dimensions=True)
    assert db.execute("select vector_dims(llm_embed('x', 'short'))").fetchone() == (16,)


def test_the_setting_chooses_the_model(db):
    assert db.execute("select vector_dims(llm_embed('red car'))").fetchone() == (256,)
    assert db.execute("select vector_dims(llm_embed('red car', 'static'))").fetchone() == (256,)
    db.execute("set pg_llm.embed_model = 'embed'")
    assert db.execute("select vector_dims(llm_embed('red car'))").fetchone() == (64,)


def test_rows(db):
    rows = db.execute(
        "select place, vector_dims(embedding) from llm.embed_texts('{a,NULL}', 'embed')"
    ).fetchall()
    assert rows == [(1, 64), (2, None)]


def test_a_table(db, role):
    db.execute("create table notes (id int primary key, body text, embedding vector(64))")
    db.execute("insert into notes select g, 'note ' || g from generate_series(1, 55) g")
    db.execute("insert into notes values (0, ''), (-1, null)")
    db.execute("call llm_embed_table('notes', 'body', 'embedding', 'embed', 20)")
    assert db.execute("select count(*), count(embedding) from notes").fetchone() == (57, 55)
    assert db.execute(
        "select bool_and(embedding <-> llm_embed(body, 'embed') < 1e-6) from notes where id > 50"
    ).fetchone() == (True,)
    db.execute("update notes set body = 'new', embedding = null where id = 7")
    db.execute("call llm_embed_table('notes', 'body', 'embedding', 'embed')")
    assert db.execute(
        "select embedding <-> llm_embed('new', 'embed') < 1e-6 from notes where id = 7"
    ).fetchone() == (True,)
    db.execute("drop table notes")


def test_a_partitioned_table_with_odd_names(db):
    db.execute(
        'create table "odd; t" (id int, "the ""text" text, "v v" vector) partition by list (id)'
    )
    for part in (1, 2):
        db.execute(f'create table "part {part}" partition of "odd; t" for values in ({part})')
    db.execute("""insert into "odd; t" select g % 2 + 1, 'n' || g from generate_series(1, 30) g""")
    db.execute("""call llm_embed_table('"odd; t"', 'the "text', 'v v', 'embed', 7)""")
    assert db.execute('select count("v v") from "odd; t"').fetchone() == (30,)
    db.execute('drop table "odd; t"')


def test_a_table_is_embedded_with_the_callers_rights(db, role, fails):
    db.execute("create table closed (body text, embedding vector)")
    db.execute("insert into closed values ('x')")
    db.execute(f"set role {role('models_embedder', 'llm_user')}")
    error = fails("call llm_embed_table('closed', 'body', 'embedding', 'embed')")
    assert error.sqlstate == "42501"
    db.execute("reset role")
    db.execute("drop table closed")
    assert (
        fails("call llm_embed_table('pg_class', 'relname', 'x', 'embed', 0)").sqlstate == "22023"
    )
