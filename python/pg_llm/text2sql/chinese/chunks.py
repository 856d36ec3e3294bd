# ruff: noqa: RUF002  (Chinese text)
"""Chunks of a Chinese question: each method is the handler of one pattern of the reader."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm.text2sql.chinese import labels as chinese_labels
from pg_llm.text2sql.chinese import names as chinese_names
from pg_llm.text2sql.chinese.text import normal
from pg_llm.text2sql.composition.frame import Condition, Declined, Order, Presence, Term
from pg_llm.text2sql.composition.lexeme import Lexeme
from pg_llm.text2sql.composition.measures import additive, measure, row_amount
from pg_llm.text2sql.composition.patterns import first, pick
from pg_llm.text2sql.composition.terms import (
    dated,
    dated_condition,
    flag_value,
    group_term,
    numeric,
    numeric_or_date,
    term_of,
    term_of_ref,
)
from pg_llm.text2sql.english.reader import Reader

if TYPE_CHECKING:
    from pg_llm.catalog import Column, Relation
    from pg_llm.text2sql.index import Match

_COUNTS = frozenset({"数量", "数目", "总数", "个数", "人数", "次数", "总量"})
_CONFIRMED, _CLEAR = 0.95, 0.8
# How names of dates end, as the verbs that they are of do not.
_DATED = "期间日年月时刻份天"
_BORN = ("出生", "生日")


class ChineseChunks(Reader):
    """Handlers that turn spans of a Chinese question into conditions, terms and orders."""

    def _by_time(self, units: list[Lexeme]) -> list[Lexeme]:
        unit = units[-1].payload
        self._frame.groups.append(Term(hints=("date", "time", unit), unit=unit, text=unit))
        return []

    def _pattern(self, units: list[Lexeme]) -> list[Lexeme] | None:
        marker, column = first(units, "L"), first(units, "C")
        text = next((unit for unit in units if unit.symbol in "SV?"), None)
        if marker is None or text is None:
            return None
        term = term_of(column) if column else self._name_term(marker)
        escaped = text.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        pattern = marker.payload.replace("{}", escaped)
        return [self._condition(Condition(term, "like", (pattern,), text=text.text))]

    def _name_term(self, marker: Lexeme) -> Term:
        """Return the name of what is asked for; the family name where it is kept apart."""
        named = [unit.tables[0].relation for unit in self._units if unit.symbol == "T"]
        columns = self._schema.named(named[-1]) if named else []
        if not columns or (len(columns) > 1 and marker.text != "姓"):
            return Term(text="name")
        return term_of_ref(columns[-1])

    def _count_table(self, units: list[Lexeme]) -> list[Lexeme]:
        table = first(units, "T")
        assert table is not None  # noqa: S101
        self._frame.entity_score = min(self._frame.entity_score, table.tables[0].score)
        relation = table.tables[0].relation
        count = Lexeme("q", table.text, Term(relation=relation, aggregate="count"))
        return [*pick(units, "c"), count]

    def _count_by_word(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """订单数量: a count, although some other column is a quantity."""
        table, column = units[0], units[-1]
        place = self._units.index(column)
        if column.text not in _COUNTS or self._units[place - 1].symbol == "v":
            return None
        oid = table.tables[0].relation.oid
        if any(m.relation.oid == oid and m.score >= 0.97 for m in column.columns):
            return None
        return self._count_table([table])

    def _total_by_word(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """总金额是多少: the sum, although a column of each row has that name."""
        column = first(units, "C")
        if column is None or "总" not in column.text or not numeric(column):
            return None
        if not any("多少" in unit.text for unit in self._units):
            return None
        total = Lexeme("a", column.text, Term(column.columns, aggregate="sum", text=column.text))
        return [total if unit is column else unit for unit in units]

    def _count_distinct(self, units: list[Lexeme]) -> list[Lexeme] | None:
        what = first(units, "CT")
        if what is None:
            return None
        if what.symbol == "T" and not what.columns:
            return self._count_table(units)
        if first(units, "U") is None and numeric(what):
            return [what]
        term = Term(what.columns, aggregate="count", distinct=True, text=what.text)
        return [Lexeme("q", what.text, term)]

    def _aggregate_before(self, units: list[Lexeme]) -> list[Lexeme] | None:
        mark, column = units[0], units[-1]
        if not numeric(column):
            return None
        return [
            Lexeme(
                "a", column.text, Term(column.columns, aggregate=mark.payload, text=column.text)
            )
        ]

    def _aggregate_after(self, units: list[Lexeme]) -> list[Lexeme] | None:
        return self._aggregate_before([units[-1], units[0]])

    def _aggregate_table(self, units: list[Lexeme]) -> list[Lexeme] | None:
        mark, table = first(units, "A"), first(units, "T")
        if mark is None or table is None:
            return None
        found = measure(table.tables[0].relation)
        if found is None:
            return None
        return [Lexeme("a", table.text, term_of_ref(found, mark.payload))]

    def _above(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """单价高于平均单价, 单价高于平均值."""
        mark, comparison, lead = first(units, "A"), first(units, "P"), units[0]
        if comparison is None or mark is None or lead.symbol != "C":
            return None
        other = units[-1] if units[-1].symbol == "C" else lead
        inner = Term(other.columns, aggregate=mark.payload, text=other.text)
        return [self._condition(Condition(term_of(lead), comparison.payload[0], against=inner))]

    def _above_average(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """超过平均单价的商品."""
        comparison, inner = units[0].payload[0], units[1].payload
        if inner.aggregate not in ("avg", "max", "min") or not inner.matches:
            return None
        own = Term(list(inner.matches), text=inner.text)
        return [self._condition(Condition(own, comparison, against=inner))]

    def _number_of(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """五星级酒店: the number before what it is a number of."""
        amount, column = units
        best = column.columns[0]
        if best.column is None or best.column.category != "N" or additive(best.ref):
            return None
        return self._threshold(term_of(column), "=", amount)

    def _missing(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """性别未填写的住客."""
        return self._without(units[::-1])

    def _count_first(self, units: list[Lexeme]) -> list[Lexeme]:
        """选了5门以上课程的学生, 有3个订单的会员: how many there are of another table."""
        table, amount = units[-1], units[0]
        op = units[1].payload if units[1].symbol == "p" else "="
        return self._threshold(
            Term(relation=table.tables[0].relation, aggregate="count"), op, amount
        )

    def _number_first(self, units: list[Lexeme]) -> list[Lexeme] | None:
        return self._compare_number_first([unit for unit in units if unit.symbol != "p"])

    def _count_above(self, units: list[Lexeme]) -> list[Lexeme]:
        term = Term(relation=units[0].tables[0].relation, aggregate="count")
        return self._threshold(term, units[1].payload[0], units[2])

    def _number_after(self, units: list[Lexeme]) -> list[Lexeme] | None:
        lead, amount, after = units[0], first(units, "N"), units[-1]
        if amount is None:
            return None
        term = term_of(lead) if lead.symbol == "C" else lead.payload
        return self._threshold(term, after.payload, amount)

    def _threshold(self, term: Term, op: str, amount: Lexeme) -> list[Lexeme]:
        return [self._condition(Condition(term, op, (amount.payload,), text=amount.text))]

    def _most(self, units: list[Lexeme]) -> list[Lexeme] | None:
        lead, mark = units[0], first(units, "X")
        amount = first(units, "N")
        if mark is None:
            return None
        term, descending = self._ranked_by(lead), mark.payload.descending
        if lead.symbol == "C" and lead.text in ("年龄", "年纪", "岁数"):
            born = self._born()
            if born is not None:
                term, descending = born, not descending
        if mark.payload.hint.words and not (lead.symbol == "C" and numeric_or_date(lead)):
            return None
        self._frame.orders.append(Order(term, descending, extreme=True))
        self._frame.limit = amount.payload if amount else self._frame.limit or 1
        return []

    def _ranked_by(self, lead: Lexeme) -> Term:
        if lead.symbol == "C":
            return Term(list(lead.columns), aggregate=self._summed_for_head(lead), text=lead.text)
        if lead.symbol != "T":
            found: Term = lead.payload
            return found
        amount = row_amount(lead.tables[0].relation)
        if amount is not None:
            return term_of_ref(amount, "sum")
        return Term(relation=lead.tables[0].relation, aggregate="count")

    def _summed_for_head(self, column: Lexeme) -> str | None:
        """Return "sum" for an amount of other rows: 出库数量最多的物料."""
        named = [unit.tables[0].relation.oid for unit in self._units if unit.symbol == "T"]
        best = column.columns[0]
        if not named or any(m.relation.oid == named[-1] for m in column.columns[:2]):
            return None
        return "sum" if additive(best.ref) else None

    def _born(self) -> Term | None:
        """Return the date of birth that stands for an age, where the asked rows have no age."""
        named = [unit.tables[0].relation for unit in self._units if unit.symbol == "T"]
        for relation in named[-1:]:
            for label, match in self._schema.labels:
                column = match.column
                if column is None or match.relation.oid != relation.oid:
                    continue
                if column.category == "D" and any(word in label for word in _BORN):
                    return Term([match], text=label)
        return None

    def _first_by(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """最近注册的3名会员: ranked by the date that the verb names."""
        mark, column, amount = units[0], first(units, "C"), first(units, "N")
        if column is None or not numeric_or_date(column):
            return None
        self._frame.orders.append(Order(term_of(column), mark.payload.descending, extreme=True))
        self._frame.limit = amount.payload if amount else 1
        return []

    def _limited_most(self, units: list[Lexeme]) -> list[Lexeme]:
        """最高的前五名: the second mark only says how many."""
        return [units[0], units[-1]]

    def _most_first(self, units: list[Lexeme]) -> list[Lexeme]:
        return self._most([units[1], units[0]]) or []

    def _extreme_value(self, units: list[Lexeme]) -> list[Lexeme] | None:
        mark, column = units[0], units[-1]
        timely = "date" in mark.payload.hint.words and dated(column)
        if not timely and (mark.payload.hint.words or not (numeric(column) or dated(column))):
            return None
        aggregate = "max" if mark.payload.descending else "min"
        return [
            Lexeme("a", column.text, Term(column.columns, aggregate=aggregate, text=column.text))
        ]

    def _hinted_chinese(self, units: list[Lexeme]) -> list[Lexeme] | None:
        mark, amount = units[0], first(units, "N")
        if not mark.payload.hint.words:
            return None
        hint = mark.payload.hint
        descending = mark.payload.descending
        term = Term(hints=(*hint.words, *hint.inverse), text=units[0].text)
        born = self._born() if hint.words[0] == "age" and not self._aged() else None
        if born is not None:
            term, descending = born, not descending
        self._frame.orders.append(Order(term, descending, extreme=True))
        self._frame.limit = amount.payload if amount else 1
        return []

    def _aged(self) -> bool:
        """Whether the asked rows have an age."""
        named = [unit.tables[0].relation.oid for unit in self._units if unit.symbol == "T"]
        found = chinese_names.names(self._schema).get("年龄", [])
        return any(m.column is not None and m.relation.oid in named[-1:] for m in found)

    def _group(self, units: list[Lexeme]) -> list[Lexeme]:
        for unit in pick(units, "TC"):
            self._frame.groups.append(group_term(unit))
        return []

    def _without(self, units: list[Lexeme]) -> list[Lexeme] | None:
        what = units[-1]
        if what.symbol == "T":
            self._frame.presences.append(Presence(what.tables[0].relation, True))
            return []
        apart = self._apart_from_head(what)
        if apart is not None:
            self._frame.presences.append(Presence(apart, True))
            return []
        best = what.columns[0].column
        if best is not None and best.not_null:
            raise Declined(f'"{what.text}" is never missing')
        return [self._condition(Condition(term_of(what), "is null", text=what.text))]

    def _apart_from_head(self, column: Lexeme) -> Relation | None:
        """Return the relation of a column that the asked rows do not have (没有下过单的会员)."""
        named = [unit.tables[0].relation.oid for unit in self._units if unit.symbol == "T"]
        own = [m for m in column.columns if m.relation.oid in named and m.score >= 0.4]
        return None if own or not named else column.columns[0].relation

    def _having_value(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """有手机号的会员."""
        column = units[-1]
        if self._apart_from_head(column) is not None:
            return None
        return [self._condition(Condition(term_of(column), "is not null", text=column.text))]

    def _flagged(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """参保的患者, 未参保的患者: a column that says yes or no."""
        column = units[-1]
        match = column.columns[0]
        if match.column is None or match.score < 0.45 or column.text.startswith("是否"):
            return None
        flag = flag_value(match.column) or _yes(match.column)
        if flag is None:
            return None
        term = Term(column.columns[:1], text=column.text)
        op, values = ("true", ()) if flag is True else ("=", (flag,))
        negated = units[0].symbol == "!"
        return [self._condition(Condition(term, op, values, negated=negated, text=column.text))]

    def _unlike(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """不是微信支付的订单, 除了北京: a value that is not meant."""
        if units[0].payload[0] != "<>":
            return None
        found = self._values(pick(units, "SV&|"))
        for one in found:
            one.payload.negated = not one.payload.negated
            one.payload.every = False
        return found

    def _unlike_condition(self, units: list[Lexeme]) -> list[Lexeme] | None:
        return self._negated(units) if units[0].payload[0] == "<>" else None

    def _confirm(self, column: Lexeme) -> None:
        """Be surer of a column that holds the value said with it."""
        column.score = max(column.score, _CONFIRMED)
        self._frame.scores = [unit.score for unit in self._units if unit.symbol in "TCV"]

    def _value_of(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """女会员: the value is one of that table, if the table has it."""
        value, table = units[0], units[-1]
        oid = table.tables[0].relation.oid
        value.values = [v for v in value.values if v.ref.relation.oid == oid] or value.values
        return None

    def _value_asked_for(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """会员的微信: what comes last is asked for, and a value is nothing to ask for."""
        raise Declined(f'"{units[2].text}" is a value here, and not something of each row')

    def _column_of_table(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """每个证券类型: a column of that table, and not the table."""
        table, column = units
        oid = table.tables[0].relation.oid
        inside = [m for m in column.columns if m.relation.oid == oid and m.score >= 0.4]
        if not inside:
            return None
        column.columns = inside
        return [column]

    def _value_columns(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """计算机专业, 数学专业和英语专业: values with the column that holds them."""
        columns, values = pick(units, "C"), pick(units, "V")
        names = {
            (m.relation.oid, m.column.name)
            for m in columns[-1].columns
            if m.column is not None and m.score >= 0.4
        }
        for value in values:
            inside = [v for v in value.values if (v.ref.relation.oid, v.ref.column.name) in names]
            if not inside:
                return None
            value.values = inside
        for column in columns:
            self._confirm(column)
        marks = [Lexeme("&", ",") for _ in values[1:]]
        return self._values(
            [x for pair in zip(values, [*marks, None], strict=True) for x in pair if x]
        )

    def _through_key(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """永久地址在北京: the key says over which way the value is reached."""
        match = units[0].columns[0]
        steps = self._schema.joins.steps(match.relation.oid)
        if match.column is None or not any(
            step.to_one and step.source_columns == (match.column.name,) for step in steps
        ):
            return None
        return self._values(pick(units, "SV&|"))

    def _values_of_table(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """金卡会员和钻石会员: values of one kind of rows."""
        tables = pick(units, "T")
        if len({table.tables[0].relation.oid for table in tables}) != 1:
            return None
        values = [unit for unit in units if unit.symbol in "SV"]
        marks = [Lexeme("|", "或") for _ in values[1:]]
        both = zip(values, [*marks, None], strict=True)
        return [*self._values([x for pair in both for x in pair if x]), tables[0]]

    def _dates_first(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """2023年入学的学生, 上个月下单的会员: a period, then the verb that has a date."""
        when, column = units[0], units[-1]
        fitting = [m for m in column.columns if _tells_when(m)]
        if not fitting:
            return None
        op = units[1].payload if units[1].symbol == "p" else "="
        term = Term(fitting, text=column.text)
        return [self._condition(dated_condition(term, op, when.payload))]

    def _dated_verb(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """2024年就诊的: behind a period, what may be a state and a date is the date."""
        value = units[-1]
        found = chinese_names.names(self._schema).get(value.text, [])
        dates = [m for m in found if _tells_when(m) and m.score >= _CLEAR]
        if not dates:
            return None
        return [*units[:-1], Lexeme("C", value.text, [value.text], columns=dates, score=_CLEAR)]

    def _count_of_value(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """迟到次数: how many rows hold that value."""
        condition = units[0].payload
        if not condition.choices or condition.negated:
            return None
        relation = condition.choices[0].ref.relation
        named = [unit.tables[0].relation.oid for unit in self._units if unit.symbol == "T"]
        if any(choice.ref.relation.oid in named[-1:] for choice in condition.choices):
            return None
        return [units[0], Lexeme("q", units[1].text, Term(relation=relation, aggregate="count"))]

    def _has_happened(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """已离职的员工: the date of the event is known."""
        column = units[-1]
        best = column.columns[0].column
        if best is None or best.category != "D" or best.not_null:
            return None
        return [self._condition(Condition(term_of(column), "is not null", text=column.text))]

    def _only_happens(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """设备的购置金额: a verb that names a date says no more than that it happened."""
        column = units[0]
        best = column.columns[0].column
        plain = best is not None and best.category == "D" and column.text[-1] not in _DATED
        return [] if plain else None

    def _count_entity(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """每个等级各有多少人: the rows themselves."""
        if pick(self._units, "T"):
            return None
        return [Lexeme("q", units[0].text, Term(aggregate="count"))]

    def _implied_sum(self, units: list[Lexeme]) -> list[Lexeme] | None:
        """消费总额: the sum of what is called an amount here."""
        mark = units[0]
        nouns = ("数量",) if mark.text == "总量" else ("金额", "费用")
        if mark.text in ("总", "合计", "总计", "总共", "共计", "总和", "之和"):
            return None
        known = chinese_names.names(self._schema)
        found = [m for noun in nouns for m in known.get(noun, ())]
        columns = [m for m in found if m.column is not None and m.column.category == "N"]
        if not columns:
            return None
        return [Lexeme("a", mark.text, Term(columns, aggregate="sum", text=mark.text))]

    def _negated(self, units: list[Lexeme]) -> list[Lexeme]:
        units[1].payload.negated = not units[1].payload.negated
        return [units[1]]


def _yes(column: Column) -> object | None:
    """Return what a column holds for yes, if its comment says so (0-否，1-是)."""
    said = {name: code for code, name in chinese_labels.coded(column.comment)}
    code = said.get("是", said.get("有"))
    if code is None and column.category == "N" and column.distinct == 2:
        asks = any(
            label.startswith("是否") for label, _ in chinese_labels.names("", column.comment)
        )
        code = "1" if asks else None
    return code


def _tells_when(match: Match) -> bool:
    """Whether a column holds dates or years."""
    column = match.column
    if column is None or match.score < 0.35:
        return False
    said = normal(column.name + (column.comment or "")).lower()
    return column.category == "D" or (
        column.category in "NS" and ("年" in said or "year" in said) and "年龄" not in said
    )
