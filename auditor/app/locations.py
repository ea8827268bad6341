"""Resolves a location to a store or to the snapshot folders below it, and reads the files that a user names."""

from pathlib import Path
from typing import TYPE_CHECKING

from auditor.domain.errors import SnapshotError
from auditor.domain.message import Message, unreadable
from auditor.files import input as files
from auditor.store import MARKER

if TYPE_CHECKING:
    from auditor.store.store import Store


def store_at(where: Path | str) -> "Store":
    """Return the store of a folder or an address, existing or not."""
    # Auditing a folder of snapshots does not need the store's modules.
    from auditor.store.objects.location import Address, backend_of  # noqa: PLC0415
    from auditor.store.store import Store  # noqa: PLC0415

    return Store(backend_of(where if isinstance(where, Path) else Address(where)))


def is_store(where: Path | str) -> bool:
    """Return whether a location is a store rather than a folder of snapshots."""
    return not isinstance(where, Path) or files.is_file(where / MARKER)


def all_folders(root: Path) -> list[Path]:
    """Return every snapshot folder of a root, by tenant and instant; hidden ones are being written."""
    folders = [path.parent for depth in ("*", "*/*") for path in root.glob(f"{depth}/manifest.json")]
    return sorted(p for p in folders if not any(part.startswith(".") for part in p.relative_to(root).parts))


def read_named(path: Path, *, most: int, slug: str, hint: Message, within: Path | None = None) -> bytes:
    """Return the bytes of a file of at most `most` bytes; `within` as in `files.opened`.

    Raises SnapshotError with the slug and the hint for a file that cannot be read.
    """
    try:
        return files.read(path, most=most, within=within)
    except OSError as error:
        raise SnapshotError(slug, unreadable(path, error), hint=hint) from error
