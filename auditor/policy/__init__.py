"""Reads policy files into policies with source spans, and derives the data that they need."""
