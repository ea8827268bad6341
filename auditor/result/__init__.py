"""Computations on results, without rendering."""
