"""OpenLineage events of Airflow, dbt and Spark, as those tools send them."""

from __future__ import annotations

import json

import psycopg
import pytest

_RUN = "0190b8f0-5a2e-7c31-9d4b-3f1e2a7c5b10"
_NEXT = "0190b8f0-9999-7c31-9d4b-3f1e2a7c5b10"
_FACET = {
    "_producer": "https://github.com/OpenLineage/OpenLineage/tree/1.30.0/integration/x",
    "_schemaURL": "https://openlineage.io/spec/facets/1-2-0/ColumnLineageDatasetFacet.json",
}


@pytest.fixture
def here(db):
    """Return the name of one of this database's datasets."""
    return lambda table: {
        "namespace": f"postgres://localhost:{db.info.port}",
        "name": f"{db.info.dbname}.{table}",
    }


def event(
    job, inputs=(), outputs=(), *, run=_RUN, at="2026-11-20T10:00:00Z", kind="COMPLETE", **facets
):
    return {
        "eventType": kind,
        "eventTime": at,
        "producer": "https://example.com/scheduler",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {"runId": run},
        "job": {"namespace": "scheduler", "name": job, "facets": facets},
        "inputs": list(inputs),
        "outputs": list(outputs),
    }


def lineage(fields, dataset=()):
    return {
        "columnLineage": {
            **_FACET,
            "fields": {
                name: {"inputFields": [source(*s) for s in sources]}
                for name, sources in fields.items()
            },
            "dataset": [source(*s) for s in dataset],
        }
    }


def source(dataset, field, kind="DIRECT", subtype="IDENTITY", masking=False):
    told = {"type": kind, "subtype": subtype, "description": "", "masking": masking}
    return {**dataset, "field": field, "transformations": [told]}


def take(draw, told):
    rows = draw.rows("select * from lineage_openlineage_event(%s)", json.dumps(told))
    return rows[0]


def edges(draw):
    return draw.rows(
        "select lineage.label(f.kind, f.namespace, f.name, f.column_name), "
        "lineage.label(t.kind, t.namespace, t.name, t.column_name), e.influence, e.transformation, "
        "e.masking, e.confidence::float4::text from lineage.edges_current e "
        "join lineage.nodes f on f.id = e.from_node join lineage.nodes t on t.id = e.to_node order by 1, 2, 4"
    )


def airflow(here):
    """A task that copies between tables: no columns are told, the type of the job is."""
    return event(
        "daily_load.copy_orders",
        [here("s.orders")],
        [here("s.copies")],
        jobType={**_FACET, "processingType": "BATCH", "integration": "AIRFLOW", "jobType": "TASK"},
        documentation={**_FACET, "description": "Copies orders."},
    )


def dbt(here):
    """A model: columns are told, and what filters its rows."""
    facets = lineage(
        {"total": [(here("s.orders"), "price", "DIRECT", "AGGREGATION")],
         "who": [(here("s.orders"), "email", "DIRECT", "TRANSFORMATION", True)]},
        [(here("s.orders"), "status", "INDIRECT", "FILTER")],
    )  # fmt: skip
    return event(
        "shop.model.totals", [here("s.orders")], [{**here("s.totals"), "facets": facets}],
        jobType={**_FACET, "processingType": "BATCH", "integration": "DBT", "jobType": "MODEL"},
    )  # fmt: skip


def spark(here):
    """A job that reads files and writes by JDBC; and names a table by its files."""
    files = {
        "namespace": "s3://lake",
        "name": "raw/clicks",
        "facets": {
            "schema": {**_FACET, "fields": [{"name": "url", "type": "string"}, {"name": "ts", "type": "timestamp"}]}
        },
    }  # fmt: skip
    named = {"namespace": "s3://lake", "name": "raw/clicks"}
    facets = lineage({"page": [(named, "url", "DIRECT", "TRANSFORMATION")]})
    links = {"symlinks": {**_FACET, "identifiers": [{**here("s.clicks"), "type": "TABLE"}]}}
    output = {"namespace": "file", "name": "/warehouse/clicks", "facets": {**facets, **links}}
    return event("etl.clicks", [files], [output])


