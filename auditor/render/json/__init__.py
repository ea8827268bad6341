"""Renders a Result as result.json and as NDJSON."""
