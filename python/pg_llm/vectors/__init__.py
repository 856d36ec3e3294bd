"""Vectors: collections of embedded text that stay fresh and are searched.

`collections` is the registry and what may be vectorized; `storage` makes and
drops the tables and triggers; `work` embeds what is queued; `pieces` splits
text and makes search terms; `search` finds.
"""
