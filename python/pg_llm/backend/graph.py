"""Reception for `sql/graph.sql`."""

from __future__ import annotations
