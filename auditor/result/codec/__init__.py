"""Reads and writes JSON documents according to the structs that define them."""
