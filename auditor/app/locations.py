"""Resolves a location to a store, or to the snapshot folders below it."""

from pathlib import Path
from typing import TYPE_CHECKING

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
    found = [path.parent for depth in ("*", "*/*") for path in root.glob(f"{depth}/manifest.json")]
    return sorted(p for p in found if not any(part.startswith(".") for part in p.relative_to(root).parts))
