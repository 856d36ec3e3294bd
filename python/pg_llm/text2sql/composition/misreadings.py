"""What betrays a misreading: words with a meaning that the statement has no part in.

An answer to another question looks like an answer. So a finished statement is
held against the question's words once more: what it was asked about has to be
read, what is shown must be more than what was said, a period must be that of
what happened. Each check raises `Declined`.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from pg_llm.text2sql.composition.frame import Declined
from pg_llm.text2sql.composition.misread_periods import (
    events_of_periods,
    periods,
    resolved,
    roots,
    twice_dated,
)
from pg_llm.text2sql.english.lexicon import ENDINGS, STATES, base
from pg_llm.text2sql.words import root, split_identifier, stem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pg_llm.catalog import ForeignKey, Relation
    from pg_llm.text2sql.composition.composer import Composer
    from pg_llm.text2sql.composition.lexeme import Lexeme
    from pg_llm.text2sql.index import ColumnRef

_DO = frozenset({"do", "does", "did"})


# ---- before a question is read ---------------------------------------------


def is_unread(units: Sequence[Lexeme], at: int) -> bool:
    """Whether a word has a meaning that nothing explains.

    "The heads of departments": a verb before "of" is a noun, which nothing
    names. "The same" compares, whatever follows.
    """
    unit = units[at]
    if unit.symbol == "?":
        return True
    if unit.symbol == "v":
        before = units[at - 1] if at else None
        noun = before is None or before.symbol in "GHI" or before.text in ("the", "a", "an")
        return noun and at + 1 < len(units) and units[at + 1].text == "of"
    return unit.symbol == "_" and unit.text == "same"


def asked(units: Sequence[Lexeme]) -> None:
    """Decline "What did we buy from …?", which names no rows to show."""
    if len(units) > 1 and units[0].text == "what" and units[1].text in _DO:
        raise Declined("the question does not name what it asks for")


# ---- when the statement stands ----------------------------------------------


def check(made: Composer) -> None:
    """Raise `Declined` where a finished statement cannot be what was asked."""
    for one in (
        *(_repeats, _lost, _uncounted, _nobody, periods, _directions),
        *(_flags, _alone, _idle, _nouns, _turns, _stages, _units, _scope, _only_flags, _costs),
        *(
            _ceased,
            events_of_periods,
            _only,
            twice_dated,
            _over_a_third,
            _agents,
            _heads,
            _opening,
        ),
    ):
        one(made)


def _repeats(made: Composer) -> None:
    """Who drives route 3? Not route 3."""
    frame, query = made.frame, made.query
    if frame.groups or query.wrap or any(term.aggregate for term in frame.select):
        return
    told = {
        query.column(ref)
        for condition, ref in resolved(made)
        if condition.op == "=" and not condition.negated and query.has(ref.relation)
    }
    if query.select and all(shown in told for shown, _ in query.select):
        raise Declined("the answer would only repeat what the question says")


def _lost(made: Composer) -> None:
    """Decline where rows that the question names in the plural are not read at all."""
    read = {*made.query.tables, *made.bridged, *made.resolver.used}
    read |= {presence.relation.sql_name for presence in made.frame.presences}
    for unit in made.frame.units:
        last = unit.text.split()[-1]
        if unit.symbol == "T" and unit.score < _SURE:
            _swallowed(made, unit, read)
        if unit.symbol != "T" or stem(last) == last:
            continue
        if unit.tables[0].relation.oid in made.frame.unrestricted:
            continue
        names = {match.relation.sql_name for match in unit.tables}
        names |= {f"{m.relation.sql_name}.{m.ref.column.name}" for m in unit.columns}
        if not names & read:
            raise Declined(f'the statement has no part in "{unit.text}"')


# A phrase that a name covers only in part may hold the name of other rows.
_SURE = 0.9


def _swallowed(made: Composer, unit: Lexeme, read: set[str]) -> None:
    """Decline "products supplied" taken for suppliers."""
    for word in unit.text.split()[:-1]:
        named = [m for m in made.schema.find([word]) if m.column is None and m.score >= _SURE]
        if stem(word) != word and named and not {m.relation.sql_name for m in named} & read:
            raise Declined(f'the statement has no part in "{word}"')


def _uncounted(made: Composer) -> None:
    """Decline "how many" where nothing is counted, and no number is stored."""
    frame = made.frame
    if not any(unit.symbol == "Q" for unit in frame.units):
        return
    terms = [*frame.select, *(c.term for c in frame.conditions), *(o.term for o in frame.orders)]
    if made.counted or any(term.aggregate for term in terms):
        return
    numbers = [
        term
        for term in frame.select
        if (ref := made.resolver.known(term)) is not None and ref.column.category == "N"
    ]
    if not numbers:
        raise Declined("the question asks how many, and nothing would be counted")
    if not frame.conditions and not frame.orders and len(frame.select) == 1:
        raise Declined(f'whose "{numbers[0].text}" is asked for is not said')


def _nobody(made: Composer) -> None:
    """Decline "who" where only numbers or dates would be shown."""
    frame = made.frame
    if not frame.units or not frame.units[0].text.startswith("who"):
        return
    if frame.units[0].text not in ("who", "who is", "who are", "who's", "whom"):
        return
    shown = _shown(made)
    unknown = [t for t in frame.select if t.aggregate is None and not made.resolver.known(t)]
    if not unknown and all(category in "NDB" for category in shown):
        raise Declined("the question asks who, and no name would be shown")


def _shown(made: Composer) -> list[str]:
    """Return the categories of the columns that are selected."""
    refs = [made.resolver.known(term) for term in made.frame.select]
    return [ref.column.category for ref in refs if ref is not None]


def _directions(made: Composer) -> None:
    """Decline "from A to B" where no column says which end is which."""
    ends: dict[str, str] = {}
    for before, unit in zip(made.frame.units, made.frame.units[1:], strict=False):
        if before.symbol == "F" and before.text in ("from", "to") and unit.symbol in "VS":
            ends[before.text] = unit.text
    if len(ends) == 2:
        raise Declined(f'"from {ends["from"]} to {ends["to"]}" names two ends of one thing')


def _flags(made: Composer) -> None:
    """Decline the existence of rows of which a column of the entity tells by yes or no."""
    entity = made.frame.entity
    if entity is None:
        return
    flags = [roots(column.name) for column in entity.columns if column.category == "B"]
    for presence in made.frame.presences:
        name = root(split_identifier(presence.relation.name)[-1])
        if any(name in flag and len(flag) > 1 for flag in flags):
            raise Declined(f"{entity.sql_name} itself tells of {presence.relation.name}")


def _alone(made: Composer) -> None:
    """Decline to count or average groups that are single rows."""
    query = made.query
    counted = [t.aggregate for t in (*made.frame.select, *(o.term for o in made.frame.orders))]
    if not query.group or ("avg" not in counted and "count" not in counted):
        return
    if query.wrap or query.fans_out():
        return
    # a key of the rows' own; to average what another table has one of is idle as well
    others = made.schema.snapshot.relations if "avg" in counted else ()
    for relation in (query.root, *others):
        if not query.has(relation) or not any(_is_key(made, relation, k) for k in _keys(relation)):
            continue
        found = made.schema.joins.path([relation.oid], query.root.oid, made.frame.hints)
        if found is not None and all(step.to_one for step in found[0]):
            raise Declined("each group would be a single row")


def _keys(relation: Relation) -> list[tuple[str, ...]]:
    return [key for key in (relation.primary_key, *relation.unique) if key]


def _is_key(made: Composer, relation: Relation, key: tuple[str, ...]) -> bool:
    query = made.query
    return {query.column_name(relation.oid, name) for name in key} <= set(query.group)


def _idle(made: Composer) -> None:
    """Decline "still" and "currently" where nothing restricts."""
    frame = made.frame
    said = [unit.text for unit in frame.units if unit.symbol == "_" and unit.text in STATES]
    if said and not (made.query.where or made.query.predicates() or made.query.having):
        raise Declined(f'nothing says what is "{said[0]}" so')


def _nouns(made: Composer) -> None:
    """Decline a value whose words name something else: a bus, and not a fee of the kind bus."""
    entity = made.frame.entity
    for condition, ref in resolved(made):
        if not condition.choices or len(condition.values) != 1:
            continue
        words = {stem(word) for word in split_identifier(str(condition.values[0]))}
        if entity is None or not words or (condition.text[:1].isupper() and len(words) > 1):
            continue
        own = stem(split_identifier(ref.relation.name)[-1])
        if words == {own} or any(
            words <= named if key.source == entity.oid else words == named
            for key, named in _pointers(made, ref)
        ):
            raise Declined(f'"{condition.text}" may name something else than a value')


def _pointers(made: Composer, ref: ColumnRef) -> Iterator[tuple[ForeignKey, set[str]]]:
    """Yield the foreign keys with the words that their columns are called by."""
    for key in made.schema.snapshot.foreign_keys:
        if (key.source, key.source_columns) != (ref.relation.oid, (ref.column.name,)):
            words = map(stem, split_identifier(key.source_columns[0]))
            yield key, {word for word in words if word not in ("id", "code", "key", "no")}


def _turns(made: Composer) -> None:
    """Decline what two things have in common with a third: suppliers of the customer's country."""
    frame, entity = made.frame, made.frame.entity
    if entity is None:
        return
    for presence in frame.presences:
        found = made.schema.joins.path([entity.oid], presence.relation.oid, frame.hints)
        steps = found[0] if found else []
        if presence.negated and len(steps) > 2:
            raise Declined(f"{presence.relation.name} have little to do with it")
        for one, two in pairwise(steps):
            if one.to_one and one.forth and not two.to_one:
                raise Declined(f"{presence.relation.name} have to do with it over a third only")


