"""The checks of the block `seats`."""
