"""Blocks imports that libraries do not need, to save time and memory.

PyArrow imports pandas when it creates the first array, which takes most of a second if pandas is installed. The file
systems that `pyarrow.parquet` imports take 4 MiB.
"""

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType


class _BlockedModuleFinder:
    """A meta path finder that raises ModuleNotFoundError for the modules in `names`."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def find_spec(self, name: str, _path: Sequence[str] | None, _target: ModuleType | None = None) -> ModuleSpec | None:
        if name in self.names:
            raise ModuleNotFoundError(f"{name} is blocked in this process", name=name)
        return None


_FINDER = _BlockedModuleFinder()


def block_import(name: str) -> None:
    """Make imports of a module fail as if it were not installed; a module that is already imported stays."""
    _FINDER.names.add(name)
    if _FINDER not in sys.meta_path:
        sys.meta_path.insert(0, _FINDER)


def unblock_import(name: str) -> None:
    """Allow imports of a module again."""
    _FINDER.names.discard(name)
