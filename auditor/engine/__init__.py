"""Evaluates snapshots against policies in three-valued logic, as a pure function of Arrow batches."""
