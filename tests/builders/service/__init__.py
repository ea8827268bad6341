"""Starts programs and servers that tests talk to."""
