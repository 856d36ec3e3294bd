"""Statements as models write them, damaged, each with what it was meant to be."""
