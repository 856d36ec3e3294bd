"""The catalog as one caller may see it.

`snapshot(database)` returns relations, columns, types, keys, comments and
statistics; `view_definition` reads one view's SQL on demand. What the caller
may not see is absent, as if it did not exist.
"""

from pg_llm.catalog.objects import Column, ForeignKey, Relation, Snapshot
from pg_llm.catalog.snapshot import snapshot, view_definition

__all__ = ["Column", "ForeignKey", "Relation", "Snapshot", "snapshot", "view_definition"]
