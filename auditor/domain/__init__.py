"""Defines the values of an audit: frozen structs, no library but msgspec, no effects."""
