"""The checks of the block `assignments`."""
