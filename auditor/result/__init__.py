"""Arithmetic on results, without rendering."""
