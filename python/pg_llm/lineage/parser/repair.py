"""PostgreSQL's own syntax, put into words that sqlglot's parser knows.

Works on tokens, after a first parse has failed. What is cut away or replaced
reads no column, or reads the same columns in its new form. Two clauses that
make names visible are kept aside in `Extras`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pg_llm.library import isolated

with isolated():
    from sqlglot.tokenizer_core import TokenType

    from pg_llm.lineage.parser.tokens import Extras, Tokens
    from pg_llm.lineage.parser.wrappers import inner_statement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_WORDS_OF_KEYWORDS = """
abort absolute access action add admin after aggregate all also alter always analyse analyze
and any array as asc asensitive assertion assignment asymmetric at atomic attach attribute
authorization backward before begin between bigint binary bit boolean both breadth by cache
call called cascade cascaded case cast catalog chain char character characteristics check
checkpoint class close cluster coalesce collate collation column columns comment comments
commit committed compression concurrently configuration conflict connection constraint
constraints content continue conversion copy cost create cross csv cube current
current_catalog current_date current_role current_schema current_time current_timestamp
current_user cursor cycle data database day deallocate dec decimal declare default defaults
deferrable deferred definer delete delimiter delimiters depends depth desc detach dictionary
disable discard distinct do document domain double drop each else enable encoding encrypted
end enum escape event except exclude excluding exclusive execute exists explain expression
extension external extract false family fetch filter finalize first float following for force
foreign forward freeze from full function functions generated global grant granted greatest
group grouping groups handler having header hold hour identity if ilike immediate immutable
implicit import in include including increment index indexes inherit inherits initially
inline inner inout input insensitive insert instead int integer intersect interval into
invoker is isnull isolation join key label language large last lateral leading leakproof
least left level like limit listen load local localtime localtimestamp location lock locked
logged mapping match matched materialized maxvalue merge method minute minvalue mode month
move name names national natural nchar new next nfc nfd nfkc nfkd no none normalize
normalized not nothing notify notnull nowait null nullif nulls numeric object of off offset
oids old on only operator option options or order ordinality others out outer over overlaps
overlay overriding owned owner parallel parameter parser partial partition passing password
placing plans policy position preceding precision prepare prepared preserve primary prior
privileges procedural procedure procedures program publication quote range read real reassign
recheck recursive ref references referencing refresh reindex relative release rename
repeatable replace replica reset restart restrict return returning returns revoke right role
rollback rollup routine routines row rows rule savepoint schema schemas scroll search second
security select sequence sequences serializable server session session_user set setof sets
share show similar simple skip smallint snapshot some sql stable standalone start statement
statistics stdin stdout storage stored strict strip subscription substring support symmetric
sysid system table tables tablesample tablespace temp template temporary text then ties time
timestamp to trailing transaction transform treat trigger trim true truncate trusted type
types uescape unbounded uncommitted unencrypted union unique unknown unlisten unlogged until
update user using vacuum valid validate validator value values varchar variadic varying
verbose version view views volatile when where whitespace window with within without work
wrapper write xml xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces
xmlparse xmlpi xmlroot xmlserialize xmltable year yes zone
json json_array json_arrayagg json_exists json_object json_objectagg json_query json_scalar
json_serialize json_table json_value merge_action scalar keep omit quotes nested plan period
absent conditional unconditional error empty target virtual enforced objects
"""
_KEYWORDS: Final = frozenset(_WORDS_OF_KEYWORDS.split())
# In front of a string these do not name its type.
_NO_TYPES: Final = frozenset(
    ("zone", "escape", "uescape", "path", "version", "standalone", "like", "as", "is", "in", "e")
)
_OPERATORS: Final = frozenset("+-*/<>=~!@#%^&|`?")
# What may stand before an operator with two operands.
_OPERANDS: Final = (TokenType.VAR, TokenType.IDENTIFIER, TokenType.NUMBER, TokenType.STRING)
_CLOSING: Final = (TokenType.R_PAREN, TokenType.R_BRACKET)


def renamed(tokens: list[Any]) -> list[Any]:
    """Return the tokens with words that sqlglot takes as they are.

    DATE_PART would be EXTRACT, with another name for its result; IS DOCUMENT
    a comparison with a column.
    """
    stream = Tokens(tokens)
    for place, word in enumerate(stream.lower):
        stream.place = place
        if word == "date_part":
            stream.put("date_part_", TokenType.VAR)
        elif word == "document" and stream.lower[place - 1] in ("is", "not"):
            stream.put("null", TokenType.NULL)
        else:
            stream.out.append(tokens[place])
    return stream.out


def repaired(tokens: list[Any]) -> tuple[list[Any], Extras]:
    """Return the tokens in sqlglot's words, and the names cut away."""
    stream = Tokens(inner_statement(tokens))
    while stream.place < len(stream.tokens):
        if not any(rule(stream) for rule in _RULES.get(stream.lower[stream.place], _OTHERS)):
            stream.out.append(stream.tokens[stream.place])
            stream.place += 1
    return stream.out, stream.extras


