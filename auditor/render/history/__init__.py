"""Writes trends over saved nights."""
