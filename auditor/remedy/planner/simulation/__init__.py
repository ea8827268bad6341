"""Simulates how Graph applies requests, on a copy of a tenant."""