def test_airflow_without_columns(draw, here):
    assert take(draw, airflow(here)) == ("scheduler/daily_load.copy_orders", 1, 1, 1, 0, None)
    assert edges(draw) == [("s.orders", "s.copies", "DIRECT", "TRANSFORMATION", False, "0.5")]
    assert draw.rows("select subtype, comment from lineage.nodes where kind = 'job'") == [
        ("task", "Copies orders.")
    ]


def test_dbt_with_columns(draw, here):
    take(draw, dbt(here))
    assert edges(draw) == [
        ("s.orders.email", "s.totals.who", "DIRECT", "TRANSFORMATION", True, "0.9"),
        ("s.orders.price", "s.totals.total", "DIRECT", "AGGREGATION", False, "0.9"),
        ("s.orders.status", "s.totals", "INDIRECT", "FILTER", False, "0.9"),
    ]


def test_spark_joins_the_relation_that_its_files_are(draw, here):
    take(draw, spark(here))
    assert edges(draw) == [
        ("s3://lake/raw/clicks.url", "s.clicks.page", "DIRECT", "TRANSFORMATION", False, "0.9")
    ]
    assert draw.rows(
        "select column_name, properties ->> 'type' from lineage.nodes where kind = 'field' order by 1"
    ) == [("ts", "timestamp"), ("url", "string")]


@pytest.mark.parametrize("tool", [airflow, dbt, spark])
def test_the_same_event_again_changes_nothing(draw, here, tool):
    take(draw, tool(here))
    before = edges(draw), draw.rows("select * from lineage.nodes order by id")
    rows = draw.rows("select count(*) from lineage.edges")
    assert take(draw, tool(here))[3:5] == (0, 0)
    assert draw.rows("select count(*) from lineage.edges") == rows
    after = edges(draw), draw.rows("select * from lineage.nodes order by id")
    assert after == before


def test_they_join_one_graph_and_walks_cross_it(draw, here):
    for tool in (airflow, dbt, spark):
        take(draw, tool(here))
    take(draw, event("view.sales", [here("s.totals")], jobType={**_FACET, "jobType": "DASHBOARD"}))
    reached = draw.column("select relation from lineage_downstream('s.orders.price')")
    assert reached == ["s.copies", "s.totals", "view.sales"]
    dashboards = draw.rows(
        "select kind, name, effect from lineage_impact('s.orders.price') where kind = 'dashboard'"
    )
    assert dashboards == [
        (
            "dashboard",
            "scheduler/view.sales",
            "shows values that are no longer brought up to date",
        )
    ]
    draw.rows("select lineage_tag('s.orders.email', 'pii')")
    assert draw.column("select tag from lineage_tags('s.totals')") == []
    assert draw.column("select tag from lineage_tags('s.copies')") == ["pii"]


def test_events_of_a_run_add_up_and_a_new_run_takes_their_place(draw, here):
    start = event("j", [here("s.a")], [here("s.b")], kind="START")
    assert take(draw, start)[3:5] == (1, 0)
    assert take(draw, event("j", kind="COMPLETE"))[3:] == (0, 0, "tells no datasets")
    assert take(draw, event("j", [here("s.c")], [here("s.b")], kind="RUNNING"))[3:5] == (1, 0)
    later = event("j", [here("s.d")], [here("s.b")], run=_NEXT, at="2026-11-21T10:00:00.123Z")
    assert take(draw, later)[3:5] == (1, 2)
    assert [e[0] for e in edges(draw)] == ["s.d"]
    assert take(draw, start)[5] == "the job has told of a later run"
    assert [e[0] for e in edges(draw)] == ["s.d"]
    assert draw.column("select properties ->> 'runs' from lineage.nodes where kind = 'job'") == [
        "2"
    ]


