"""Judges snapshots against policies: three-valued, a pure function of Arrow batches."""
