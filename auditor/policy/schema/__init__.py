"""Checks documents against the JSON Schema of policies and explains mistakes."""
