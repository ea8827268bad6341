"""The sources of a collection, one per module."""
