"""Chooses the remedy that fixes each open finding."""
