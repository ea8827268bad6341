"""Stores the snapshots and results of many nights in a folder or an object store; unchanged data is stored once."""

from typing import Final

MARKER: Final = "store.json"
"""The object whose presence identifies a folder or container as a store."""