_STAGE = frozenset({"status", "stage", "phase"})
_SO_FAR = frozenset(
    {"been", "yet", "haven't", "hasn't", "未", "还未", "尚未", "没", "没有", "还没", "还没有"}
)


def _stages(made: Composer) -> None:
    """Decline the stage of another thing, and what a later stage has behind it.

    "Which orders are open?" is not about their invoices. What is delivered has
    been shipped, so "not yet shipped" is more than another status.
    """
    frame, entity = made.frame, made.frame.entity
    named = {m.relation.oid for unit in frame.units if unit.symbol == "T" for m in unit.tables}
    named |= {presence.relation.oid for presence in frame.presences}
    so_far = any(_SO_FAR & {unit.text, *unit.text.split()} for unit in frame.units)
    final = {root(word) for word in ENDINGS}
    for condition, ref in resolved(made):
        if not condition.choices or not _STAGE & set(split_identifier(ref.column.name)):
            continue
        if entity is not None and ref.relation.oid not in {entity.oid, *named}:
            raise Declined(f'"{condition.text}" is said of {ref.relation.sql_name} only')
        stage = str(condition.values[0])
        passing = stage.endswith(("ed", "en")) and not {root(stage), root(base(stage))} & final
        if condition.negated and so_far and passing and len(ref.column.values) > 3:
            raise Declined(f'what had been "{condition.text}" may be something else by now')


