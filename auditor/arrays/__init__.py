"""Selects and groups rows of NumPy arrays, and converts Arrow columns to NumPy arrays."""
