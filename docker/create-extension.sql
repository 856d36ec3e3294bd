create extension pg_llm cascade;
