# ruff: noqa: RUF001  (Chinese text)
"""Chinese questions over schemas that Chinese users made: answered by what they return."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from pg_llm import catalog
from pg_llm.database import PsycopgDatabase
from pg_llm.text2sql.index import index
from pg_llm.text2sql.linking import link
from tests.conftest import dsn
from tests.text2sql.chinese_cases import CASES, DECLINED
from tests.text2sql.chinese_schema import SCHEMA

if TYPE_CHECKING:
    from pytest_postgresql.executor import PostgreSQLExecutor


@pytest.fixture(scope="module", autouse=True)
def fleet(server: PostgreSQLExecutor, database_name: str) -> None:
    """Fill this module's database with the shop, the clinic, the school and the warehouse."""
    with psycopg.connect(dsn(server, database_name), autocommit=True) as connection:
        connection.execute(SCHEMA.replace(":database", f'"{database_name}"'))
        for setting in ("text2sql_cache = off", "text2sql_confidence = '0.6'"):
            connection.execute(f'alter database "{database_name}" set pg_llm.{setting}')


@pytest.mark.parametrize(("question", "gold"), CASES)
def test_answers(db: psycopg.Connection, question: str, gold: str) -> None:
    assert db.execute(gold).fetchall(), "a case must return something"
    with db.transaction(force_rollback=True):
        db.execute("create temporary table asked (question text, sql text) on commit drop")
        db.execute("insert into asked values (%s, %s)", [question, gold])
        run = db.execute("select run from llm_eval('pg_temp.asked') limit 1").fetchone()[0]
        sql, correct = db.execute(
            "select sql, correct from llm.evaluation_answers where run = %s", [run]
        ).fetchone()
    assert sql is not None
    assert correct, sql


@pytest.mark.parametrize("question", DECLINED)
def test_declines(db: psycopg.Connection, question: str) -> None:
    db.execute("set pg_llm.text2sql_confidence = '0.7'")
    assert db.execute("select llm_text2sql(%s)", [question]).fetchone()[0] is None


LINKS = [
    ("各分类商品的平均单价", ["categories", "goods"], ["goods.price"]),
    ("哪些醫生屬於內科", ["physicians", "wards"], ["physicians.ward_id"]),
    ("退号的患者", ["visits", "patients"], ["visits.cancelled_on"]),
    ("每门课程的平均分数", ["courses", "selections"], ["selections.score"]),
    ("各仓库的存货数量", ["仓库", "库存"], ["库存.库存数量"]),
    ("顾客的手机号码", ["members"], ["members.mobile"]),
    ("已发货的订单", ["orders"], ["orders.status"]),
]


@pytest.mark.parametrize(("question", "tables", "columns"), LINKS)
def test_links(
    db: psycopg.Connection, question: str, tables: list[str], columns: list[str]
) -> None:
    links = link(question, index(catalog.snapshot(PsycopgDatabase(db))))
    best = [relation.name for relation, _ in links.relations[:3]]
    assert set(tables) <= set(best), best
    named = [f"{ref.relation.name}.{ref.column.name}" for ref, _ in links.columns[:10]]
    assert set(columns) <= set(named), named


@pytest.mark.parametrize(
    ("answerable", "unanswerable"),
    [
        ("每个城市的会员数量", "每个星系的恒星数量"),
        ("挂号费最高的医生", "进化论是谁提出的"),
        ("各专业的学生人数", "今天的股市行情如何"),
    ],
)
def test_answerable_questions_are_told_from_others(
    db: psycopg.Connection, answerable: str, unanswerable: str
) -> None:
    schema = index(catalog.snapshot(PsycopgDatabase(db)))
    assert link(answerable, schema).answerable > 0.6
    assert link(unanswerable, schema).answerable < 0.3


ENGLISH = """
create schema haulage;
set local search_path = haulage;
create table drivers (driver_id int primary key, full_name text not null, hire_date date not null);
create table vehicles (vehicle_id int primary key, brand text not null, price numeric not null);
create table trips (
    trip_id int primary key, driver_id int not null references drivers,
    vehicle_id int not null references vehicles, distance int not null, country text not null
);
insert into drivers values (1, 'Ode', '2020-01-01'), (2, 'Pim', '2021-01-01');
insert into vehicles values (1, 'Volvo', 100), (2, 'Scania', 200);
insert into trips values (1, 1, 1, 40, 'Canada'), (2, 1, 2, 50, 'France'), (3, 2, 1, 10, 'Canada');
analyze drivers, vehicles, trips;
"""


@pytest.mark.parametrize(
    ("question", "gold"),
    [
        ("有多少位司机？", "select count(*) from drivers"),
        ("每位司机的行程数量", "select full_name, count(*) from trips join drivers using (driver_id) group by 1"),
        ("价格超过150的车辆品牌", "select brand from vehicles where price > 150"),
        ("行程的平均距离是多少", "select avg(distance) from trips"),
        ("加拿大的行程有多少次", "select count(*) from trips where country = 'Canada'"),
    ],
)  # fmt: skip
def test_names_in_english_are_reached(db: psycopg.Connection, question: str, gold: str) -> None:
    with db.transaction(force_rollback=True):
        db.execute(ENGLISH)
        sql = db.execute("select public.llm_text2sql(%s)", [question]).fetchone()[0]
        assert sql is not None
        assert sorted(db.execute(sql).fetchall()) == sorted(db.execute(gold).fetchall())
