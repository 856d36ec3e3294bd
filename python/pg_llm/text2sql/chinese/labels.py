# ruff: noqa: RUF001, RUF002, RUF003  (Chinese text)
"""What Chinese comments say: the names they give, and the values they list.

Comments are names (订单表), sentences (用于记录每一笔订单的信息), names with
remarks (客户编号，外键) or with the values of a column
(状态：0-未付款，1-已付款).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from pg_llm.text2sql.chinese.text import normal
from pg_llm.text2sql.words import is_chinese, split_identifier

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pg_llm.catalog import Column, Relation

_LONGEST = 12
_FURTHER = 8
_MOST_NAMES = 3
_RUN = re.compile(r"[\u4e00-\u9fffA-Za-z0-9]*[\u4e00-\u9fff][\u4e00-\u9fffA-Za-z0-9、]*")
_BRACKETS = re.compile(r"[（(【\[][^（）()【】\[\]]*[）)】\]]")
# What a sentence says before and after the name of what it is about.
_LEAD = re.compile(
    r"^(?:(?:该|本|此|这个|这张)?(?:数据表|表格|表|字段|列)?(?:主要)?(?:是|为)?(?:用于|用来|用以)?"
    r"(?:记录|存储|存放|储存|保存|表示|标识|标记|描述|说明|反映|维护|管理|登记|统计|包含|指|即)+"
    r"(?:了|着|的是)?|该|本|此|所有|全部|系统中?的?|各个|各类|各种|每[一]?(?:个|位|笔|条|只|名|张|家|次|件|部|种|项|行|份|门)?"
    r"|一(?:个|位|笔|条|只|名|张|家|次|件|部|种|项|行|份|门))"
)
_TAIL = re.compile(
    r"(?:的)?(?:基本|基础|详细|相关|主要)?(?:信息|记录|数据|资料|列表|清单|字典|档案|目录|名册|台账|主表|总表|子表|字段|情况|表)$"
)
# Segments that are remarks on a column, and names of nothing.
_REMARK = re.compile(
    r"主键|外键|自增|唯一|不能为空|可为空|非空|必填|选填|默认|单位|取值|例如|比如|注意|备注|关联|参见|详见|"
    r"引用|冗余|保留|同步|系统|写入|生成|格式|允许|不允许|^(?:包括|包含|含|以及|如|由|从|与|可)"
)
_NAME = re.compile(r"的?(?:名称|姓名|名字|全名|全称|名|标题)$")
_GIVEN = frozenset({"名", "名字"})
_FAMILY = frozenset({"姓", "姓氏"})
# The particle, and not a part of 目的.
_OF = re.compile(r"(?<!目)的")
# A value, what divides it from its name, the name: 0-未付款, 1：男, F=女, active 在职.
_CODED = re.compile(
    r"(?P<code>-?\d{1,4}|[A-Za-z][A-Za-z0-9_]{0,19})\s*[-:：=＝—→、.]?>?\s*"
    r"(?P<name>[\u4e00-\u9fff]{1,12})"
)
# A list of values after the name of the column: 支付方式：现金、微信、支票。
_LIST = re.compile(r"[:：][^。.；;]*、[^。.；;]*")
# The same with the name first: 男(M), 已付款=1.
_NAMED = re.compile(
    r"(?P<name>[\u4e00-\u9fff]{1,12})\s*(?:[-:：=＝—→]|[(（])\s*(?P<code>-?\d{1,4}|[A-Za-z][A-Za-z0-9_]{0,19})\b"
)


@lru_cache(maxsize=65_536)
def names(name: str, comment: str | None) -> tuple[tuple[str, float], ...]:
    """Return the Chinese names that an identifier and its comment give, with their worth."""
    own = normal(name)
    called = ((own, 1.0),) if is_chinese(own) else ()
    found: dict[str, float] = {}
    for position, run in enumerate(_runs(comment)):
        if position and (len(run) > _FURTHER or _REMARK.search(run)):
            continue
        worth = 1.0 if not found else 0.8
        for text, share in _heads(run):
            if 0 < len(text) <= _LONGEST:
                found[text] = max(found.get(text, 0.0), worth * share)
        if len(found) >= _MOST_NAMES:
            break
    return (*called, *found.items())


def _runs(comment: str | None) -> list[str]:
    """Return the segments of a comment that hold Chinese, without lists of values."""
    text = normal(comment or "")
    if not is_chinese(text):
        return []
    listed = list(coded(text))
    plain = _LIST.sub("：", _BRACKETS.sub(" ", text))
    runs = _RUN.findall(plain)
    if len(listed) >= 2:
        values = {value for _, value in listed}
        runs = [run for n, run in enumerate(runs) if n == 0 or not any(v in run for v in values)]
        if runs:
            runs[0] = re.sub(r"\d+$", "", runs[0])
    return [run for run in runs if not re.fullmatch(r"\d.*", run)] or runs[:1]


def _heads(run: str) -> Iterator[tuple[str, float]]:
    """Yield a segment and the noun that it is about.

    The noun of a Chinese phrase comes last: 在门店注册的顾客 is about 顾客.
    """
    short = run
    while (cut := _LEAD.sub("", short, count=1)) != short and len(cut) >= 1:
        short = cut
    short = _TAIL.sub("", short) if len(_TAIL.sub("", short)) >= 2 else short
    if not _OF.search(run):
        yield run, 1.0
    if not _OF.search(short):
        yield short, 1.0
    if short.startswith("是否") and len(short) > 3:
        yield short.removeprefix("是否"), 0.95
    parts = _OF.split(short)
    if len(parts) > 1 and parts[0] and parts[-1]:
        yield parts[-1], 0.95 if len(parts[-1]) >= 2 else 0.9


def names_rows(relation: Relation, column: Column) -> bool:
    """Whether a column is called the name of the relation's rows: 姓名, 商品名称 of 商品表.

    A given name beside a family name is not.
    """
    apart = {"first", "given"} & set(split_identifier(column.name)) or any(
        _called(other, _FAMILY) for other in relation.columns
    )
    if apart and _called(column, _GIVEN):
        return False
    own = {_TAIL.sub("", text) or text for text, _ in names(relation.name, relation.comment)}
    for text, _ in names(column.name, column.comment):
        rest = _NAME.sub("", text)
        if rest != text and (not rest or rest in own):
            return True
    return False


def _called(column: Column, words: frozenset[str]) -> bool:
    return any(text in words for text, _ in names(column.name, column.comment))


@lru_cache(maxsize=65_536)
def coded(comment: str | None) -> tuple[tuple[str, str], ...]:
    """Return the values that a comment lists, each with its Chinese name.

    Only lists of two or more are taken, in one order: value and name, or name
    and value.
    """
    text = normal(comment or "")
    if not is_chinese(text):
        return ()
    for pattern in (_CODED, _NAMED):
        pairs = [(match["code"], match["name"]) for match in pattern.finditer(text)]
        kinds = {code.lstrip("-").isdigit() for code, _ in pairs}
        codes = {code for code, _ in pairs}
        if len(pairs) >= 2 and len(kinds) == 1 and len(codes) == len(pairs):
            return tuple(pairs)
    return ()
