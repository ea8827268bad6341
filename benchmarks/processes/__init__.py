"""Runs one measured job in a separate process, and prints its measurements as JSON."""
