"""Defines which names, patterns, instants and numbers are valid in files."""
