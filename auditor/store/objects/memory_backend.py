"""Names and bytes kept for the length of one command: a store of results that are only looked at together."""

from collections.abc import Mapping, Sequence
from datetime import datetime


class Memory:
    """A place that is gone when the program ends."""

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

    def written(self, under: str) -> Mapping[str, datetime | None]:
        """Return the names below a folder: nothing here is old."""
        return dict.fromkeys(self.names(under))

    def temporary(self) -> Mapping[str, datetime | None]:
        """Return nothing: nothing here is half written."""
        return {}

    def create(self, name: str, body: bytes) -> bool:
        """Keep an object; False where there is one of that name."""
        if name in self._objects:
            return False
        self._objects[name] = body
        return True

    def remove(self, name: str) -> None:
        """Forget an object."""
        self._objects.pop(name, None)
