"""Policies × snapshot into findings and outcomes: three-valued, streaming, a pure function of Arrow batches."""
