"""Caches the immutable objects of a remote backend in a local folder."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from auditor.domain.errors import AuditorError
from auditor.files.user_folder import user_folder
from auditor.store.objects.backends import Backend, FolderBackend


class CachedBackend:
    """Caches the objects of nights, whose names contain their digests; other objects are read each time."""

    def __init__(self, backend: Backend, folder: Path) -> None:
        self._backend = backend
        self._cache = FolderBackend(folder / hashlib.sha256(backend.address.encode()).hexdigest()[:16])
        self.address = backend.address

    def names(self, under: str) -> tuple[str, ...]:
        """Return the names that the backend lists."""
        return self._backend.names(under)

    def read(self, name: str) -> bytes | None:
        """Return an object, from the cache if it has an undamaged copy."""
        if "/parts/" not in name:
            return self._backend.read(name)
        cached = self._cache.read(name)
        if cached is not None and hashlib.sha256(cached).hexdigest()[:16] in name:
            return cached
        body = self._backend.read(name)
        if body is not None:
            # Ignore errors of the cache, for example if it is full or read-only.
            with suppress(AuditorError):
                self._cache.remove(name)
                self._cache.create(name, body)
        return body

    def read_many(self, names: Sequence[str]) -> list[bytes | None]:
        """Return objects of the backend."""
        return self._backend.read_many(names)

    def modified_times(self, under: str) -> Mapping[str, datetime | None]:
        """Return when the objects of the backend were last written."""
        return self._backend.modified_times(under)

    def temporary(self) -> Mapping[str, datetime | None]:
        """Return the temporary files of the backend."""
        return self._backend.temporary()

    def create(self, name: str, body: bytes) -> bool:
        """Create an object in the backend."""
        return self._backend.create(name, body)

    def remove(self, name: str) -> None:
        """Delete an object from the backend and the cache."""
        self._backend.remove(name)
        with suppress(AuditorError):
            self._cache.remove(name)


def cache_folder() -> Path | None:
    """Return the cache folder: AUDITOR_CACHE (None if it is `off`), else the user's cache folder, if there is one."""
    setting = os.environ.get("AUDITOR_CACHE")
    if setting:
        return None if setting == "off" else Path(setting)
    variable = "LOCALAPPDATA" if os.name == "nt" and not os.environ.get("XDG_CACHE_HOME") else "XDG_CACHE_HOME"
    folder = user_folder(os.environ, variable, ".cache")
    return None if folder is None else folder / "auditor"
