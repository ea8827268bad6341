"""Writes flat tables: CSV, Excel, Parquet."""
