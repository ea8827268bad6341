"""Derives the Result for one reader (locale, recipient) and writes the requested formats."""
