"""The triggers that keep a collection fresh, and their functions.

A trigger only notes which rows to look at again. Each version has functions of
its own, `llm.vectors_7_inserted()` and so on, whose statements are static: a
plan is made once a session, and nothing is looked up by name at a row. They
run as the extension's owner and take nothing from the writer but keys. A
renamed key column is followed by `follow`.

- Bulk INSERT and DELETE: a statement's trigger with a transition table writes
  one mark for each thousand rows.
- UPDATE: a row's trigger. PostgreSQL gives no transition table to a trigger of
  certain columns, and a transition table of every UPDATE costs those that do
  not touch the text about half as much again. `UPDATE OF` and WHEN cost
  nothing there.
- A partitioned table, a partition, a table that inherits: every trigger is a
  row's. A statement's fires for the table that the statement names only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pg_llm.vectors import locks
from pg_llm.vectors.storage import MARK_ROWS, keys, quote

if TYPE_CHECKING:
    from pg_llm.database import Database, Row
    from pg_llm.vectors.storage import Version

# Types whose values are equal exactly where their text is the same; those of
# others are compared by their bytes.
_EXACT = (
    "bool",
    "char",
    "name",
    "int2",
    "int4",
    "int8",
    "oid",
    "date",
    "timestamp",
    "uuid",
    "bytea",
    "text",
    "varchar",
)

_TABLE = """
select c.oid::pg_catalog.regclass::text as name,
    c.relkind = 'p' or exists (select from pg_catalog.pg_inherits i where i.inhrelid = c.oid)
        as by_row,
    c.relkind = 'r' and not exists (
        select from pg_catalog.pg_trigger t
        -- BEFORE (2) UPDATE (16) for each row (1)
        where t.tgrelid = c.oid and not t.tgisinternal and t.tgtype & 19 = 19
    ) as lists
from pg_catalog.pg_class c
where c.oid = $1
"""

# Columns by what the views depend on, which a rename does not change.
_COLUMNS = """
select a.attname as name,
    t.typname = any ($3) and t.typnamespace = 'pg_catalog'::pg_catalog.regnamespace
        and coalesce(l.collisdeterministic, true) as exact
from pg_catalog.pg_attribute a
join pg_catalog.pg_type t on t.oid = a.atttypid
left join pg_catalog.pg_collation l on l.oid = a.attcollation
where a.attrelid = $2 and not a.attisdropped and a.attnum in (
    select d.refobjsubid
    from pg_catalog.pg_depend d
    join pg_catalog.pg_rewrite r on r.oid = d.objid
    where d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass
        and r.ev_class = pg_catalog.to_regclass('llm.collection_' || $1 || $4)
        and d.refobjid = $2 and d.refobjsubid > 0
)
order by a.attnum
"""


@dataclass(frozen=True, slots=True)
class Watched:
    """A table as its triggers see it.

    `by_row`: rows come under the name of other tables as well; `lists`: `UPDATE
    OF` sees every change of a column. (A BEFORE trigger may change columns that
    the UPDATE does not name.)
    """

    name: str
    by_row: bool
    lists: bool
    key: list[Row]
    used: list[Row]


def watched(database: Database, collection: int, relation: int) -> Watched:
    """Describe a table by its present names."""
    found = database.execute(_TABLE, [relation], ["oid"])[0]

    def columns(view: str) -> list[Row]:
        return database.execute(
            _COLUMNS,
            [str(collection), relation, list(_EXACT), view],
            ["text", "oid", "text[]", "text"],
        )

    return Watched(
        name=found["name"],
        by_row=found["by_row"],
        lists=found["lists"],
        key=columns("_key"),
        used=columns("_source"),
    )


def create(database: Database, version: Version, relation: int) -> None:
    """Make a version's functions and triggers."""
    table = watched(database, version.collection, relation)
    make_functions(database, version, table)
    for name, event in _triggers(table):
        _create(database, version, name, event)
    if version.synchronous:
        database.execute(
            f"create trigger llm_vectors_{version.id}_work "
            f"after insert or update or delete or truncate on {table.name} "
            f"for each statement execute function llm.vectors_embed('{version.id}')"
        )


