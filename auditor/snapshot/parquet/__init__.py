"""Reads the Parquet files of a snapshot, checked against its manifest."""
