"""Reads one source of a tenant per module."""
