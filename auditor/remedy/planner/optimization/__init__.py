"""Chooses the cheapest options within the numbers of seats."""
