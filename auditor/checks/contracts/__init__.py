"""The checks of the block `contracts`."""
