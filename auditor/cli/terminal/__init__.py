"""Prints results as tables on the terminal."""
