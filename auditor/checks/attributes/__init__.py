"""The checks of the block `attributes`."""
