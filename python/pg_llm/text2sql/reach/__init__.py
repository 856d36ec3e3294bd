"""What a statement reads, calls and may grow to, as the server resolved it."""
