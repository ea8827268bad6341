"""Translates a Result for one locale and writes the requested formats."""
