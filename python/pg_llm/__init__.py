"""pg_llm: language models and data lineage inside PostgreSQL.

The rooms, from the ground up; a room imports only from the floors below it:

0. `database`, `errors`, `settings`
1. `catalog`, `models`
2. `lineage`
3. `text2sql`
5. `backend`: the reception for SQL functions
"""

__version__ = "0.1.0"