def _units(made: Composer) -> None:
    """Decline a value that is the unit of the number before it: 100 euros."""
    for before, unit in zip(made.frame.units, made.frame.units[1:], strict=False):
        if before.symbol == "N" and unit.symbol == "V" and stem(unit.text) != unit.text:
            raise Declined(f'"{unit.text}" may be a unit')


def _scope(made: Composer) -> None:
    """Decline "not paid by card": whether it was paid at all is left open."""
    units = [unit for unit in made.frame.units if unit.symbol not in "_I"]
    for four in zip(units, units[1:], units[2:], units[3:], strict=False):
        symbols = [unit.symbol for unit in four]
        done = four[1].text.endswith(("ed", "en")) or base(four[1].text) != four[1].text
        said = done and four[2].text in ("by", "with", "via")
        if symbols[0] == "!" and symbols[1] in "VC" and said and symbols[3] in "VS":
            raise Declined(f'what "{four[0].text}" denies is not clear')
        if symbols[1] == "V" and said and symbols[3] in "VS" and not _share_relation(four):
            raise Declined(f'"{four[1].text}" may be what "{four[3].text}" did')


def _share_relation(units: Sequence[Lexeme]) -> bool:
    one, two = ({v.ref.relation.oid for v in units[at].values} for at in (1, 3))
    return bool(one & two)


