"""The text of a place into a store, or the snapshot folders below it."""

from pathlib import Path
from typing import TYPE_CHECKING

from auditor.files import input as files
from auditor.store import MARKER

if TYPE_CHECKING:
    from auditor.store.store import Store


def store_at(where: Path | str) -> "Store":
    """Return the store of a folder or an address, whether it is there or not."""
    # Whoever audits a folder of snapshots does not wait for all that a store takes.
    from auditor.store.objects.location import Address, backend_of  # noqa: PLC0415
    from auditor.store.store import Store  # noqa: PLC0415

    return Store(backend_of(where if isinstance(where, Path) else Address(where)))


def is_store(where: Path | str) -> bool:
    """Whether a place is a store, and not a folder of snapshots."""
    return not isinstance(where, Path) or files.is_file(where / MARKER)


def all_folders(root: Path) -> list[Path]:
    """Return every snapshot folder of a root, by tenant and instant; hidden ones are still being written."""
    found = [path.parent for depth in ("*", "*/*") for path in root.glob(f"{depth}/manifest.json")]
    return sorted(p for p in found if not any(part.startswith(".") for part in p.relative_to(root).parts))
