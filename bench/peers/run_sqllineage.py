"""sqllineage on the statements on standard input; see lineage_peers.py."""

from protocol import as_table, serve
from sqllineage.core.metadata.dummy import DummyMetaDataProvider
from sqllineage.runner import LineageRunner


def edges(sql, provider):
    runner = LineageRunner(as_table(sql), dialect="postgres", metadata_provider=provider)
    found = []
    for path in runner.get_column_lineage():
        source, target = path[0], path[-1]
        table = str(source.parent).rpartition(".")[2] if source.parent else ""
        found.append((target.raw_name, table, source.raw_name))
    return found


def prepare(schema):
    return DummyMetaDataProvider(
        {f"<default>.{table.partition('.')[2]}": [*columns] for table, columns in schema.items()}
    )


serve(edges, prepare)