def _only_flags(made: Composer) -> None:
    """Decline a list of yes and no where rows are asked for."""
    frame = made.frame
    named = any(unit.symbol == "T" for unit in frame.units)
    if not named or frame.groups or any(term.aggregate for term in frame.select):
        return
    shown = _shown(made)
    if shown == ["B"] and len(frame.select) == 1:
        raise Declined("which rows are asked for, and only yes or no would be shown")


def _costs(made: Composer) -> None:
    """Decline "products that cost 20", where there is a price beside the cost."""
    entity = made.frame.entity
    units = [unit for unit in made.frame.units if unit.symbol != "_"]
    verb = any(
        before.symbol in "TWH" and unit.symbol == "C" and unit.text in ("cost", "costs")
        for before, unit in pairwise(units)
    )
    if entity is None or not verb:
        return
    named = [set(split_identifier(column.name)) for column in entity.columns]
    if any("price" in words for words in named) and any("cost" in words for words in named):
        raise Declined(f"{entity.sql_name} has a cost and a price")


def _ceased(made: Composer) -> None:
    """Decline what is so no more where the statement says that it never was."""
    said = [
        u.text for u in made.frame.units if u.symbol == "!" and u.text in ("不再", "no longer")
    ]
    if said and "not exists" in made.query.forms():
        raise Declined(f'"{said[0]}" is not the same as never')


def _only(made: Composer) -> None:
    """Decline "only" where it says more than a number does: only paid ones, and no others."""
    units = made.frame.units
    for at, unit in enumerate(units):
        after = units[at + 1].symbol if at + 1 < len(units) else "."
        if unit.text.split()[-1:] == ["only"] and unit.symbol in "_W?P" and after in "VTSC":
            raise Declined('"only" says more than was understood')
    for one, two in pairwise(units):
        if one.text == "still" and two.symbol == "v" and two is units[-1]:
            raise Declined(f'nothing says what is "still {two.text}"')


def _over_a_third(made: Composer) -> None:
    """Decline to count per group what has only a third thing in common with it."""
    for term in made.frame.groups:
        relation = term.relation if not term.matches else None
        if relation is None or relation.oid == made.query.root.oid:
            continue
        found = made.schema.joins.path([made.query.root.oid], relation.oid, made.frame.hints)
        for one, two in pairwise(found[0] if found else []):
            if one.to_one and one.forth and not two.to_one:
                raise Declined(f"{relation.name} have to do with it over a third only")


def _agents(made: Composer) -> None:
    """Decline "schools led by A" read as the schools of A, where a key may be the leader's."""
    units = [unit for unit in made.frame.units if unit.symbol not in "_I"]
    entity = made.frame.entity
    for verb, by, agent in zip(units, units[1:], units[2:], strict=False):
        if (
            entity is None
            or verb.symbol not in "v?"
            or by.text != "by"
            or agent.symbol not in "VS"
        ):
            continue
        oids = {value.ref.relation.oid for value in agent.values}
        steps = [step for step in made.schema.joins.steps(entity.oid) if step.target in oids]
        # a key that plays a part (principal_id), beside one that points back here
        if any(step.forth for step in steps) and any(not step.forth for step in steps):
            raise Declined(f'what "{verb.text}" says of "{agent.text}" is not clear')


def _heads(made: Composer) -> None:
    """Decline "club presidents" taken for clubs: the last noun is what is asked for."""
    units = made.frame.units
    if len(units) < 2 or made.frame.entity is None:
        return
    before, last = units[-2:]
    if before.symbol != "T" or last.symbol != "V" or stem(last.text.lower()) == last.text.lower():
        return
    if not any(value.ref.relation.oid == made.frame.entity.oid for value in last.values):
        raise Declined(f'"{last.text}" are asked for, and would not be shown')


def _opening(made: Composer) -> None:
    """Decline "books about history" taken for teachers of it: no verb begins so."""
    units = made.frame.units
    if units and units[0].symbol == "v" and units[0].text.endswith("s"):
        read = {root(word) for table in made.query.tables for word in split_identifier(table)}
        if root(units[0].text) not in read:
            raise Declined(f'the statement has no part in "{units[0].text}"')
