"""Runs one measured piece of work in a process of its own, and prints its measurements as JSON."""