def _create(database: Database, version: Version, name: str, event: str) -> None:
    function = _FUNCTION_OF.get(name, name)
    database.execute(
        f"create trigger llm_vectors_{version.id}_{name} {event} "
        f"execute function {version.storage}_{function}()"
    )


_MADE = """
select pg_catalog.bool_or(t.tgtype & 1 = 1) filter (where t.tgname ~ '_insert$') as by_row,
    pg_catalog.bool_or(t.tgattr::text <> '') filter (where t.tgname ~ '_rekey$') as lists
from pg_catalog.pg_trigger t
where t.tgrelid = $1 and t.tgname = any ($2)
"""


def follow(database: Database, version: Version, relation: int) -> None:
    """Follow renamed columns, BEFORE triggers that came or went, and a new parent."""
    table = watched(database, version.collection, relation)
    make_functions(database, version, table)
    wanted = _triggers(table)
    names = [f"llm_vectors_{version.id}_{name}" for name in ("insert", "rekey")]
    made = database.execute(_MADE, [relation, names], ["oid", "text[]"])[0]
    if made["by_row"] is None or (made["by_row"], made["lists"]) == (table.by_row, table.lists):
        return
    for name, event in wanted:
        database.execute(f"drop trigger llm_vectors_{version.id}_{name} on {table.name}")
        _create(database, version, name, event)


# A trigger's name -> what its function's name ends in.
_FUNCTION_OF = {
    "insert": "inserted",
    "update": "updated",
    "rekey": "rekeyed",
    "delete": "deleted",
    "truncate": "truncated",
}


def _triggers(table: Watched) -> list[tuple[str, str]]:
    """Return name and event of each trigger."""
    on = f"on {table.name}"
    keyed = [column["name"] for column in table.key]
    texts = [column for column in table.used if column["name"] not in keyed]
    made = [
        ("insert", f"after insert {on} " + _level(table, "new table as new_rows")),
        ("delete", f"after delete {on} " + _level(table, "old table as old_rows")),
        ("truncate", f"after truncate {on} for each statement"),
        ("rekey", f"after {_update(table, table.key)} {on} {_when(table.key)}"),
    ]
    if texts:
        made.append(("update", f"after {_update(table, texts)} {on} {_when(texts)}"))
    return made


def _level(table: Watched, rows: str) -> str:
    return "for each row" if table.by_row else f"referencing {rows} for each statement"


def _update(table: Watched, columns: list[Row]) -> str:
    names = ", ".join(quote(column["name"]) for column in columns)
    return f"update of {names}" if table.lists else "update"


def _when(columns: list[Row]) -> str:
    tests = [
        f"old.{quote(c['name'])} is distinct from new.{quote(c['name'])}"
        for c in columns
        if c["exact"]
    ]
    if rest := [quote(c["name"]) for c in columns if not c["exact"]]:
        old, new = (", ".join(f"{row}.{name}" for name in rest) for row in ("old", "new"))
        tests.append(f"pg_catalog.record_image_ne(row({old}), row({new}))")
    return f"for each row when ({' or '.join(tests)})"


# Nothing in here is looked up in a search path, so that a row's trigger need
# not set one, which costs as much as its statement.
_ROW = """
create or replace function {name}() returns trigger
language plpgsql security definer{settings}
as $llm$
begin{body}
    return null;
end
$llm$
"""

_SAFE_PATH = "\nset search_path = pg_catalog, pg_temp"

# One row's mark is dealt into a lane when it is claimed. {lanes} is a power of
# two, and so is the number of marks in each lane: one hash serves both.
_MARK_MANY = """
    rows := (select count(*) from {source});
    while slices * {rows} < rows loop
        slices := slices * 2;
    end loop;
    insert into {queue} (lane, n, {keys})
    select (s.h & {lanes} - 1)::int, count(*)::int, {arrays}
    from (select hash_record_extended(row({fields}), 0) & slices - 1 as h, {named}
        from {source} r) s
    group by s.h;"""

# The lock is waited for where it passes soon: while a search index is built,
# which takes long, the mark alone does, and llm_work removes the rows.
_LEAVE = """
    begin
        lock table {storage} in row exclusive mode nowait;
        {delete};
    exception when lock_not_available then null;
    end;"""

