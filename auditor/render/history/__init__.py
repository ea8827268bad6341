"""Renders trends over stored nights."""
