"""What leaves the graph: Mermaid, DOT, JSON, OpenLineage, Apache AGE."""
