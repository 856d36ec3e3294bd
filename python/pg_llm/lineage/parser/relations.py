"""What stands in FROM, and which names it makes visible."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pg_llm.lineage.parser.flows import NOTHING, TRANSFORMATION, Flow, add, merged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from sqlglot import exp

Column = tuple[str, Flow]
STAR = "*"


class Relation:
    """A list of named columns, each with what flows into it.

    `rows`: what decides which rows there are (indirect bits only).
    `rest`: relations of unknown columns that a star brought in. `nodes`: the
    expression of each column, as far as they are known.
    """

    __slots__ = ("_index", "columns", "key", "nodes", "rest", "rows")

    def __init__(
        self,
        columns: list[Column],
        key: Callable[[str], str],
        rows: Flow = NOTHING,
        rest: Sequence[Item] = (),
        nodes: Sequence[exp.Expr | None] = (),
    ) -> None:
        self.nodes = nodes
        self.columns = columns
        self.key = key
        self.rows = rows
        self.rest = rest
        self._index: dict[str, Flow] | None = None

    def find(self, key: str) -> Flow | None:
        """Return what flows into the column, None if it is not known to exist."""
        if self._index is None:
            self._index = {}
            for name, flow in self.columns:
                if name != STAR:
                    self._index.setdefault(self.key(name), flow)
        return self._index.get(key)

    def guess(self, name: str) -> list[Flow]:
        """Return what may flow into a column that only unknown relations can have."""
        return [flow for item in self.rest for flow in item.guess(name)]

    def reach(self, key: str, name: str) -> list[Flow]:
        """Return the known column, else the guesses."""
        flow = self.find(key)
        return self.guess(name) if flow is None else [flow]

    def star(self) -> list[Column]:
        """Return all columns in order; `*` stands for unknown ones."""
        return self.columns

    def opens(self) -> Sequence[Item]:
        """Return the relations of unknown columns in here."""
        return self.rest

    def whole(self) -> Flow:
        """Return what flows into a whole row."""
        out: Flow = {}
        for _, flow in self.star():
            add(out, flow, TRANSFORMATION)
        return out

    def named(self, names: Sequence[str]) -> Relation:
        """Return the relation with its first columns renamed."""
        if not names:
            return self
        columns = self.star()
        if any(name == STAR for name, _ in columns):
            whole = merged(*(flow for _, flow in columns))
            return Relation([(name, whole) for name in names], self.key, self.rows)
        renamed = [(name, column[1]) for name, column in zip(names, columns, strict=False)]
        added = [(name, NOTHING) for name in names[len(columns) :]]
        columns = renamed + columns[len(names) :] + added
        return Relation(columns, self.key, self.rows, self.rest, self.nodes)


class Table(Relation):
    """A relation of the catalog, or one that the catalog does not know.

    `name` as it is shown; `names` None when the columns are unknown.
    """

    __slots__ = ("name", "names")

    def __init__(
        self, name: str, names: Mapping[str, str] | None, key: Callable[[str], str]
    ) -> None:
        super().__init__([], key)
        self.name = name
        self.names = names

    def find(self, key: str) -> Flow | None:
        """Return the column, None if it is not known to exist."""
        if self.names is None:
            return None
        name = self.names.get(key)
        return None if name is None else {(self.name, name): 1}

    def guess(self, name: str) -> list[Flow]:
        """Return the column of that name if the columns are unknown."""
        return [{(self.name, name): 1}] if self.names is None else []

    def star(self) -> list[Column]:
        """Return all columns in order; `*` stands for unknown ones."""
        names: Iterable[str] = (STAR,) if self.names is None else self.names.values()
        return [(name, {(self.name, name): 1}) for name in names]

    def opens(self) -> Sequence[Item]:
        """Return the relation itself if its columns are unknown."""
        return [self] if self.names is None else []


class Function(Relation):
    """A function in FROM whose result columns are not known.

    Any name may be a column of it; what flows in are its arguments.
    """

    __slots__ = ("flow",)

    def __init__(self, name: str, flow: Flow, key: Callable[[str], str]) -> None:
        super().__init__([(name, flow)], key)
        self.flow = flow

    def guess(self, _: str) -> list[Flow]:
        """Return the arguments: any name may be a column."""
        return [self.flow]


class Group:
    """Relations joined together; USING and NATURAL merge columns of them."""

    __slots__ = ("items", "merged")

    def __init__(self, items: list[Item], merged: dict[str, Column] | None = None) -> None:
        self.items = items
        self.merged = merged or {}

    def find(self, key: str) -> Flow | None:
        """Return the known column: a merged one, else the first."""
        column = self.merged.get(key)
        if column is not None:
            return column[1]
        for item in self.items:
            flow = item.find(key)
            if flow is not None:
                return flow
        return None

    def guess(self, name: str) -> list[Flow]:
        """Return what a column of unknown relations in here may be."""
        return [flow for item in self.items for flow in item.guess(name)]

    def reach(self, key: str, name: str) -> list[Flow]:
        """Return the known column, else the guesses."""
        flow = self.find(key)
        return self.guess(name) if flow is None else [flow]

    def star(self) -> list[Column]:
        """Return all columns in order: merged ones first."""
        if not self.merged:
            return [column for item in self.items for column in item.star()]
        out = list(self.merged.values())
        for item in self.items:
            key = _key_of(item)
            out += [column for column in item.star() if key(column[0]) not in self.merged]
        return out

    def opens(self) -> Sequence[Item]:
        """Return the relations of unknown columns in here."""
        return [relation for item in self.items for relation in item.opens()]


Item = Relation | Group


def _key_of(item: Item) -> Callable[[str], str]:
    while isinstance(item, Group):
        item = item.items[0]
    return item.key


class Scope:
    """The names that an expression sees, innermost first.

    `items` in the order of FROM, `aliases` by the name that qualifies,
    `outputs` the output columns so far, `windows` those of the WINDOW clause,
    `rows` what decides which rows there are, `listing` while the target list
    is resolved, `nodes` the expressions of its columns, `proposed` the row that
    an INSERT could not add.
    """

    __slots__ = (
        "aliases",
        "ctes",
        "items",
        "listing",
        "nodes",
        "outputs",
        "parent",
        "proposed",
        "rows",
        "windows",
    )

    def __init__(self, parent: Scope | None, ctes: Mapping[str, Cte]) -> None:
        self.parent = parent
        self.ctes = ctes
        self.items: list[Item] = []
        self.aliases: dict[str, Relation] = {}
        self.outputs: dict[str, Flow] = {}
        self.rows: Flow = {}
        self.listing = False
        self.nodes: list[exp.Expr | None] = []
        self.windows: dict[str, exp.Expr] = {}
        self.proposed: Relation | None = None

    def find(self, key: str) -> Flow | None:
        """Return the first known column of that name in this scope alone."""
        for item in self.items:
            flow = item.find(key)
            if flow is not None:
                return flow
        return None

    def guess(self, name: str) -> list[Flow]:
        """Return what a column of unknown relations in this scope may be."""
        return [flow for item in self.items for flow in item.guess(name)]


class Cte:
    """A common table expression, resolved when it is first read."""

    __slots__ = ("_relation", "_resolve")

    def __init__(self, resolve: Callable[[], Relation]) -> None:
        self._resolve = resolve
        self._relation: Relation | None = None

    def relation(self) -> Relation:
        """Return what it yields."""
        if self._relation is None:
            self._relation = self._resolve()
        return self._relation
