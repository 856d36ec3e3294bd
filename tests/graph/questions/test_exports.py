"""Mermaid, DOT, JSON and OpenLineage events of a part of the graph."""

from __future__ import annotations

import json
import re
import uuid
from datetime import datetime

import psycopg
import pytest
from openlineage.client import event_v2
from openlineage.client.facet_v2 import column_lineage_dataset

from pg_llm.graph.store import EdgeFacts, Key


@pytest.fixture
def line(draw, tables):
    tables("s.a(x, y)", "s.b(x)", "s.c(x)")
    draw.evidence(
        "s.b",
        draw.edge("s.a.x", "s.b.x", "TRANSFORMATION", expression="a.x || '\"'"),
        ("s.a.y", "s.b", "FILTER"),
    )
    draw.evidence("s.c", ("s.b.x", "s.c.x"), ("s.c.x", "s.c.x"))
    return draw


def one(draw, query, *args):
    return draw.rows(query, *args)[0][0]


def test_mermaid(line):
    a, b, c = (one(line, "select lineage.find_node(%s)", f"s.{n}.x") for n in "abc")
    assert one(line, "select lineage_to_mermaid('s.b')") == (
        "flowchart LR\n"
        '    subgraph s1["s.a"]\n'
        f'        n{a}["x"]\n'
        "    end\n"
        '    subgraph s2["s.b"]\n'
        f'        n{b}["x"]\n'
        "    end\n"
        '    subgraph s3["s.c"]\n'
        f'        n{c}["x"]\n'
        "    end\n"
        f"    n{a} -->|TRANSFORMATION| n{b}\n"
        f"    n{b} --> n{c}\n"
    )
    assert "-.->|FILTER|" in one(line, "select lineage_to_mermaid('s.b', influence => 'all')")


def test_dot(line):
    text = one(line, "select lineage_to_dot('s.b', 'x', 'downstream')")
    assert re.fullmatch(r"digraph lineage \{\n    rankdir=LR;\n.*\}\n", text, re.DOTALL)
    assert text.count("->") == 1
    assert 'label="s.c"' in text
    assert 'label="s.a"' not in text


_ODD = ['"]; x-->y', 'a"b\\', "<b>&amp;", "名字", "new\nline", "#quot;", "end"]


@pytest.mark.parametrize("name", _ODD)
def test_names_cannot_break_out(draw, name):
    source = Key("field", "s3://bucket", name, name)
    draw.evidence("s.t", EdgeFacts(source, Key("column", "", "s.t", "x"), "DIRECT", "IDENTITY"))
    mermaid = one(draw, "select lineage_to_mermaid('s.t')")
    # Outside of the quoted labels stands nothing of a name; inside no quote.
    for row in mermaid.splitlines()[1:]:
        assert re.fullmatch(
            r'\s+(subgraph s\d+\["[^"\n]*"\]|end|n\d+\["[^"<>&\\]*"\]|n\d+ -->(\|\w+\|)? n\d+)',
            row,
        ), row
    dot = one(draw, "select lineage_to_dot('s.t')")
    bare = re.sub(r'"(?:[^"\\\n]|\\.)*"', "Q", dot)
    assert set(re.findall(r"\w+", bare)) <= {
        "digraph", "lineage", "rankdir", "LR", "node", "shape", "box", "subgraph", "label", "Q",
        *re.findall(r"cluster_\d+|\bn\d+", bare),
    }  # fmt: skip
    nodes = one(draw, "select lineage_to_json('s.t')")["nodes"]
    assert name in [node["column"] for node in nodes]


def test_json(line):
    graph = one(line, "select lineage_to_json('s.b', direction => 'upstream', influence => 'all')")
    labels = {node["id"]: node["label"] for node in graph["nodes"]}
    assert {
        (labels[e["source"]], labels[e["target"]], e["influence"], e["transformation"])
        for e in graph["edges"]
    } == {
        ("s.a.x", "s.b.x", "DIRECT", "TRANSFORMATION"),
        ("s.a.y", "s.b", "INDIRECT", "FILTER"),
    }
    assert {edge["expression"] for edge in graph["edges"]} == {"a.x || '\"'", None}


def facet(told):
    """Return a columnLineage facet in the classes made from its schema."""
    made = column_lineage_dataset

    def fields(listed):
        return [
            made.InputField(
                **{
                    **f,
                    "transformations": [made.Transformation(**t) for t in f["transformations"]],
                }
            )
            for f in listed
        ]

    assert set(told) == {"_producer", "_schemaURL", "fields", "dataset"}
    built = made.ColumnLineageDatasetFacet(
        fields={
            name: made.Fields(**{**f, "inputFields": fields(f["inputFields"])})
            for name, f in told["fields"].items()
        },
        dataset=fields(told["dataset"]),
        producer=told["_producer"],
    )
    assert built._schemaURL == told["_schemaURL"]
    return built


