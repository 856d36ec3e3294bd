"""Questions in English: their words, what these name, and how they are read."""
