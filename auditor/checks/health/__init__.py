"""The checks of the block `health`."""
