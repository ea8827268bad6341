"""Finds, validates, compares and updates policy files, and imports prices."""
