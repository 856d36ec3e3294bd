"""Questions in Chinese: their words, what these name, and how they are read."""