# ---- rules ----------------------------------------------------------------------------
# Each looks at the place of the stream; it moves on and returns True, or does
# nothing and returns False.


def _using(stream: Tokens) -> bool:
    if stream.kind(1) is not None and set(stream.lower[stream.place + 1]) <= _OPERATORS:
        return stream.skip(1 + _run(stream, stream.place + 1))
    if not stream.words("(", ahead=1):
        return False
    end = stream.closing(stream.place + 1)
    if stream.lower[end + 1 : end + 2] != ["as"]:
        return False
    stream.extras.aliases[stream.name(end + 2)] = stream.names(stream.place + 2)
    stream.out += stream.tokens[stream.place : end + 1]
    stream.place = end + 3
    return True


def _only(stream: Tokens) -> bool:
    if not stream.words("(", ahead=1):
        return False
    end = stream.closing(stream.place + 1)
    stream.out += stream.tokens[stream.place + 2 : end]
    stream.place = end + 1
    return True


def _into_only(stream: Tokens) -> bool:
    if not stream.words("only", ahead=1):
        return False
    stream.out.append(stream.tokens[stream.place])
    return stream.skip(2)


def _sample(stream: Tokens) -> bool:
    if not stream.words("(", ahead=2):
        return False
    stream.place = stream.closing(stream.place + 2) + 1
    if stream.words("repeatable", "("):
        stream.place = stream.closing(stream.place + 1) + 1
    return True


def _at(stream: Tokens) -> bool:
    if stream.words("at", "local"):
        return stream.skip(2)
    if stream.words("at", "time"):
        return False
    return _as_name(stream)


def _as_name(stream: Tokens) -> bool:
    """Make a name of a word that is a keyword only elsewhere."""
    stream.put(stream.tokens[stream.place].text, TokenType.VAR)
    return stream.skip()


def _escape(stream: Tokens) -> bool:
    stream.put("+", TokenType.PLUS)
    return stream.skip()


def _overriding(stream: Tokens) -> bool:
    return stream.words("value", ahead=2) and stream.skip(3)


def _current_of(stream: Tokens) -> bool:
    return stream.words("where", "current", "of") and stream.skip(4)


def _uescape(stream: Tokens) -> bool:
    return stream.skip(2)


def _search(stream: Tokens) -> bool:
    if not stream.words("first", "by", ahead=2) or stream.kind(-1) is not TokenType.R_PAREN:
        return False
    names = stream.names(stream.place + 4)
    place = stream.place + 3 + 2 * len(names)
    if stream.lower[place : place + 1] != ["set"]:
        return False
    _cte_columns(stream, [(stream.name(place + 1), names)])
    stream.place = place + 2
    return True


def _cycle(stream: Tokens) -> bool:
    names = stream.names(stream.place + 1)
    place = stream.place + 2 * len(names)
    if stream.lower[place : place + 1] != ["set"] or "using" not in stream.lower[place:]:
        return False
    path = stream.lower.index("using", place) + 1
    _cte_columns(stream, [(stream.name(place + 1), names), (stream.name(path), names)])
    stream.place = path + 1
    return True


