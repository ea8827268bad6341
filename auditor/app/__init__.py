"""Implements the use cases of the commands: connects files, network and clock with the pure packages."""