def valid(event):
    """Build the event from the classes that are generated from the published schema."""
    told = dict(event)
    schema = told.pop("schemaURL")
    told["job"] = event_v2.Job(**told["job"])
    told["inputs"] = [event_v2.InputDataset(**d) for d in told["inputs"]]
    told["outputs"] = [
        event_v2.OutputDataset(
            **{**d, "facets": {"columnLineage": facet(d["facets"]["columnLineage"])}}
        )
        for d in told["outputs"]
    ]
    if "run" in told:
        told["run"] = event_v2.Run(**told["run"])
        told["eventType"] = event_v2.RunState(told["eventType"])
        built = event_v2.RunEvent(**told)
    else:
        built = event_v2.JobEvent(**told)
    assert built.schemaURL == schema
    for output in event["outputs"]:
        for held in output["facets"]["columnLineage"]["fields"].values():
            for source in held["inputFields"]:
                assert all(isinstance(source[k], str) for k in ("namespace", "name", "field"))
                for how in source["transformations"]:
                    assert how["type"] in ("DIRECT", "INDIRECT")
                    assert isinstance(how["masking"], bool)
                    assert isinstance(how["description"], str)
    datetime.fromisoformat(event["eventTime"])
    return built


@pytest.mark.parametrize("run", [False, True])
def test_openlineage_events_are_valid(line, db, run):
    events = line.column(
        "select lineage_to_openlineage('s.b', influence => 'all', run => %s)", run
    )
    assert len(events) == 2
    for event in events:
        valid(event)
    database = db.info.dbname
    namespace = f"postgres://localhost:{db.info.port}"
    (first, second) = events
    assert first["job"] == {"namespace": namespace, "name": f"{database}.view.s.b"}
    assert first["inputs"] == [{"namespace": namespace, "name": f"{database}.s.a"}]
    lineage = first["outputs"][0]["facets"]["columnLineage"]
    assert lineage["fields"]["x"]["inputFields"] == [
        {
            "namespace": namespace,
            "name": f"{database}.s.a",
            "field": "x",
            "transformations": [
                {
                    "type": "DIRECT",
                    "subtype": "TRANSFORMATION",
                    "description": "a.x || '\"'",
                    "masking": False,
                }
            ],
        }
    ]
    assert [(f["field"], f["transformations"][0]["subtype"]) for f in lineage["dataset"]] == [
        ("y", "FILTER")
    ]
    assert second["job"]["name"] == f"{database}.view.s.c"
    if run:
        again = line.column(
            "select lineage_to_openlineage('s.b', influence => 'all', run => true)"
        )
        assert [e["run"] for e in events] == [e["run"] for e in again]
        uuid.UUID(first["run"]["runId"])


def test_our_own_events_come_back_as_the_same_graph(line, db):
    events = line.column("select lineage_to_openlineage('s.b', influence => 'all')")
    before = line.column("select lineage_to_json('s.b', influence => 'all')")[0]
    line.evidence("s.b")
    line.evidence("s.c")
    for event in events:
        line.rows("select lineage_openlineage_event(%s)", json.dumps(event))
    after = line.column("select lineage_to_json('s.b', influence => 'all')")[0]

    def drawn(graph):
        labels = {node["id"]: node["label"] for node in graph["nodes"]}
        return {
            (labels[e["source"]], labels[e["target"]], e["influence"], e["transformation"])
            for e in graph["edges"]
        }

    assert drawn(after) == drawn(before)


def test_the_namespace_is_a_setting(line, db):
    db.execute(
        "insert into llm.settings values ('openlineage_namespace', 'postgres://db.example:5432')"
    )
    event = line.column("select lineage_to_openlineage('s.b')")[0]
    assert event["job"]["namespace"] == "postgres://db.example:5432"
    db.execute("delete from llm.settings")


@pytest.mark.parametrize("function", ["mermaid", "dot", "json", "openlineage"])
def test_bad_input_and_hidden(line, as_role, db, function):
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="direction must be"):
        line.rows(f"select lineage_to_{function}('s.b', direction => 'sideways')")
    with pytest.raises(psycopg.errors.UndefinedObject):
        line.rows(f"select lineage_to_{function}('s.nothing')")
    reader = as_role("export_reader")
    db.execute("grant usage on schema s to export_reader; grant select on s.b to export_reader")
    told = repr(
        reader.execute(f"select lineage_to_{function}('s.b', influence => 'all')").fetchall()
    )
    assert not [name for name in ("s.a", "s.c", "a.x") if name in told]
