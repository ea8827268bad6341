"""Asks what only a person can decide, and holds decisions against these questions."""
