"""The lineage graph: nodes and edges over time, fed by catalog, DDL, query logs and people."""
