"""Writes what a policy change would do."""
