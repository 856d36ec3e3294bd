"""Query logs: statements that ran become patterns, and patterns become edges."""
