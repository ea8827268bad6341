"""Applies requests to a copy of a tenant as Graph would."""
