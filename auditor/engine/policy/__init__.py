"""Policies in one tenant: bound to its facts, how much they look at, what is waived or cannot be decided."""
