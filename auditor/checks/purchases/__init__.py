"""The checks of the block `purchases`."""