def _cte_columns(stream: Tokens, columns: list[tuple[str, list[str]]]) -> None:
    """Note columns of the CTE whose body has just been passed."""
    end = max(p for p in range(stream.place) if stream.lower[p] == ")")
    place = stream.opening(end) - 1
    while stream.lower[place] in ("materialized", "not", "as"):
        place -= 1
    if stream.lower[place] == ")":
        place = stream.opening(place) - 1
    stream.extras.columns.setdefault(stream.name(place), []).extend(columns)


def _unbounded(stream: Tokens) -> bool:
    """Rename a function called so: sqlglot knows the word by its text."""
    if not stream.words("(", ahead=1):
        return False
    stream.put("unbounded_", TokenType.VAR)
    return stream.skip()


def _insert(stream: Tokens) -> bool:
    """Cut subscripts and fields in the column list of INSERT INTO."""
    if not stream.words("into", ahead=1):
        return False
    place = stream.place + 3
    while stream.lower[place : place + 1] == ["."]:
        place += 2
    if stream.lower[place : place + 1] == ["as"]:
        place += 2
    if stream.lower[place : place + 1] != ["("]:
        return False
    end = stream.closing(place)
    inside = stream.lower[place + 1 : end]
    if not inside or not ({".", "["} & set(inside)) or "select" in inside:
        return False
    stream.out += stream.tokens[stream.place : place + 1]
    stream.place = place + 1
    while stream.place < end:
        if stream.words(".") or stream.words("["):
            stream.extras.partial.add(stream.name(stream.place - 1))
        if stream.words("."):
            stream.skip(2)
        elif stream.words("["):
            stream.place = stream.closing(stream.place) + 1
        else:
            stream.out.append(stream.tokens[stream.place])
            stream.place += 1
    return True


def _default_values(stream: Tokens) -> bool:
    if not stream.words("default", "values", ahead=1) or "when" not in stream.lower:
        return False
    stream.put("do", TokenType.VAR)
    stream.put("nothing", TokenType.VAR)
    return stream.skip(3)


def _collation_for(stream: Tokens) -> bool:
    if not stream.words("for", "(", ahead=1):
        return False
    stream.put("pg_collation_for", TokenType.VAR)
    return stream.skip(2)


def _to_unit(stream: Tokens) -> bool:
    units = ("year", "month", "day", "hour", "minute", "second")
    before = stream.lower[stream.place - 1] if stream.place else ""
    after = stream.lower[stream.place + 1 : stream.place + 2]
    return before in units and bool(after) and after[0] in units and stream.skip(2)


def _arguments(stream: Tokens) -> bool:
    """Cut the words out of the XML functions' arguments, and of SUBSTRING's."""
    if not stream.words("(", ahead=1):
        return False
    word = stream.lower[stream.place]
    end = stream.closing(stream.place + 1)
    inner = Tokens(stream.tokens[stream.place + 2 : end])
    drop = {"xmlroot": "version", "xmlserialize": "as"}.get(word)
    while inner.place < len(inner.tokens):
        if drop is not None and inner.words(drop):
            break
        if not _argument(inner, word):
            inner.out.append(inner.tokens[inner.place])
            inner.place += 1
    out = inner.out
    if drop == "version" and out and out[-1].text == ",":
        out = out[:-1]
    stream.out += [*stream.tokens[stream.place : stream.place + 2], *repaired(out)[0]]
    stream.out.append(stream.tokens[end])
    stream.place = end + 1
    return True


def _argument(inner: Tokens, word: str) -> bool:
    if word in ("xmlparse", "xmlserialize") and inner.place == 0:
        return (inner.words("document") or inner.words("content")) and inner.skip()
    if word in ("xmlforest", "xmlattributes") and inner.words("as"):
        return inner.skip(2)
    if word in ("xmlelement", "xmlpi") and inner.place == 0 and inner.words("name"):
        inner.skip()
        inner.put("name", TokenType.STRING)
        return inner.skip()
    if word == "xmlelement" and inner.words("xmlattributes", "("):
        return _arguments(inner)
    if inner.words("passing") or (word == "substring" and inner.lower[inner.place] == "similar"):
        inner.put(",", TokenType.COMMA)
        by = inner.words("by", ahead=1)
        return inner.skip(3 if by else 1)
    if word == "substring" and inner.words("escape"):
        inner.put(",", TokenType.COMMA)
        return inner.skip()
    return False


