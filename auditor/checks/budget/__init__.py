"""The checks of the block `budget`."""
