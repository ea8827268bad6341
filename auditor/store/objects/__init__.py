"""Reads and writes the objects of a store: in a folder, an object store or memory."""
