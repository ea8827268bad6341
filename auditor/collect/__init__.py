"""Reads the sources that policies need into a snapshot on disk, and records how completely each was read."""
