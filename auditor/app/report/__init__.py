"""Derives the Result of one reader (locale, recipient) and writes the requested formats."""
