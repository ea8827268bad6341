"""Turns the snapshots and results of many nights into one store, in a folder or an object store, and back."""
