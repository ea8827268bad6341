"""Reads and writes the state of a tenant at one instant: Parquet files with a manifest."""
