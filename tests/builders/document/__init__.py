"""Builds policy files and Microsoft's CSV files."""
