"""The name that PostgreSQL gives an output column without an alias.

After FigureColname of PostgreSQL's src/backend/parser/parse_target.c: the
column, the function, else the type of a cast, else a construct's own name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

if TYPE_CHECKING:
    from pg_llm.lineage.parser.dialects import Dialect

UNNAMED = "?column?"

_STRONG, _WEAK, _NONE = 2, 1, 0
_Named = tuple[str, int]

# Constructs whose name is not the word that they are written with.
_CONSTRUCTS: dict[type, str] = {
    exp.Array: "array",
    exp.Coalesce: "coalesce",
    exp.Greatest: "greatest",
    exp.Least: "least",
    exp.Nullif: "nullif",
    exp.Extract: "extract",
    exp.AtTimeZone: "timezone",
    exp.Exists: "exists",
    exp.CurrentDate: "current_date",
    exp.CurrentTime: "current_time",
    exp.CurrentTimestamp: "current_timestamp",
    exp.CurrentUser: "current_user",
    exp.SessionUser: "session_user",
    exp.Localtime: "localtime",
    exp.Localtimestamp: "localtimestamp",
    exp.Tuple: "row",
    exp.Overlaps: "overlaps",
    exp.GroupConcat: "string_agg",
    exp.Substring: "substring",
    exp.StrPosition: "position",
    exp.Overlay: "overlay",
    exp.Normalize: "normalize",
    exp.Ceil: "ceil",
    exp.Floor: "floor",
    exp.XMLElement: "xmlelement",
    exp.JSONObject: "json_object",
    exp.JSONArrayAgg: "json_agg",
    exp.JSONBExists: "jsonb_exists",
    exp.JSONValue: "json_value",
    exp.Initcap: "initcap",
    exp.Chr: "chr",
    exp.Decode: "decode",
    exp.DecodeCase: "decode",
    exp.CurrentCatalog: "current_catalog",
    exp.CurrentRole: "current_role",
    exp.CurrentSchema: "current_schema",
    exp.Interval: "interval",
}

_TYPES = {
    "BIGINT": "int8",
    "BIGDECIMAL": "numeric",
    "BOOLEAN": "bool",
    "CHAR": "bpchar",
    "DECIMAL": "numeric",
    "DOUBLE": "float8",
    "FLOAT": "float4",
    "INT": "int4",
    "SMALLINT": "int2",
    "TIMESTAMPTZ": "timestamptz",
    "TIMETZ": "timetz",
    "VARBINARY": "bytea",
    "VARBIT": "varbit",
}


def output_name(node: exp.Expr, dialect: Dialect, text: str) -> str:
    """Return the name of an output column that has no alias."""
    return _figure(node, dialect, text)[0]


def _figure(node: exp.Expr, dialect: Dialect, text: str) -> _Named:
    if isinstance(node, exp.Column):
        this = node.args["this"]
        return dialect.fold(node.args["table"] if node.is_star else this), _STRONG
    if isinstance(node, exp.Dot):
        field = node.args["expression"]
        if isinstance(field, exp.Identifier):
            return dialect.fold(field), _STRONG
        return _figure(field, dialect, text)
    if isinstance(node, (exp.Paren, exp.Bracket, exp.Collate, exp.Filter, exp.Window)):
        return _figure(node.this, dialect, text)
    if isinstance(node, exp.WithinGroup):
        return _figure(node.this, dialect, text)
    if isinstance(node, exp.Cast):
        return _cast(node, dialect, text)
    if isinstance(node, exp.Case):
        default = node.args.get("default")
        name = _figure(default, dialect, text) if default is not None else (UNNAMED, _NONE)
        return name if name[1] > _WEAK else ("case", _WEAK)
    if isinstance(node, (exp.Subquery, exp.Query)):
        return _subquery(node, dialect, text)
    return _construct(node, text)


def _cast(node: exp.Cast, dialect: Dialect, text: str) -> _Named:
    name = _figure(node.this, dialect, text)
    if name[1] > _WEAK:
        return name
    to = node.args["to"]
    if to.args.get("nested") and to.expressions:
        to = to.expressions[0]
    kind = to.args.get("kind")
    if kind is not None:
        last = kind if isinstance(kind, str) else kind.name
        return last.split(".")[-1].strip('"'), _WEAK
    this = to.args.get("this")
    upper = this.name if hasattr(this, "name") else str(this)
    return _TYPES.get(upper, upper.lower()), _WEAK


def _subquery(node: exp.Expr, dialect: Dialect, text: str) -> _Named:
    query = node.unnest() if isinstance(node, exp.Subquery) else node
    while isinstance(query, exp.SetOperation):
        query = query.this.unnest()
    outputs = query.args.get("expressions") or ()
    if not isinstance(query, exp.Select) or not outputs:
        return (UNNAMED if not isinstance(query, exp.Values) else "column1"), _STRONG
    first = outputs[0]
    if isinstance(first, exp.Alias):
        return dialect.fold(first.args["alias"]), _STRONG
    return _figure(first, dialect, text)[0], _STRONG


def _construct(node: exp.Expr, text: str) -> _Named:
    if isinstance(node, exp.Func):
        if isinstance(node, exp.Trim):
            side = str(node.args.get("position") or "").lower()
            return {"leading": "ltrim", "trailing": "rtrim"}.get(side, "btrim"), _STRONG
        word = written(node, text)
        if word is not None and word != "cast":
            return word, _STRONG
    name = _CONSTRUCTS.get(type(node))
    return (name, _STRONG) if name else (UNNAMED, _NONE)


def written(node: exp.Expr, text: str) -> str | None:
    """Return a function's name as the statement has it, folded."""
    meta = node.meta if node._meta else None
    start, end = (meta.get("start"), meta.get("end")) if meta else (None, None)
    if start is None or end is None:
        return _anonymous(node)
    word = text[start : end + 1]
    return word.strip('"') if word.startswith('"') else word.lower()


def _anonymous(node: exp.Expr) -> str | None:
    if not isinstance(node, exp.Anonymous):
        return None
    this = node.args["this"]
    return this.lower() if isinstance(this, str) else str(this.name)
