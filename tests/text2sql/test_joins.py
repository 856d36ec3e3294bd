"""The join graph: what is declared, what was seen in queries and views, what is guessed."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest

from pg_llm import catalog
from pg_llm.database import PsycopgDatabase
from pg_llm.models.scripted import Server
from pg_llm.text2sql.index import index
from pg_llm.text2sql.joins import seen
from pg_llm.text2sql.prompt import describe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pg_llm.text2sql.index import SchemaIndex


@contextmanager
def schema_of(db: psycopg.Connection, ddl: str) -> Iterator[psycopg.Connection]:
    """Make tables in a schema of their own, and take them back afterwards."""
    with db.transaction(force_rollback=True):
        db.execute("create schema ward")
        db.execute("set local search_path = ward, public")
        db.execute(ddl)
        yield db


def read(db: psycopg.Connection) -> SchemaIndex:
    database = PsycopgDatabase(db)
    schema = index(catalog.snapshot(database))
    seen.apply(database, schema)
    return schema


def joins(schema: SchemaIndex) -> set[str]:
    """Return the joins of the schema `ward` to at most one row, as text."""
    names = schema.snapshot.by_oid
    return {
        f"{relation.name}({', '.join(step.source_columns)})"
        f" -> {names[step.target].name}({', '.join(step.target_columns)})"
        for relation in schema.relations
        if relation.schema == "ward"
        for step in schema.joins.steps(relation.oid)
        if step.to_one
    }


def path(schema: SchemaIndex, start: str, end: str) -> list[str]:
    oids = {relation.name: relation.oid for relation in schema.relations}
    found = schema.joins.path([oids[start]], oids[end])
    assert found is not None
    return [f"{', '.join(s.source_columns)} = {', '.join(s.target_columns)}" for s in found[0]]


def ran(db: psycopg.Connection, statement: str, times: int = 1) -> None:
    """Let the log say that a statement ran."""
    entry = "2026-03-01 10:00:00.000 UTC [12] joe@{} LOG:  duration: 3.000 ms  statement: {}\n"
    text = entry.format(db.info.dbname, statement) * times
    db.execute(
        "select public.lineage_read_log_text(log => %s, line_prefix => '%%m [%%p] %%u@%%d ')",
        [text],
    )


GUESSES = [
    (
        "a table's key with a role before it",
        """create table places (id int primary key, street text);
           create table patients (id int primary key, home_place_id int, work_place_id int)""",
        {
            "patients(home_place_id) -> places(id)",
            "patients(work_place_id) -> places(id)",
        },
    ),
    (
        "a column called like a table, and one with a link word",
        """create table wards (ward_id int primary key, name text);
           create table beds (id int primary key, ward int, link_to_ward int, ward_ref int)""",
        {
            "beds(ward) -> wards(ward_id)",
            "beds(link_to_ward) -> wards(ward_id)",
            "beds(ward_ref) -> wards(ward_id)",
        },
    ),
    (
        "the last word of a compound",
        """create table headnurse (id int primary key, name text);
           create table shifts (id int primary key, nurse_id int)""",
        {"shifts(nurse_id) -> headnurse(id)"},
    ),
    (
        "a count, a text and a price are no keys",
        """create table wards (id int primary key, name text);
           create table prices (id int primary key, label text);
           create table totals (day date primary key, wards int, ward text, price numeric)""",
        set(),
    ),
    (
        "the key of another table is the key here",
        """create table visits (visit_id int primary key, day date);
           create table visit_notes (visit_id int primary key, note text)""",
        {"visit_notes(visit_id) -> visits(visit_id)", "visits(visit_id) -> visit_notes(visit_id)"},
    ),
    (
        "the table that a key is called after, and not one that has it too",
        """create table visits (visit_id int primary key, day date);
           create table bills (bill_id int primary key, visit_id int);
           create unique index on bills (visit_id);
           create table tests (test_id int primary key, visit_id int)""",
        {
            "bills(visit_id) -> visits(visit_id)",
            "visits(visit_id) -> bills(visit_id)",
            "tests(visit_id) -> visits(visit_id)",
        },
    ),
    (
        "a key of two columns",
        """create table stays (patient_id int, stay_no int, primary key (patient_id, stay_no));
           create table doses (dose_id int primary key, patient_id int, stay_no int)""",
        {"doses(patient_id, stay_no) -> stays(patient_id, stay_no)"},
    ),
    (
        "rows of the same table",
        """create table units (id int primary key, parent_id int, previous_unit_id int);
           create table staff (staff_id int primary key, reports_to int, manager_id int)""",
        {
            "units(parent_id) -> units(id)",
            "units(previous_unit_id) -> units(id)",
            "staff(reports_to) -> staff(staff_id)",
            "staff(manager_id) -> staff(staff_id)",
        },
    ),
    (
        "a role before the table, without a key's word",
        """create table clubs (id int primary key, name text);
           create table games (id int primary key, home_club int, away_club int, sort_club int)""",
        {"games(home_club) -> clubs(id)", "games(away_club) -> clubs(id)"},
    ),
    (
        "another member of the same table",
        "create table tbl_member (member_id int primary key, sponsor_member_id int)",
        {"tbl_member(sponsor_member_id) -> tbl_member(member_id)"},
    ),
    (
        "a key that is called after another table",
        """create table club (cid int primary key, name text);
           create table standing (cid int primary key, points int)""",
        {"standing(cid) -> club(cid)", "club(cid) -> standing(cid)"},
    ),
    (
        "other types do not join",
        """create table wards (id uuid primary key, name text);
           create table beds (id int primary key, ward_id int)""",
        set(),
    ),
    (
        "equal emails are no join",
        """create table nurses (id int primary key, email text unique);
           create table donors (id int primary key, email text)""",
        set(),
    ),
    (
        "a table between two has no key of its own",
        """create table course (id int primary key, title text);
           create table student (id int primary key, name text);
           create table course_student (course_id int, student_id int)""",
        {"course_student(course_id) -> course(id)", "course_student(student_id) -> student(id)"},
    ),
]


@pytest.mark.parametrize(("ddl", "wanted"), [c[1:] for c in GUESSES], ids=[c[0] for c in GUESSES])
def test_guesses(db: psycopg.Connection, ddl: str, wanted: set[str]) -> None:
    with schema_of(db, ddl):
        assert joins(read(db)) == wanted


def test_values_refute_a_guess_and_confirm_another(db: psycopg.Connection) -> None:
    ddl = """
        create table drugs (code text primary key);
        create table firms (firm_id int primary key);
        create table orders (id int primary key, drug text, firm_id int, drug_code text);
        insert into drugs select 'd' || n from generate_series(1, 40) n;
        insert into firms select n from generate_series(1, 40) n;
        insert into orders select n, 'd' || 1 + n % 40, 70000 + n, 'x' || n % 40
        from generate_series(1, 200) n;
        analyze drugs, firms, orders
    """
    with schema_of(db, ddl):
        schema = read(db)
        assert joins(schema) == {"orders(drug) -> drugs(code)"}
        orders = next(r for r in schema.relations if r.name == "orders" and r.schema == "ward")
        (step,) = schema.joins.steps(orders.oid)
        assert step.why == "inferred from names, types and values"


def test_withheld_values_are_no_evidence(db: psycopg.Connection) -> None:
    ddl = """
        create table vendors (vendor_id int primary key, title text);
        create table parcels (id int primary key, vendor_id int);
        insert into vendors select n, 'v' || n from generate_series(1, 40) n;
        insert into parcels select n, 70000 + n from generate_series(1, 200) n;
        analyze vendors, parcels
    """
    question = "How many parcels does each vendor have?"
    with schema_of(db, ddl):
        explain = "select joins from public.llm_text2sql_explain(%s)"
        assert db.execute(explain, [question]).fetchone() == ([],)
        db.execute("select public.llm_column_samples('parcels', 'vendor_id', false)")
        assert db.execute(explain, [question]).fetchone() == (
            ["parcels.vendor_id = vendors.vendor_id"],
        )


def test_a_table_between_that_is_hidden_is_left_out(db: psycopg.Connection) -> None:
    ddl = """
        create table patients (patient_id int primary key, name text);
        create table stays (stay_id int primary key, patient_id int references patients);
        create table bills (bill_id int primary key, patient_id int references patients);
        create role t2s_clerk in role llm_user;
        grant usage on schema ward to t2s_clerk;
        grant select on stays, bills to t2s_clerk
    """
    with schema_of(db, ddl):
        assert path(read(db), "stays", "bills") == [
            "patient_id = patient_id",
            "patient_id = patient_id",
        ]
        db.execute("set local role t2s_clerk")
        assert path(read(db), "stays", "bills") == ["patient_id = patient_id"]


# ---- what was seen -----------------------------------------------------------------

WARD = """
create table patients (id int primary key, name text, born int);
create table doctors (id int primary key, name text, born int);
create table treatments (id int primary key, who int, by_whom int, day date);
create table wings (code text primary key, head int, opened int);
"""
TREATED = "select * from ward.treatments t join ward.patients p on p.id = t.who"


def test_a_join_of_the_log_is_used(db: psycopg.Connection) -> None:
    with schema_of(db, WARD):
        assert joins(read(db)) == set()
        ran(db, TREATED, times=7)
        schema = read(db)
        assert path(schema, "treatments", "patients") == ["who = id"]
        assert "treatments(who) -> patients(id)  -- seen 7 times in queries" in describe(
            "treatments of patients", schema
        )
        answer = db.execute(
            "select joins, warnings from public.llm_text2sql_explain("
            "'How many treatments does each patient have?')"
        ).fetchone()
        assert answer[0] == ["treatments.who = patients.id"]
        assert "the join of treatments and patients was seen 7 times in queries" in answer[1]


def test_a_join_of_a_view_is_used(db: psycopg.Connection) -> None:
    with schema_of(db, WARD):
        db.execute(f"create view treated as select p.name, day from ({TREATED}) p")
        schema = read(db)
        assert path(schema, "treatments", "patients") == ["who = id"]
        assert "seen in the view treated" in describe("treatments of patients", schema)
        # the same columns, another join: the catalog's version is as before
        db.execute(
            "create or replace view treated as"
            " select p.name, day from treatments join patients p on p.id = by_whom"
        )
        assert path(read(db), "treatments", "patients") == ["by_whom = id"]


def test_what_is_often_seen_overrules_a_guess(db: psycopg.Connection) -> None:
    ddl = """
        create table agents (id int primary key, name text);
        create table people (id int primary key, name text);
        create table calls (id int primary key, agent_id int)
    """
    query = "select * from ward.calls c join ward.people p on p.id = c.agent_id"
    with schema_of(db, ddl):
        ran(db, query)
        once = read(db)
        calls = next(r for r in once.relations if r.name == "calls")
        costs = {once.snapshot.by_oid[s.target].name: s.cost for s in once.joins.steps(calls.oid)}
        assert costs["agents"] < costs["people"]
        for limit in ("", " where c.id > 5", " where p.name = 'x'", " order by 1"):
            ran(db, query + limit, times=30)
        often = read(db)
        costs = {
            often.snapshot.by_oid[s.target].name: s.cost for s in often.joins.steps(calls.oid)
        }
        assert costs["people"] < costs["agents"]


def test_a_foreign_key_is_nearer_than_anything_seen(db: psycopg.Connection) -> None:
    ddl = """
        create table patients (id int primary key, born int);
        create table doctors (id int primary key, born int);
        create table treatments (
            id int primary key, patient int references patients, other int, doctor int references doctors
        )
    """
    with schema_of(db, ddl):
        for limit in range(1, 40):
            # the same pattern for all literals, so the columns differ
            ran(
                db,
                f"select 1 as c{limit} from ward.treatments t join ward.patients p on p.id = t.other",
                9,
            )
            ran(
                db,
                f"select 1 as c{limit} from ward.doctors d join ward.patients p on p.born = d.born",
                9,
            )
        schema = read(db)
        assert path(schema, "treatments", "patients") == ["patient = id"]
        # equal years of birth: a way, and a longer one than by two foreign keys
        assert path(schema, "doctors", "patients") == ["id = doctor", "patient = id"]


def test_columns_of_other_types_do_not_join(db: psycopg.Connection) -> None:
    with schema_of(db, WARD):
        ran(db, "select 1 from ward.wings w join ward.patients p on p.name = w.code")
        ran(db, "select 1 from ward.wings w join ward.patients p on p.id = w.head")
        db.execute("alter table patients alter column id type text")
        schema = read(db)
        assert path(schema, "wings", "patients") == ["code = name"]


def test_two_columns_seen_together_are_one_join(db: psycopg.Connection) -> None:
    ddl = """
        create table stays (patient int, number int, primary key (patient, number));
        create table doses (id int primary key, who int, stay int)
    """
    with schema_of(db, ddl):
        ran(
            db,
            "select 1 from ward.doses d join ward.stays s on s.patient = d.who and s.number = d.stay",
        )
        assert "doses(who, stay) -> stays(patient, number)" in joins(read(db))


def test_a_join_of_a_table_with_itself(db: psycopg.Connection) -> None:
    with schema_of(db, "create table units (id int primary key, above int)"):
        ran(db, "select 1 from ward.units a join ward.units b on a.above = b.id")
        assert joins(read(db)) == {"units(above) -> units(id)"}


def test_nobody_learns_of_columns_that_he_may_not_select(db: psycopg.Connection) -> None:
    rights = """
        create role t2s_nurse in role llm_user;
        grant usage on schema ward to t2s_nurse;
        grant select (id, name) on patients to t2s_nurse;
        grant select (id, day) on treatments to t2s_nurse
    """
    with schema_of(db, WARD + rights):
        ran(db, TREATED, times=7)
        db.execute(f"create view treated as select day from ({TREATED}) t")
        assert path(read(db), "treatments", "patients") == ["who = id"]
        db.execute("set local role t2s_nurse")
        assert joins(read(db)) == set()
        db.execute("reset role")
        db.execute("grant select (who) on treatments to t2s_nurse")
        db.execute("set local role t2s_nurse")
        schema = read(db)
        assert path(schema, "treatments", "patients") == ["who = id"]
        # the view itself is hidden, so it does not tell
        assert "treated" not in describe("treatments of patients", schema)
        with pytest.raises(psycopg.errors.InsufficientPrivilege), db.transaction():
            db.execute("select from lineage.pattern_joins")


def test_changes_are_followed(
    db: psycopg.Connection, connect: Callable[..., psycopg.Connection]
) -> None:
    db.execute("create schema ward")
    try:
        with db.transaction():
            db.execute("set local search_path = ward")
            db.execute(WARD)
        database = PsycopgDatabase(db)
        schema = index(catalog.snapshot(database))
        seen.apply(database, schema)
        assert schema.seen
        before = schema.seen
        assert joins(schema) == set()
        ran(connect(), TREATED)
        seen.apply(database, schema)
        assert schema.seen != before
        assert joins(schema) == {"treatments(who) -> patients(id)"}
        connect().execute("delete from lineage.patterns")
        # the counters of another session's commit come within a second
        for _ in range(50):
            db.execute("select pg_sleep(0.1)")
            seen.apply(database, schema)
            if not joins(schema):
                break
        assert joins(schema) == set()
    finally:
        db.execute("drop schema ward cascade")


def test_joins_of_sql_that_was_given(db: psycopg.Connection) -> None:
    explain = "select source, joins, warnings from public.llm_text2sql_explain(%s)"
    with schema_of(db, WARD):
        db.execute("select public.llm_verify('whom did who treat?', %s)", [TREATED])
        assert db.execute(explain, ["whom did who treat?"]).fetchone() == (
            "verified",
            ["patients.id = treatments.who"],
            [],
        )


MODEL = [
    (
        "select p.name from patients p join treatments t on t.who = p.id",
        "treatments.who = patients.id",
        "the join of treatments and patients was seen 7 times in queries",
    ),
    (
        "select p.name from patients p join doctors d on d.born = p.born",
        "doctors.born = patients.born",
        "nothing here says that doctors.born and patients.born belong together",
    ),
    (
        "with t as (select who from treatments) select name from t, patients where id = who",
        "patients.id = treatments.who",
        "the join of patients and treatments was seen 7 times in queries",
    ),
]


@pytest.mark.parametrize(("sql", "join", "note"), MODEL)
def test_joins_of_a_models_sql_and_what_is_known_of_them(
    db: psycopg.Connection, sql: str, join: str, note: str
) -> None:
    server = Server([{"match": "treated", "answer": sql}]).start()
    try:
        with schema_of(db, WARD):
            ran(db, TREATED, times=7)
            db.execute(
                "select public.llm_model_add('wardscript', 'scripted', 'chat', 'scripted', %s)",
                [server.endpoint],
            )
            db.execute("set local pg_llm.chat_model = 'wardscript'")
            db.execute("set local pg_llm.text2sql_confidence = '0'")
            found = db.execute(
                "select source, joins, warnings from public.llm_text2sql_explain('treated')"
            ).fetchone()
            assert found[0] == "model"
            assert found[1] == [join]
            assert note in found[2]
    finally:
        server.stop()


def test_the_version_tells_of_changes_and_of_nothing_else(db: psycopg.Connection) -> None:
    def version() -> str:
        return str(db.execute("select lineage.joins_version()").fetchone()[0])

    with schema_of(db, WARD):
        before = version()
        assert version() == before
        db.execute("create view young as select id from patients")
        defined = version()
        assert defined != before
        ran(db, TREATED)
        assert version() != defined
        db.execute("create role t2s_anybody in role llm_user")
        read_as_admin = version()
        db.execute("set local role t2s_anybody")
        assert version() == read_as_admin


def test_nothing_is_read_again_without_a_change(db: psycopg.Connection) -> None:
    database = PsycopgDatabase(db)
    schema = index(catalog.snapshot(database))
    seen.apply(database, schema)
    graph = schema.joins.steps

    def fail(_: object) -> None:
        raise AssertionError

    schema.joins.learn = fail  # type: ignore[method-assign, assignment]
    seen.apply(database, schema)
    assert schema.joins.steps == graph
