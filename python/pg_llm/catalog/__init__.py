"""The catalog as one caller may see it."""
