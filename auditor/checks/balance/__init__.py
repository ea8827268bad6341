"""The checks of the block `balance`."""
