"""Finds, validates and compares policy files."""
