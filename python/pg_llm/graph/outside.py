"""What lies outside of this database, under the names that OpenLineage gives it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from pg_llm.graph.store import Key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pg_llm.database import Row

_PORT: Final = "5432"
# libpq: keyword = value, the value quoted where it has spaces.
_PARAMETER: Final = re.compile(r"(\w+)\s*=\s*('(?:[^'\\]|\\.)*'|(?:[^\s'\\]|\\.)*)")
_ESCAPED: Final = re.compile(r"\\(.)")


def postgres_namespace(options: Mapping[str, str]) -> str:
    """Return the namespace of a PostgreSQL server by its connection's parameters."""
    host = options.get("host") or "localhost"
    return f"postgres://{host}:{options.get('port') or _PORT}"


def connection_parameters(text: str) -> dict[str, str]:
    """Return host, port and database of a connection string, and nothing else of it."""
    if text.startswith(("postgresql://", "postgres://")):
        found = urlsplit(text)
        host, _, port = found.netloc.rpartition("@")[2].partition(",")[0].partition(":")
        given = {"host": host, "port": port, "dbname": found.path.lstrip("/")}
    else:
        given = {name: _value(value) for name, value in _PARAMETER.findall(text)}
    return {name: given[name] for name in ("host", "port", "dbname") if given.get(name)}


def _value(text: str) -> str:
    return _ESCAPED.sub(r"\1", text[1:-1] if text.startswith("'") else text)


def foreign_fields(row: Row) -> Iterator[tuple[int, Key]]:
    """Yield the columns of a foreign table by number, and what they are there.

    `row`: of `queries.FOREIGN_TABLES`. Users and passwords are never read.
    """
    server: dict[str, str] = json.loads(row["server_options"] or "{}")
    options: dict[str, str] = json.loads(row["options"] or "{}")
    columns: dict[str, str] = json.loads(row["columns"] or "{}")
    namespace, name = _dataset(row, server, options)
    for number, column in columns.items():
        yield int(number), Key("field", namespace, name, column)


def _dataset(row: Row, server: Mapping[str, str], options: Mapping[str, str]) -> tuple[str, str]:
    if row["wrapper"] == "postgres_fdw":
        database = server.get("dbname") or ""
        schema = options.get("schema_name") or row["schema"]
        table = options.get("table_name") or row["relation"]
        return postgres_namespace(server), ".".join(p for p in (database, schema, table) if p)
    if options.get("filename"):
        return "file", options["filename"]
    place = [options.get(k) for k in ("dbname", "database", "schema_name", "schema")]
    table = options.get("table_name") or options.get("table") or row["relation"]
    return f"{row['wrapper']}://{row['server']}", ".".join(p for p in (*place, table) if p)
