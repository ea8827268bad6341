"""Turns the snapshots and results of many nights into one store, in a folder or an object store, and back."""

from typing import Final

MARK: Final = "store.json"
"""The file by which a folder is known as a store."""
