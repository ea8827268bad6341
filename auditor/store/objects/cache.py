"""A far place into one whose objects are fetched once: what never changes is kept in a folder of this machine."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from auditor.domain.errors import AuditorError
from auditor.store.objects.backends import Backend, Folder


class Cached:
    """Keeps the parts of nights, whose names tell their digest; everything else is asked for each time."""

    def __init__(self, place: Backend, folder: Path) -> None:
        self._place = place
        self._near = Folder(folder / hashlib.sha256(place.address.encode()).hexdigest()[:16])
        self.address = place.address

    def names(self, under: str) -> tuple[str, ...]:
        """Return the names as the far place lists them."""
        return self._place.names(under)

    def read(self, name: str) -> bytes | None:
        """Return an object; one that was fetched before and is whole comes from here."""
        if "/parts/" not in name:
            return self._place.read(name)
        near = self._near.read(name)
        if near is not None and hashlib.sha256(near).hexdigest()[:16] in name:
            return near
        body = self._place.read(name)
        if body is not None:
            # A cache that is full or read-only slows this down and harms nothing.
            with suppress(AuditorError):
                self._near.remove(name)
                self._near.create(name, body)
        return body

    def read_many(self, names: Sequence[str]) -> list[bytes | None]:
        """Return objects of the far place."""
        return self._place.read_many(names)

    def written(self, under: str) -> Mapping[str, datetime | None]:
        """Return when the objects of the far place were last written."""
        return self._place.written(under)

    def temporary(self) -> Mapping[str, datetime | None]:
        """Return the temporary files of the far place."""
        return self._place.temporary()

    def create(self, name: str, body: bytes) -> bool:
        """Make an object in the far place."""
        return self._place.create(name, body)

    def remove(self, name: str) -> None:
        """Delete an object, here too."""
        self._place.remove(name)
        with suppress(AuditorError):
            self._near.remove(name)


def cache_folder() -> Path | None:
    """Return where fetched objects are kept: AUDITOR_CACHE (`off`: nowhere), else the user's cache folder."""
    wished = os.environ.get("AUDITOR_CACHE")
    if wished:
        return None if wished == "off" else Path(wished)
    root = os.environ.get("XDG_CACHE_HOME") or (os.environ.get("LOCALAPPDATA") if os.name == "nt" else None)
    with suppress(RuntimeError):  # nobody's home is known
        return (Path(root) if root else Path.home() / ".cache") / "auditor"
    return None
