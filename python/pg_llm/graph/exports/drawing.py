"""A part of the graph as Mermaid, as DOT, or as JSON for a browser.

Columns stand inside their relation. Names are quoted as each language wants.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pg_llm.graph.walk import Graph, Link, Node

_INDENT: Final = "    "


@dataclass(frozen=True, slots=True)
class _Box:
    """A whole with those of its parts that are drawn."""

    label: str
    whole: Node | None
    parts: list[Node]


def _boxes(graph: Graph) -> list[_Box]:
    boxes: dict[int, _Box] = {}
    for node in sorted(graph.nodes.values(), key=lambda n: (n.label, n.id)):
        parent = node.parent if node.is_part and node.parent else node.id
        whole = graph.nodes.get(parent)
        label = whole.label if whole else node.label.rpartition(".")[0]
        box = boxes.setdefault(parent, _Box(label, whole, []))
        if node.is_part:
            box.parts.append(node)
    return list(boxes.values())


def mermaid(graph: Graph) -> str:
    """Return a Mermaid flowchart: a subgraph for each relation, dotted arrows for INDIRECT."""
    lines = ["flowchart LR"]
    for number, box in enumerate(_boxes(graph), 1):
        if not box.parts:
            lines += [f"{_INDENT}{_id(box.whole)}[{_mermaid(box.label)}]"] if box.whole else []
            continue
        lines.append(f"{_INDENT}subgraph s{number}[{_mermaid(box.label)}]")
        if box.whole and _touched(graph, box.whole):
            lines.append(f"{_INDENT * 2}{_id(box.whole)}[{_mermaid('*')}]")
        lines += [f"{_INDENT * 2}{_id(p)}[{_mermaid(p.column_name)}]" for p in box.parts]
        lines.append(f"{_INDENT}end")
    for link in _drawn(graph):
        arrow = "-->" if link.influence == "DIRECT" else "-.->"
        note = "" if link.transformation == "IDENTITY" else f"|{link.transformation}|"
        lines.append(f"{_INDENT}n{link.source} {arrow}{note} n{link.target}")
    return "\n".join(lines) + "\n"


def _mermaid(text: str) -> str:
    # Inside quotes Mermaid takes entities, by number too, written with # instead of &#.
    escaped = "".join(c if c.isalnum() or c in " ._-/:()*," else f"#{ord(c)};" for c in text)
    return f'"{escaped}"'


def dot(graph: Graph) -> str:
    """Return a graph in Graphviz's language: a cluster for each relation."""
    lines = ["digraph lineage {", f"{_INDENT}rankdir=LR;", f"{_INDENT}node [shape=box];"]
    for number, box in enumerate(_boxes(graph), 1):
        if not box.parts:
            lines += [f"{_INDENT}{_id(box.whole)} [label={_dot(box.label)}];"] if box.whole else []
            continue
        lines += [
            f"{_INDENT}subgraph cluster_{number} {{",
            f"{_INDENT * 2}label={_dot(box.label)};",
        ]
        if box.whole and _touched(graph, box.whole):
            lines.append(f'{_INDENT * 2}{_id(box.whole)} [label="*"];')
        lines += [f"{_INDENT * 2}{_id(p)} [label={_dot(p.column_name)}];" for p in box.parts]
        lines.append(f"{_INDENT}}}")
    for link in _drawn(graph):
        style = "" if link.influence == "DIRECT" else ", style=dashed"
        lines.append(
            f"{_INDENT}n{link.source} -> n{link.target} "
            f"[label={_dot(link.transformation)}{style}];"
        )
    return "\n".join([*lines, "}"]) + "\n"


def _dot(text: str) -> str:
    # A backslash begins an escape of the label's own.
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def as_json(graph: Graph) -> dict[str, Any]:
    """Return nodes and edges, by number."""
    return {
        "nodes": [
            {
                "id": n.id,
                "kind": n.kind,
                "type": n.subtype,
                "namespace": n.namespace,
                "name": n.name,
                "column": n.column_name or None,
                "label": n.label,
                "parent": n.parent,
                "comment": n.comment,
            }
            for n in sorted(graph.nodes.values(), key=lambda n: n.id)
        ],
        "edges": [
            {
                "id": e.id,
                "source": e.source,
                "target": e.target,
                "influence": e.influence,
                "transformation": e.transformation,
                "masking": e.masking,
                "expression": e.expression,
                "evidence": e.evidence,
                "confidence": e.confidence,
            }
            for e in graph.links
        ],
    }


def _drawn(graph: Graph) -> Iterator[Link]:
    """Yield the edges, those that look alike once."""
    seen = set()
    for link in graph.links:
        drawn = (link.source, link.target, link.influence, link.transformation)
        if drawn not in seen:
            seen.add(drawn)
            yield link


def _touched(graph: Graph, node: Node) -> bool:
    return any(node.id in (link.source, link.target) for link in graph.links)


def _id(node: Node | None) -> str:
    return f"n{node.id}" if node else ""