def _xmltable(stream: Tokens) -> bool:
    """Write XMLTABLE as a function of its expressions, with column names as an alias."""
    if not stream.words("(", ahead=1):
        return False
    end = stream.closing(stream.place + 1)
    inner = Tokens(stream.tokens[stream.place + 2 : end])
    if "columns" not in inner.lower:
        return False
    columns = inner.lower.index("columns")
    arguments = list(_expressions(inner, columns))
    names: list[Any] = []
    for start, stop in _commas(inner, columns + 1, len(inner.tokens)):
        names.append(inner.tokens[start])
        arguments += _column_expressions(inner, start + 1, stop)
    # Not the word itself: sqlglot would want XMLTABLE's own syntax.
    stream.put("xmltable_", TokenType.VAR)
    stream.put("(", TokenType.L_PAREN)
    for number, argument in enumerate(arguments):
        if number:
            stream.put(",", TokenType.COMMA)
        stream.put("(", TokenType.L_PAREN)
        stream.out += repaired(argument)[0]
        stream.put(")", TokenType.R_PAREN)
    stream.put(")", TokenType.R_PAREN)
    stream.place = end + 1
    _alias(stream, names)
    return True


def _expressions(inner: Tokens, columns: int) -> Iterator[list[Any]]:
    """Yield the row and the document expression of XMLTABLE."""
    place = 0
    if inner.words("xmlnamespaces"):
        place = inner.closing(1) + 2
    start = place
    while place < columns:
        if inner.lower[place] == "passing":
            yield inner.tokens[start:place]
            start = place + 1
        elif inner.lower[place] == "by" and inner.lower[place + 1] in ("ref", "value"):
            if place > start:
                yield inner.tokens[start:place]
            start = place = place + 2
            continue
        place = inner.closing(place) + 1 if inner.lower[place] == "(" else place + 1
    if start < columns:
        yield inner.tokens[start:columns]


def _column_expressions(inner: Tokens, place: int, stop: int) -> Iterator[list[Any]]:
    """Yield what PATH and DEFAULT of a column compute."""
    start: int | None = None
    while place <= stop:
        word = inner.lower[place] if place < stop else "path"
        if word in ("path", "default") or (word in ("not", "null") and start is not None):
            if start is not None and place > start:
                yield inner.tokens[start:place]
            start = place + 1 if word in ("path", "default") else None
        place = inner.closing(place) + 1 if word == "(" else place + 1


def _commas(inner: Tokens, place: int, stop: int) -> Iterator[tuple[int, int]]:
    """Yield the ranges between commas outside of brackets."""
    start = place
    while place < stop:
        if inner.lower[place] == ",":
            yield start, place
            start = place + 1
        place = inner.closing(place) + 1 if inner.lower[place] == "(" else place + 1
    yield start, stop


def _alias(stream: Tokens, names: list[Any]) -> None:
    """Add `AS alias (names)`: the alias that stands here, or the function's name."""
    stream.put("as", TokenType.ALIAS)
    if stream.words("as"):
        stream.skip()
    kind = stream.kind()
    free = kind in (TokenType.VAR, TokenType.IDENTIFIER)
    if free:
        stream.out.append(stream.tokens[stream.place])
        stream.skip()
    else:
        stream.put("xmltable", TokenType.VAR)
    if stream.words("("):
        return
    stream.put("(", TokenType.L_PAREN)
    for number, name in enumerate(names):
        if number:
            stream.put(",", TokenType.COMMA)
        stream.out.append(name)
    stream.put(")", TokenType.R_PAREN)


def _inherited(stream: Tokens) -> bool:
    """Cut the star of `FROM table *`."""
    before = stream.lower[max(0, stream.place - 6) : stream.place]
    if stream.kind(-1) not in (TokenType.VAR, TokenType.IDENTIFIER):
        return False
    while before[-2:-1] == ["."]:
        before = before[:-2]
    return before[-2:-1] != [] and before[-2] in ("from", "join", "update") and stream.skip()


def _array_type(stream: Tokens) -> bool:
    """Cut `[]` behind the name of a type that sqlglot does not know."""
    return stream.words("]", ahead=1) and not stream.words("array", ahead=-1) and stream.skip(2)


