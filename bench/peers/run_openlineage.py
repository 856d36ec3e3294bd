"""OpenLineage's SQL parser on the statements on standard input; see lineage_peers.py."""

from openlineage_sql import parse
from protocol import as_table, serve


def edges(sql, _):
    found = parse([as_table(sql)], dialect="postgres")
    if found.errors:
        raise ValueError(found.errors[0].message)
    return [
        (line.descendant.name, source.origin.name if source.origin else "", source.name)
        for line in found.column_lineage
        for source in line.lineage
    ]


serve(edges)
