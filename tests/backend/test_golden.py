"""The extension's objects and privileges, compared with a file that people read.

After an intended change, `PG_LLM_GOLDEN=write make check
CHECK=tests/backend/test_golden.py` writes the files anew; the difference is
then part of the change.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_GOLDEN = Path(__file__).parent / "golden"

# Functions of procedures and aggregates too; argument names and defaults are
# part of what callers rely on.
_CATALOG = r"""
with members as (
    select d.classid, d.objid
    from pg_depend d
    join pg_extension e on e.oid = d.refobjid and d.refclassid = 'pg_extension'::regclass
    where e.extname = 'pg_llm' and d.deptype = 'e'
)
select format('schema %s', n.nspname) as line
from pg_namespace n join members m on m.classid = 'pg_namespace'::regclass and m.objid = n.oid
union all
select format(
    '%s %s(%s)%s%s%s%s%s',
    case p.prokind when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end,
    p.oid::regproc,
    pg_get_function_arguments(p.oid),
    coalesce(' returns ' || pg_get_function_result(p.oid), ''),
    case p.provolatile when 'i' then ' immutable' when 's' then ' stable' else '' end,
    case when p.proisstrict then ' strict' else '' end,
    case when p.prosecdef then ' security definer' else '' end,
    coalesce(' set ' || array_to_string(p.proconfig, ', '), '')
)
from pg_proc p join members m on m.classid = 'pg_proc'::regclass and m.objid = p.oid
union all
select format(
    '%s %s: %s',
    case c.relkind when 'v' then 'view' when 'S' then 'sequence' when 'm' then 'materialised view'
        else 'table' end,
    c.oid::regclass,
    coalesce((
        select string_agg(
            format('%I %s%s', a.attname, format_type(a.atttypid, a.atttypmod),
                case when a.attnotnull then ' not null' else '' end), ', ' order by a.attnum)
        from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    ), '')
)
from pg_class c join members m on m.classid = 'pg_class'::regclass and m.objid = c.oid
union all
select format('type %s', t.oid::regtype)
from pg_type t join members m on m.classid = 'pg_type'::regclass and m.objid = t.oid
where t.typrelid = 0 and t.typelem = 0
union all
select format('event trigger %s on %s', t.evtname, t.evtevent)
from pg_event_trigger t
join members m on m.classid = 'pg_event_trigger'::regclass and m.objid = t.oid
"""

_PRIVILEGES = r"""
with members as (
    select d.classid, d.objid
    from pg_depend d
    join pg_extension e on e.oid = d.refobjid and d.refclassid = 'pg_extension'::regclass
    where e.extname = 'pg_llm' and d.deptype = 'e'
),
granted as (
    select 'schema ' || n.nspname as object, n.nspacl as acl
    from pg_namespace n join members m on m.classid = 'pg_namespace'::regclass and m.objid = n.oid
    union all
    select p.oid::regprocedure::text, coalesce(p.proacl, acldefault('f', p.proowner))
    from pg_proc p join members m on m.classid = 'pg_proc'::regclass and m.objid = p.oid
    union all
    select c.oid::regclass::text, coalesce(c.relacl, acldefault('r', c.relowner))
    from pg_class c join members m on m.classid = 'pg_class'::regclass and m.objid = c.oid
)
select format('%s: %s', g.object, coalesce((
    select string_agg(distinct format('%s %s', by_role.name, by_role.privileges), ', ')
    from (
        select
            coalesce(r.rolname, 'PUBLIC') as name,
            string_agg(lower(a.privilege_type), '+' order by a.privilege_type) as privileges
        from aclexplode(g.acl) a
        left join pg_roles r on r.oid = a.grantee
        where r.rolname is distinct from 'postgres'
        group by 1
    ) by_role
), 'nobody')) as line
from granted g
"""


@pytest.mark.parametrize(("name", "query"), [("catalog", _CATALOG), ("privileges", _PRIVILEGES)])
def test_the_surface_is_as_written_down(db, name, query):
    """One file for all versions of PostgreSQL: nothing in it depends on the server's."""
    lines = sorted(row[0] for row in db.execute(query).fetchall())
    text = "\n".join(lines) + "\n"
    file = _GOLDEN / f"{name}.txt"
    if os.environ.get("PG_LLM_GOLDEN") == "write":
        file.write_text(text, encoding="utf-8")
    assert text.splitlines() == file.read_text(encoding="utf-8").splitlines()


def test_public_and_strangers_hold_nothing():
    lines = (_GOLDEN / "privileges.txt").read_text(encoding="utf-8").splitlines()
    assert lines
    assert not [line for line in lines if "PUBLIC" in line]
