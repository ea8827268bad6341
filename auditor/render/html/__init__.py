"""Writes the HTML report."""
