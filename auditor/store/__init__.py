"""Stores the snapshots and results of many nights in a folder or an object store, without repeating unchanged data."""

from typing import Final

MARK: Final = "store.json"
"""The file by which a folder is known as a store."""
