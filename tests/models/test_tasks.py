"""JSON answers, the tasks built on them, several models at once."""

from __future__ import annotations

import json

import pytest

from pg_llm.models import agreement, schemas, tokens
from pg_llm.models.scripted import Server

ANSWERS = [
    {"match": "number", "answer": '{"n": 3}'},
    {"match": "fenced", "answer": 'Here you are:\n```json\n{"n": 4}\n```\nDone.'},
    {"match": "worded", "answer": 'The answer is {"n": 5}, I think.'},
    {"match": "late", "answer": '{"n": "no number"}'},
    {"match": "^That cannot be used", "mode": "regex", "answer": '{"n": 6}'},
    {"match": "我的发票", "answer": '{"label": "账单"}'},
    {"match": "my invoice", "answer": '{"label": "billing"}'},
    {"match": "wrong label", "answers": ['{"label": "weather"}']},
    {"match": "Ada lives in London", "answer": '{"name": "Ada", "city": "London", "age": null}'},
    {"match": "a long story", "answer": '{"summary": "A story."}'},
    {"match": "sky", "answer": "The sky is blue."},
]
OTHER = [
    {"match": "sky", "answer": "the sky is blue"},
    {"match": "^That cannot be used", "mode": "regex", "answer": "sorry"},
]
ODD = [{"match": "sky", "answer": "Forty-two!"}]
N = json.dumps({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})


@pytest.fixture(scope="module")
def servers():
    """Three endpoints that do not always agree."""
    started = [Server(answers).start() for answers in (ANSWERS, OTHER, ODD)]
    yield started
    for server in started:
        server.stop()


@pytest.fixture(autouse=True)
def models(model, servers, db):
    for name, server in zip(("one", "two", "three"), servers, strict=True):
        model(name, endpoint=server.endpoint)
    db.execute("set pg_llm.chat_model = 'one'")


@pytest.mark.parametrize(
    ("prompt", "n"), [("number", 3), ("fenced", 4), ("worded", 5), ("late", 6)]
)
def test_json(db, prompt, n):
    answer = db.execute("select llm_complete_json(%s, %s)", [prompt, N]).fetchone()
    assert answer == ({"n": n},)


def test_json_is_repaired_once_and_no_more(db, fails, servers):
    before = len(servers[1].requests)
    error = fails("select llm_complete_json('sky', %s, 'two')", [N])
    assert error.sqlstate == "38004"
    assert "not after a repair" in error.diag.message_primary
    assert len(servers[1].requests) - before == 2
    conversation = servers[1].requests[-1]["body"]["messages"]
    assert [message["role"] for message in conversation] == ["system", "user", "assistant", "user"]


def test_json_is_asked_for_as_the_provider_does(db, model, servers):
    model("strict", endpoint=servers[0].endpoint, json_mode="json_schema")
    model("loose", endpoint=servers[0].endpoint, json_mode="json_object")
    db.execute("select llm_complete_json('number', %s, 'strict')", [N])
    form = servers[0].requests[-1]["body"]["response_format"]
    assert form == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": json.loads(N)},
    }
    db.execute("select llm_complete_json('number', %s, 'loose')", [N])
    assert servers[0].requests[-1]["body"]["response_format"] == {"type": "json_object"}
    db.execute("select llm_complete_json('number', %s, 'one')", [N])
    assert "response_format" not in servers[0].requests[-1]["body"]


@pytest.mark.parametrize(
    ("schema", "sqlstate", "says"),
    [
        ([], "22023", "JSON object"),
        ({"type": "nonsense"}, "22023", "not a JSON Schema"),
        ({"$ref": "http://127.0.0.1:1/schema"}, "22023", "outside of itself"),
        ({"patternProperties": {"^(a+)+$": {}}}, "0A000", "patternProperties"),
        ({"$ref": "#"}, "22023", "without end"),
        ({"title": "x" * 100_001}, "54000", "100000"),
    ],
)
def test_bad_schemas(fails, schema, sqlstate, says):
    error = fails("select llm_complete_json('number', %s)", [json.dumps(schema)])
    assert error.sqlstate == sqlstate
    assert says in error.diag.message_primary


def test_a_pattern_is_the_servers_and_can_be_cancelled(db, fails):
    schema = {"properties": {"n": {"pattern": "^[a-z ]+$"}}, "type": "object"}
    assert db.execute("select llm_complete_json('late', %s)", [json.dumps(schema)]).fetchone() == (
        {"n": "no number"},
    )


def test_classify(db, fails):
    billing = "select llm_classify(%s, %s)"
    assert db.execute(billing, ["my invoice", ["billing", "weather"]]).fetchone() == ("billing",)
    assert db.execute(billing, ["我的发票", ["账单", "天气"]]).fetchone() == ("账单",)
    assert db.execute("select llm_classify(null, '{a,b}')").fetchone() == (None,)
    assert fails(billing, ["my invoice", ["billing"]]).sqlstate == "22023"
    assert fails(billing, ["wrong label", ["billing", "other"]]).sqlstate == "38004"


def test_extract(db, fails):
    query = "select llm_extract('Ada lives in London', %s)"
    expected = ({"name": "Ada", "city": "London", "age": None},)
    assert db.execute(query, ['["name", "city", "age"]']).fetchone() == expected
    described = '{"name": "first name", "city": "", "age": "in years"}'
    assert db.execute(query, [described]).fetchone() == expected
    assert fails(query, ["[]"]).sqlstate == "22023"
    assert fails(query, ['{"name": 1}']).sqlstate == "22023"


