"""Renders flat tables as CSV, Excel and Parquet."""