def test_a_failed_run_tells_nothing_of_data(draw, here):
    assert take(draw, event("j", [here("s.a")], [here("s.b")], kind="FAIL"))[5] == "the run failed"
    assert edges(draw) == []


def test_the_facet_before_transformations(draw, here):
    facets = {
        "columnLineage": {
            **_FACET,
            "fields": {
                "x": {"inputFields": [{**here("s.a"), "field": "x"}], "transformationType": "MASKED",
                      "transformationDescription": "hashed"},
                "y": {"inputFields": [{**here("s.a"), "field": "y"}], "transformationType": "IDENTITY"},
            },
        }
    }  # fmt: skip
    take(draw, event("j", [], [{**here("s.b"), "facets": facets}]))
    assert [e[3:5] for e in edges(draw)] == [("TRANSFORMATION", True), ("IDENTITY", False)]


def test_odd_names_and_other_databases(draw, here, db):
    odd = here('My Schema.Tab "le"')
    take(draw, event("j", [odd, {**odd, "name": "elsewhere.s.t"}], [here("s.b")]))
    assert [e[0] for e in edges(draw)] == [
        '"My Schema"."Tab ""le"""',
        odd["namespace"] + "/elsewhere.s.t",
    ]


def test_the_setting_names_this_server(draw, here, db):
    told = event("j", [{**here("s.a"), "namespace": "postgres://db.example:6432"}], [here("s.b")])
    take(draw, told)
    assert edges(draw)[0][0].startswith("postgres://db.example:6432/")
    db.execute(
        "insert into llm.settings values ('openlineage_namespace', 'postgres://main:1, postgres://db.example:6432/')"
    )
    take(draw, {**told, "run": {"runId": _NEXT}, "eventTime": "2026-11-21T00:00:00Z"})
    assert [e[0] for e in edges(draw)] == ["s.a"]
    db.execute("delete from llm.settings")


def test_job_and_dataset_events(draw, here):
    told = event("j", [here("s.a")], [here("s.b")])
    del told["run"], told["eventType"]
    assert take(draw, told)[3:5] == (1, 0)
    assert take(draw, told)[3:5] == (0, 0)
    dataset = {
        "namespace": "s3://x",
        "name": "y",
        "facets": {"documentation": {**_FACET, "description": "logs"}},
    }
    assert take(draw, {"eventTime": "2026-11-20T10:00:00Z", "producer": "x", "dataset": dataset})[
        5
    ]
    assert draw.column("select comment from lineage_search('logs')") == ["logs"]


@pytest.mark.parametrize(
    "told",
    [
        [],
        "text",
        1,
        {},
        {"job": {}},
        {"job": {"namespace": "x", "name": ""}, "eventTime": "2026-11-20"},
        {"job": {"namespace": "x", "name": "y"}, "eventTime": "yesterday"},
        {"job": {"namespace": "x", "name": "y"}},
        event("j") | {"inputs": {}},
        event("j") | {"inputs": [{"name": "x"}]},
        event("j") | {"run": {}},
        event("j", [], [{"namespace": "x", "name": "y", "facets": {"columnLineage": []}}]),
        event(
            "j",
            [],
            [{"namespace": "x", "name": "y", "facets": {"columnLineage": {"fields": {"a": 1}}}}],
        ),
        event("j", [], [{"namespace": "x", "name": "y", "facets": {"columnLineage": {}}}]),
        {"dataset": 1},
    ],
)
def test_what_is_no_event(draw, told):
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="not an OpenLineage event"):
        take(draw, told)
    assert edges(draw) == []


def test_null_and_who_may(draw, as_role):
    with pytest.raises(psycopg.errors.InvalidParameterValue):
        draw.rows("select lineage_openlineage_event(null)")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        as_role("event_user").execute("select lineage_openlineage_event('{}')")
