"""Builds the Arrow tables of a snapshot from decoded pages."""
