"""Databases of several domains, each with questions in the phrasings that people use."""

from __future__ import annotations

from tests.text2sql.phrasings import cargo, clinic, gym, museums, press

DOMAINS = {"cargo": cargo, "clinic": clinic, "gym": gym, "museums": museums, "press": press}
