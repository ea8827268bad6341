"""Finds snapshot folders below a root, including damaged ones."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from auditor.domain.errors import SnapshotError
from auditor.domain.message import Message
from auditor.domain.syntax.limits import TENANT
from auditor.files import input as files
from auditor.files.names import instant_of
from auditor.snapshot.model import Manifest
from auditor.snapshot.parquet.integrity import INSTANT, check_lost, lost, unreadable
from auditor.snapshot.reader import manifest_of

_DEPTH = 2
"""Levels below a root: tenants, then instants."""


class Damaged(Struct, frozen=True, kw_only=True):
    """A snapshot whose manifest cannot be read."""

    tenant: str | None
    """The tenant, from the path below the root; None if it does not contain one."""
    folder: Path
    """Its folder, or the name of its commit in a store."""
    instant: datetime | None
    """When it was collected, from the folder's name; None for another name: it may then be the latest snapshot."""
    error: SnapshotError


def snapshots(root: Path) -> tuple[tuple[Manifest, Path] | Damaged, ...]:
    """Return the snapshot in a folder, or all below it, sorted by path; unreadable ones are returned as Damaged.

    Hidden folders are still being written and are ignored. Raises SnapshotError if there is no snapshot.
    """
    if files.is_file(root / "manifest.json"):
        return (_read(root, root),)
    if not files.is_folder(root):
        raise SnapshotError(
            "snapshot-missing",
            Message("there is no folder {location}", location=root),
            hint=Message("specify a snapshot, a folder of snapshots, or a store"),
        )
    entries = tuple(_entries(root, root, _DEPTH))
    if not entries:
        raise SnapshotError(
            "snapshot-missing",
            Message("{root} has no snapshot", root=root),
            hint=Message("run `auditor collect` first, or specify another folder"),
        )
    return entries


def _read(folder: Path, root: Path) -> tuple[Manifest, Path] | Damaged:
    try:
        return manifest_of(folder), folder
    except SnapshotError as error:
        return _damaged(folder, root, error)


def _damaged(folder: Path, root: Path, error: SnapshotError) -> Damaged:
    tenant = _tenant_name(folder, root)
    return Damaged(
        tenant=tenant if TENANT.fullmatch(tenant) else None, folder=folder, instant=_instant(folder.name), error=error
    )


def _tenant_name(folder: Path, root: Path) -> str:
    """Return the name of a tenant from the path of its snapshot, `<tenant>/<instant>` or `<tenant>`."""
    below = folder.relative_to(root).parts
    if below and not INSTANT.fullmatch(below[0]):
        return below[0]
    path = folder.resolve()
    return path.parent.name if INSTANT.fullmatch(path.name) else path.name


def _instant(name: str) -> datetime | None:
    if not INSTANT.fullmatch(name):
        return None
    try:
        return instant_of(name)
    except ValueError:
        return None


def _entries(path: Path, root: Path, depth: int) -> Iterator[tuple[Manifest, Path] | Damaged]:
    """Yield the snapshots below a path."""
    try:
        children = sorted(path.iterdir())
    except OSError as error:
        if depth == _DEPTH:
            raise unreadable(error) from error
        yield _damaged(path, root, unreadable(error))
        return
    for child in children:
        if child.name.startswith(".") or not files.is_folder(child):
            continue
        if files.exists(child / "manifest.json"):
            yield _read(child, root)
            continue
        try:
            check_lost(child)
        except SnapshotError as error:
            yield _damaged(child, root, error)
            continue
        below = tuple(_entries(child, root, depth - 1)) if depth > 1 else ()
        if not below and INSTANT.fullmatch(child.name):
            yield _damaged(child, root, lost(child))
        yield from below
