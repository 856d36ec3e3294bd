"""DataHub's SQL parser on the statements on standard input; see lineage_peers.py."""

from datahub.sql_parsing.schema_resolver import SchemaResolver
from datahub.sql_parsing.sqlglot_lineage import sqlglot_lineage
from protocol import as_table, serve


def edges(sql, resolver):
    result = sqlglot_lineage(as_table(sql), resolver, default_db="db", default_schema="f")
    error = result.debug_info.table_error or result.debug_info.column_error
    if error:
        raise error
    return [
        (line.downstream.column, _table(source.table), source.column)
        for line in result.column_lineage or []
        for source in line.upstreams
    ]


def _table(urn):
    return urn.split(",")[1].rpartition(".")[2]


def prepare(schema):
    resolver = SchemaResolver(platform="postgres")
    for table, columns in schema.items():
        urn = f"urn:li:dataset:(urn:li:dataPlatform:postgres,db.{table},PROD)"
        resolver.add_raw_schema_info(urn, columns)
    return resolver


serve(edges, prepare)
