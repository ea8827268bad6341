"""Selectors of users, including those by usage, directory role and Conditional Access."""
