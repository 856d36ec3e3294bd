"""Lineage: from which columns every column of a statement comes."""
