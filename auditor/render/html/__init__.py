"""Renders a Result as one HTML page with an embedded table of findings."""
