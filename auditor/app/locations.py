"""Opens the store at a location, and distinguishes stores from folders of snapshots."""

from pathlib import Path
from typing import TYPE_CHECKING

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
