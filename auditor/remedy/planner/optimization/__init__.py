"""Chooses the best options within the available seats."""
