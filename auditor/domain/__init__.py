"""Defines the values of an audit: frozen dataclasses, standard library only, no effects."""
