"""Turns saved Results into other Results and into files."""