def _operator(stream: Tokens) -> bool:
    """Write an operator that sqlglot has no word for as `+`, as a prefix `-`."""
    length = _run(stream, stream.place)
    if length == 0:
        return False
    kinds = stream.kind(-1)
    if length == 1 and stream.lower[stream.place] not in ("!!", "@", "|/", "||/", "@@", "`", "#"):
        return False
    if kinds in _OPERANDS or kinds in _CLOSING or stream.lower[stream.place - 1] in ("null",):
        stream.put("+", TokenType.PLUS)
    else:
        stream.put("-", TokenType.DASH)
    return stream.skip(length)


def _run(stream: Tokens, place: int) -> int:
    """Return how many tokens, without a space between them, are one operator."""
    start = place
    while place < len(stream.tokens):
        word = stream.lower[place]
        if not word or not set(word) <= _OPERATORS:
            break
        if place > start and stream.tokens[place - 1].end + 1 != stream.tokens[place].start:
            break
        place += 1
    text = "".join(stream.lower[start:place])
    # As PostgreSQL's scanner: a trailing sign is an operator of its own.
    if place - start > 1 and text[-1] in "+-" and not set(text) & set("~!@#%^&|`?"):
        place -= 1
    if text.endswith("*") and text[:-1] in ("", "."):
        return 1
    return place - start


def _typed(stream: Tokens) -> bool:
    """Write `type 'text'` as a cast."""
    if stream.kind(1) is not TokenType.STRING or stream.lower[stream.place] in _NO_TYPES:
        return False
    known = stream.lower[stream.place] in _TYPE_WORDS
    if stream.kind() not in (TokenType.VAR, TokenType.IDENTIFIER) and not known:
        return False
    start = len(stream.out)
    while start >= 2 and stream.out[start - 1].text == ".":
        start -= 2
    kind = [*stream.out[start:], stream.tokens[stream.place]]
    del stream.out[start:]
    stream.out.append(stream.tokens[stream.place + 1])
    stream.put("::", TokenType.DCOLON)
    stream.out += kind
    return stream.skip(2)


def _foreign(stream: Tokens) -> bool:
    """Make a name of what is a keyword elsewhere, but not in PostgreSQL."""
    word = stream.lower[stream.place]
    kind = stream.kind()
    if kind in (TokenType.VAR, TokenType.IDENTIFIER, TokenType.STRING, TokenType.NUMBER):
        return False
    if not word.isidentifier() or word in _KEYWORDS or word in _TYPE_WORDS:
        return False
    return _as_name(stream)


_WORDS_OF_TYPES = """
text int4 int8 int2 float4 float8 bool bytea date json jsonb uuid xml money inet cidr
timestamptz timetz bigserial serial smallserial hstore geometry geography tsvector name
int4range int8range numrange tsrange tstzrange daterange regclass
"""
_TYPE_WORDS: Final = frozenset(_WORDS_OF_TYPES.split())
_OTHERS: Final[tuple[Callable[[Tokens], bool], ...]] = (_operator, _typed, _foreign)
_RULES: Final[dict[str, tuple[Callable[[Tokens], bool], ...]]] = {
    "using": (_using,),
    "only": (_only,),
    "into": (_into_only,),
    "tablesample": (_sample,),
    "at": (_at,),
    "escape": (_escape,),
    "overriding": (_overriding,),
    "where": (_current_of,),
    "uescape": (_uescape,),
    "search": (_search, *_OTHERS),
    "cycle": (_cycle, *_OTHERS),
    "unbounded": (_unbounded,),
    "insert": (_insert, _default_values),
    "collation": (_collation_for,),
    "to": (_to_unit,),
    "xmltable": (_xmltable,),
    "substring": (_arguments,),
    "xmlelement": (_arguments,),
    "xmlforest": (_arguments,),
    "xmlparse": (_arguments,),
    "xmlpi": (_arguments,),
    "xmlroot": (_arguments,),
    "xmlserialize": (_arguments,),
    "xmlexists": (_arguments,),
    "*": (_inherited, *_OTHERS),
    "[": (_array_type,),
}