_MANY = f"""
declare
    rows bigint;
    slices bigint := {locks.LANES};"""


def make_functions(database: Database, version: Version, table: Watched) -> None:
    """Make or replace the functions of a version's triggers."""
    for name, settings, declared, body in _functions(version, table):
        function = f"{version.storage}_{name}"
        text = _ROW.format(name=function, settings=settings, body=body)
        if declared:
            text = text.replace("$llm$\nbegin", f"$llm${declared}\nbegin", 1)
        database.execute(text)
        # A trigger fires without it; nobody else is to put it on another table.
        database.execute(f"revoke all on function {function}() from public")
        database.execute(
            f"comment on function {function}() is "
            "'pg_llm: trigger, queues the keys of changed rows of a collection'"
        )


def _functions(version: Version, table: Watched) -> list[tuple[str, str, str, str]]:
    """Return name, settings, declarations and body of each function."""
    deleted = _deleted_row(version, table) if table.by_row else _deleted(version, table)
    inserted = ("", "", _mark(version, table, "new"))
    if not table.by_row:
        inserted = (_SAFE_PATH, _MANY, _mark_many(version, table, "new_rows"))
    return [
        ("inserted", *inserted),
        ("updated", "", "", _mark(version, table, "new")),
        (
            "rekeyed",
            "",
            "",
            _mark(version, table, "old") + _mark(version, table, "new"),
        ),
        ("deleted", *deleted),
        ("truncated", _SAFE_PATH + "\nset lock_timeout = '1s'", "", _truncated(version)),
    ]


def _mark(version: Version, table: Watched, row: str) -> str:
    fields = ", ".join(f"array[{row}.{quote(c['name'])}]" for c in table.key)
    return f"""
    insert into {version.queue} (n, {keys(len(table.key))})
    values (1, {fields});"""


def _mark_many(version: Version, table: Watched, source: str) -> str:
    count = len(table.key)
    fields = [f"r.{quote(c['name'])}" for c in table.key]
    return _MARK_MANY.format(
        lanes=locks.LANES,
        rows=MARK_ROWS,
        source=source,
        queue=version.queue,
        keys=keys(count),
        arrays=", ".join(f"array_agg(s.k{n})" for n in range(1, count + 1)),
        fields=", ".join(fields),
        named=", ".join(f"{field} as k{n}" for n, field in enumerate(fields, 1)),
    )


# Plans are kept: whatever the first statement deleted, rows are found by key.
_BY_INDEX = "".join(
    f"\nset enable_{way} = off" for way in ("seqscan", "hashjoin", "mergejoin", "material")
)


def _same(table: Watched, row: str) -> str:
    return " and ".join(
        f"i.k{n} operator(pg_catalog.=) {row}.{quote(c['name'])}"
        for n, c in enumerate(table.key, 1)
    )


def _deleted(version: Version, table: Watched) -> tuple[str, str, str]:
    delete = f"delete from {version.storage} i using old_rows r where {_same(table, 'r')}"
    leave = _LEAVE.format(storage=version.storage, delete=delete)
    return _SAFE_PATH + _BY_INDEX, _MANY, leave + _mark_many(version, table, "old_rows")


def _deleted_row(version: Version, table: Watched) -> tuple[str, str, str]:
    # No handler of an error: it would be a subtransaction for each row.
    delete = f"\n    delete from {version.storage} i where {_same(table, 'old')};"
    return _SAFE_PATH, "", delete + _mark(version, table, "old")


def _truncated(version: Version) -> str:
    # A search in another session may hold the table for longer.
    delete = f"delete from {version.storage}"
    leave = _LEAVE.format(storage=version.storage, delete=delete).replace("\n", "\n    ")
    return f"""
    begin
        truncate {version.storage};
    exception when lock_not_available then{leave}
    end;
    insert into {version.queue} (n) values (0);"""


def drop_functions(database: Database, version: Version) -> None:
    """Drop what the triggers called."""
    names = ", ".join(f"{version.storage}_{name}()" for name in _FUNCTION_OF.values())
    database.execute(f"drop function if exists {names}")