def test_summarize(db, fails):
    assert db.execute("select llm_summarize('a long story', 10)").fetchone() == ("A story.",)
    assert fails("select llm_summarize('a long story', 0)").sqlstate == "22023"


def test_several_models_are_asked_at_once_and_the_odd_one_comes_last(db, model, scripted):
    model("dead", endpoint="http://127.0.0.1:1/v1", retries=0)
    rows = db.execute(
        "select model, answer, score, error from llm_complete_many('sky', '{three,dead,two,one}')"
    ).fetchall()
    assert {row[0] for row in rows[:2]} == {"one", "two"}
    assert rows[2][0] == "three"
    assert rows[3][:3] == ("dead", None, None)
    assert "no connection" in rows[3][3]
    assert rows[0][2] > 0.4 > rows[2][2]


def test_several_models_take_the_time_of_the_slowest(db, model):
    slow = [Server([], latency=0.5).start() for _ in range(4)]
    for place, server in enumerate(slow):
        model(f"slow{place}", endpoint=server.endpoint)
    db.execute("select llm_complete('sky', 'one')")
    ((milliseconds, count),) = db.execute(
        """
        with started as materialized (select clock_timestamp() as at),
        answered as materialized (
            select * from llm_complete_many('x', '{slow0,slow1,slow2,slow3}')
        )
        select extract(epoch from clock_timestamp() - min(s.at)) * 1000, count(a.answer)
        from started s, answered a
        """
    ).fetchall()
    for server in slow:
        server.stop()
    assert count == 4
    assert 500 <= milliseconds < 1900


def test_a_late_model_does_not_keep_the_others_answers(db, model):
    model("stalled", model="fault-stall")
    rows = db.execute(
        "select model, answer, error from llm_complete_many('sky', '{one,stalled}', %s)",
        [json.dumps({"timeout": 1})],
    ).fetchall()
    assert rows[0][:2] == ("one", "The sky is blue.")
    assert rows[1][:2] == ("stalled", None)
    assert "did not answer" in rows[1][2]


def test_confidence_is_the_models_own_where_it_gives_one(db, model, servers):
    model("sure", endpoint=servers[0].endpoint, logprobs=True)
    row = db.execute("select confidence, score from llm_complete_many('sky', '{sure}')").fetchone()
    assert row == pytest.approx((0.9048374, 0.9048374))


def test_best(db, fails):
    best = "select * from llm_complete_best('sky', %s, %s)"
    answer, by, score, fell_back = db.execute(best, [["one", "two", "three"], 0.3]).fetchone()
    assert answer.casefold().startswith("the sky is blue")
    assert by in ("one", "two")
    assert 0.3 < score <= 1
    assert not fell_back
    db.execute("set pg_llm.local_model = 'three'")
    assert db.execute(best, [["one", "two", "three"], 0.99]).fetchone() == (
        "Forty-two!",
        "three",
        None,
        True,
    )
    assert fails(best, [[], 0.5]).sqlstate == "22023"


def test_best_without_any_answer(model, fails):
    model("dead", endpoint="http://127.0.0.1:1/v1", retries=0)
    assert fails("select * from llm_complete_best('sky', '{dead}')").sqlstate == "38004"


def test_the_doors_are_checked(fails):
    assert fails("select * from llm.call_many('{one}', '{}')").sqlstate == "22023"
    assert fails("select * from llm.call_many(null, '{\"messages\": []}')").sqlstate == "22023"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"a": 1}', {"a": 1}),
        (" [1, 2] ", [1, 2]),
        ('"text"', "text"),
        ("```\n{}\n```", {}),
        ('well: {"a": {"b": []}} ok', {"a": {"b": []}}),
        ('{"a": "x\\u0000y"}', {"a": "xy"}),
    ],
)
def test_parse(text, value):
    assert schemas.parse(text) == value


@pytest.mark.parametrize("text", ["", "no", "{", '{"a": NaN}', "[Infinity]"])
def test_parse_refuses_what_is_not_json(text):
    with pytest.raises(ValueError, match=r"Expecting|is not JSON"):
        schemas.parse(text)


def test_agreement_is_the_mean_similarity_with_the_others():
    assert agreement.scores(["蓝色的天空", "蓝色天空", None]) == [
        pytest.approx(2 * 3 / 9),
        pytest.approx(2 * 3 / 9),
        None,
    ]
    assert agreement.scores(["alone"]) == [None]
    assert agreement.scores(["Same.", "same"]) == [1, 1]


@pytest.mark.parametrize(
    ("text", "least", "most"),
    [
        ("", 0, 0),
        ("hello", 1, 1),
        ("The quick brown fox jumps over the lazy dog.", 9, 12),
        ("今天天气很好 我们去公园散步吧。", 9, 18),
        ("select count(*) from orders where total > 100", 9, 16),
    ],
)
def test_token_estimates_are_near(text, least, most):
    assert least <= tokens.estimate(text) <= most


def test_count_tokens_in_sql(db):
    assert db.execute("select llm_count_tokens('hello'), llm_count_tokens(null)").fetchone() == (
        1,
        None,
    )
