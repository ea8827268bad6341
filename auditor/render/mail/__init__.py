"""Writes the text and HTML parts of a mail."""
