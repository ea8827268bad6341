"""A tenant's state at one instant: Arrow tables into a folder of Parquet files with a manifest, and back."""
