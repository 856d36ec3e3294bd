# ruff: noqa: RUF001  (Chinese text)
"""What Chinese comments name, what words mean in English, and when periods are."""

from __future__ import annotations

import pytest

from pg_llm.text2sql.chinese import labels as chinese_labels
from pg_llm.text2sql.chinese import translation as chinese_english
from pg_llm.text2sql.chinese.dates import date_phrase
from pg_llm.text2sql.chinese.lexicon import counted, number
from pg_llm.text2sql.chinese.names import synonyms
from pg_llm.text2sql.chinese.text import normal


@pytest.mark.parametrize(
    ("comment", "name"),
    [
        ("航班表", "航班"),
        ("用于记录每一个航班的信息，每日更新", "航班"),
        ("flight 航班", "航班"),
        ("航班 flight master data", "航班"),
        ("航班（国内与国际）", "航班"),
        ("【必填】航班号", "航班号"),
        ("該航班的起飛機場", "起飞机场"),
        ("航班状态：0-计划，1-起飞，2-到达", "航班状态"),
        ("舱位：经济舱、商务舱、头等舱", "舱位"),
        ("目的城市", "目的城市"),
    ],
)
def test_names_of_a_comment(comment: str, name: str) -> None:
    found = dict(chinese_labels.names("x", comment))
    assert found[name] >= 0.95


@pytest.mark.parametrize("comment", [None, "", "Flights.", "外键", "，。"])
def test_comments_that_name_little(comment: str | None) -> None:
    assert len(chinese_labels.names("flight", comment)) <= 1


def test_remarks_and_values_are_no_names() -> None:
    found = dict(chinese_labels.names("x", "航班状态：0-计划，1-起飞，由系统写入"))
    assert set(found) == {"航班状态"}


@pytest.mark.parametrize(
    ("comment", "pairs"),
    [
        ("状态：0-计划，1-起飞", [("0", "计划"), ("1", "起飞")]),
        ("状态 0:计划 1:起飞", [("0", "计划"), ("1", "起飞")]),
        ("状态（plan=计划, gone=起飞）", [("plan", "计划"), ("gone", "起飞")]),
        ("性别 M男F女", [("M", "男"), ("F", "女")]),
        ("等级：普通(1)、贵宾(2)", [("1", "普通"), ("2", "贵宾")]),
        ("时长（毫秒）", []),
        ("第3周抽检数", []),
        ("状态：0-计划，0-起飞", []),
    ],
)
def test_coded_values(comment: str, pairs: list[tuple[str, str]]) -> None:
    assert list(chinese_labels.coded(comment)) == pairs


def test_one_spelling() -> None:
    assert normal("訂單編號Ａ１２") == "订单编号A12"
    assert normal("plain") == "plain"


def test_english_readings() -> None:
    assert ("payment", "date") in chinese_english.phrases("付款日期")
    assert ("customer", "name") in chinese_english.phrases("客户姓名")
    assert chinese_english.phrases("龙") == ()
    assert ("加拿大", ("country",)) in chinese_english.words_of("住在加拿大的人")


def test_synonyms_replace_the_longest_word() -> None:
    assert "顾客名称" in synonyms("客户名称")
    assert "手机号号" not in synonyms("手机号")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("十二", 12),
        ("三百", 300),
        ("两千五百", 2500),
        ("五万", 50_000),
        ("一二", None),
        ("", None),
    ],
)
def test_numerals(text: str, value: int | None) -> None:
    assert number(text) == value


def test_a_numeral_with_its_measure_word() -> None:
    assert counted("五件") == 5
    assert counted("五") is None


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2024年三月", "date '2024-03-01'", "date '2024-04-01'"),
        ("2024-03", "date '2024-03-01'", "date '2024-04-01'"),
        ("2024年第二季度", "date '2024-04-01'", "date '2024-07-01'"),
        ("去年下半年", "- interval '6 months'", "date_trunc('year', current_date)"),
        ("今年第一季度", "date_trunc('year', current_date)", "+ interval '3 months'"),
        ("上上个月", "- 2 * interval '1 month'", "- interval '1 month'"),
        ("近半年", "current_date - interval '6 months'", None),
        ("30天内", "current_date - interval '30 days'", None),
    ],
)
def test_periods(text: str, start: str, end: str | None) -> None:
    found = date_phrase(text)
    assert found is not None
    assert str(found.start).endswith(start)
    assert found.end is None if end is None else str(found.end).endswith(end)
