"""Formats values as the texts that all reports share."""
