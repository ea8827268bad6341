"""Resolves a location to a store or to the snapshot folders below it, and reads files that the user specified."""

from pathlib import Path
from typing import TYPE_CHECKING

from auditor.domain.errors import SnapshotError
from auditor.domain.message import Message, unreadable
from auditor.files import input as files
from auditor.store import MARKER

if TYPE_CHECKING:
    from auditor.store.store import Store


def store_at(location: Path | str) -> "Store":
    """Return the store of a folder or an address, whether or not it exists."""
    # Auditing a folder of snapshots does not need the store's modules.
    from auditor.store.objects.location import Address, backend_of  # noqa: PLC0415
    from auditor.store.store import Store  # noqa: PLC0415

    return Store(backend_of(location if isinstance(location, Path) else Address(location)))


def is_store(location: Path | str) -> bool:
    """Return whether a location is a store rather than a folder of snapshots."""
    return not isinstance(location, Path) or files.is_file(location / MARKER)


def read_named(path: Path, *, max_bytes: int, slug: str, hint: Message, within: Path | None = None) -> bytes:
    """Return the bytes of a file of at most `max_bytes` bytes; `within` as in `files.opened`.

    Raises SnapshotError with the slug and the hint if the file cannot be read.
    """
    try:
        return files.read(path, max_bytes=max_bytes, within=within)
    except OSError as error:
        raise SnapshotError(slug, unreadable(path, error), hint=hint) from error
