"""Answers questions about saved nights."""
