"""Measures time and memory, each beside a peer or a floor in the same run."""
