"""A backend in memory, for comparing results within one command."""

from collections.abc import Mapping, Sequence
from datetime import datetime


class MemoryBackend:
    """A backend whose objects are kept in memory, until the process ends."""

    address = "the results named"

    def __init__(self) -> None:
        self._objects: dict[str, bytes] = {}

    def names(self, under: str) -> tuple[str, ...]:
        """Return the names below a folder."""
        return tuple(sorted(name for name in self._objects if not under or name.startswith(f"{under}/")))

    def read(self, name: str) -> bytes | None:
        """Return an object."""
        return self._objects.get(name)

    def read_many(self, names: Sequence[str]) -> list[bytes | None]:
        """Return objects."""
        return [self._objects.get(name) for name in names]

    def modified_times(self, under: str) -> Mapping[str, datetime | None]:
        """Return the names below a folder, without times: no object is old enough to be deleted."""
        return dict.fromkeys(self.names(under))

    def temporary(self) -> Mapping[str, datetime | None]:
        """Return nothing: objects are created without temporary files."""
        return {}

    def create(self, name: str, body: bytes) -> bool:
        """Store an object; returns False if the name is taken."""
        if name in self._objects:
            return False
        self._objects[name] = body
        return True

    def replace(self, name: str, body: bytes) -> None:
        """Store an object."""
        self._objects[name] = body

    def remove(self, name: str) -> None:
        """Delete an object."""
        self._objects.pop(name, None)
