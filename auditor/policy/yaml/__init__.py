"""Reads YAML 1.2 text into plain values with source spans."""
