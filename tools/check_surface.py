"""Checks the SQL surface: what each object of the script must have beside it.

Every function has a COMMENT, an explicit GRANT (a trigger's function and those
of `_INTERNAL` need none), a test that calls it, and a line in docs/; every
table, view, column and type has a COMMENT. Reads the built script with
PostgreSQL's own parser.

usage: check_surface.py SCRIPT
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pglast import ast, enums, parse_sql

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT = Path(__file__).resolve().parent.parent
_KIND = enums.ObjectType


def _dotted(names: Any) -> str:
    return ".".join(name.sval for name in names)


def _relation(relation: ast.RangeVar) -> str:
    return f"{relation.schemaname}.{relation.relname}" if relation.schemaname else relation.relname


def _commented(statement: ast.CommentStmt) -> str:
    subject = statement.object
    if isinstance(subject, ast.ObjectWithArgs):
        return _dotted(subject.objname)
    if isinstance(subject, ast.TypeName):
        return _dotted(subject.names)
    return subject.sval if isinstance(subject, ast.String) else _dotted(subject)


def _columns(statement: Any) -> Iterator[str]:
    for element in statement.tableElts or ():
        if isinstance(element, ast.ColumnDef):
            yield element.colname


class _Surface:
    """What a script creates, comments on and grants."""

    def __init__(self, script: str) -> None:
        # The guard line is psql's, not SQL; extensions fill in @…@ later.
        text = re.sub(r"^\\.*$", "", script, flags=re.MULTILINE)
        text = re.sub(r"@extschema(?::\w+)?@", "extschema", text)
        self.functions: dict[str, bool] = {}
        self.relations: set[str] = set()
        self.commented: set[str] = set()
        self.granted: set[str] = set()
        for raw in parse_sql(text):
            self._read(raw.stmt)

    def _read(self, statement: Any) -> None:
        match statement:
            case ast.CreateFunctionStmt():
                returns = statement.returnType
                trigger = returns is not None and "trigger" in _dotted(returns.names)
                self.functions[_dotted(statement.funcname)] = trigger
            case ast.CreateStmt():
                name = _relation(statement.relation)
                self.relations.update([name, *(f"{name}.{c}" for c in _columns(statement))])
            case ast.ViewStmt():
                self.relations.add(_relation(statement.view))
            case ast.CompositeTypeStmt():
                self.relations.add(_relation(statement.typevar))
            case ast.CreateEnumStmt():
                self.relations.add(_dotted(statement.typeName))
            case ast.CommentStmt():
                self.commented.add(_commented(statement))
            case ast.GrantStmt(is_grant=True):
                functions = (_KIND.OBJECT_FUNCTION, _KIND.OBJECT_PROCEDURE, _KIND.OBJECT_ROUTINE)
                if statement.objtype in functions:
                    self.granted.update(_dotted(each.objname) for each in statement.objects)


def _text_of(*patterns: str) -> str:
    files = (file for pattern in patterns for file in sorted(_ROOT.glob(pattern)))
    return "\n".join(file.read_text(encoding="utf-8") for file in files)


# Called by functions of ours only, by their owner's or the caller's right.
_INTERNAL = frozenset(
    {
        "lineage.ddl_capture",
        "lineage.ddl_missed",
        "lineage.drop_capture",
        "lineage.follow_ddl",
    }
)


def main(path: str) -> int:
    """Print what is missing; return the exit status."""
    surface = _Surface(Path(path).read_text(encoding="utf-8"))
    tests = _text_of("tests/**/*.py", "tests/**/*.sql")
    docs = _text_of("docs/*.md", "README.md")
    faults = [f"{name} has no comment" for name in surface.relations - surface.commented]
    for name, trigger in surface.functions.items():
        called = re.compile(rf"\b{re.escape(name.split('.')[-1])}\s*\(")
        if name not in surface.commented:
            faults.append(f"function {name} has no comment")
        if trigger:
            continue
        if name not in surface.granted and name not in _INTERNAL:
            faults.append(f"function {name} is granted to no role")
        if not called.search(tests):
            faults.append(f"function {name} is called by no test")
        if not called.search(docs):
            faults.append(f"function {name} has no line in docs/")
    for fault in sorted(faults):
        print(fault)
    count = f"{len(surface.functions)} functions, {len(surface.relations)} relations and columns"
    print(f"SQL surface: {count}, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
