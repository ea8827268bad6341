"""Artifacts to where people find them."""
