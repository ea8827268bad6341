"""A snapshot folder into a Snapshot: found, checked against its digests, and read row group by row group."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from auditor.domain.errors import SnapshotError
from auditor.snapshot.manifest import FileEntry, decode
from auditor.snapshot.model import Manifest, Snapshot, UserBatch
from auditor.snapshot.schema import ASSIGNMENTS, FILES, SMALL_TABLES, USERS

_DEPTH = 2
"""A root holds tenants, a tenant holds instants."""


def find(place: Path) -> tuple[Path, ...]:
    """Return the snapshot folders a path stands for: itself, or the latest of each tenant below it, by tenant name.

    Raises SnapshotError where there is none; folders that are still being written (hidden) are passed over.
    """
    if not place.is_dir():
        raise SnapshotError(
            "snapshot-missing", f"{place} is not a folder", hint="name a snapshot, or the folder that holds them"
        )
    if (place / "manifest.json").is_file():
        return (place,)
    latest: dict[str, tuple[Manifest, Path]] = {}
    for folder in _below(place, _DEPTH):
        manifest = manifest_of(folder)
        known = latest.get(manifest.tenant)
        if known is None or (manifest.instant, folder.name) > (known[0].instant, known[1].name):
            latest[manifest.tenant] = (manifest, folder)
    if not latest:
        raise SnapshotError(
            "snapshot-missing", f"{place} holds no snapshot", hint="run `auditor collect` first, or name another folder"
        )
    return tuple(latest[name][1] for name in sorted(latest))


def manifest_of(folder: Path) -> Manifest:
    """Read only what a snapshot says of itself."""
    return _manifest(folder)[0]


def read(folder: Path) -> Snapshot:
    """Open a snapshot folder; a damaged, foreign or newer one is refused with a SnapshotError before it is used."""
    manifest, files, digest = _manifest(folder)
    for name in FILES:
        entry = files.get(f"{name}.parquet")
        if entry is None:
            raise SnapshotError("snapshot-damaged", f"{folder} does not list {name}.parquet", hint=_AGAIN)
        _check(folder / f"{name}.parquet", entry)
    tables = {name: _table(folder / f"{name}.parquet", schema) for name, schema in SMALL_TABLES.items()}
    return Snapshot(
        manifest=manifest,
        tables=tables,
        user_count=files["users.parquet"].rows,
        read_users=_Reader(folder),
        identity=digest,
        sku_ids=_sku_ids(folder / "assignments.parquet"),
    )


_CODES = tuple(field.name for field in ASSIGNMENTS if pa.types.is_dictionary(field.type))
_AGAIN = "collect the snapshot again, or restore it from a copy"


def _below(place: Path, depth: int) -> Iterator[Path]:
    for child in sorted(place.iterdir()):
        if child.name.startswith(".") or not child.is_dir():
            continue
        if (child / "manifest.json").is_file():
            yield child
        elif depth > 1:
            yield from _below(child, depth - 1)


def _manifest(folder: Path) -> tuple[Manifest, dict[str, FileEntry], str]:
    path = folder / "manifest.json"
    try:
        text = path.read_bytes()
    except FileNotFoundError as error:
        raise SnapshotError(
            "snapshot-missing", f"{folder} has no manifest.json", hint="name a folder that `auditor collect` wrote"
        ) from error
    return decode(text, where=str(path))


def _check(path: Path, entry: FileEntry) -> None:
    """Hold a file against what the manifest promises."""
    if not path.is_file():
        raise SnapshotError("snapshot-damaged", f"{path} is missing", hint=_AGAIN)
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != entry.sha256:
        raise SnapshotError("snapshot-damaged", f"{path} is not the file that the manifest describes", hint=_AGAIN)


def _opened(path: Path) -> pq.ParquetFile:
    try:
        names = set(pq.read_schema(path).names)
        return pq.ParquetFile(path, read_dictionary=[name for name in _CODES if name in names])
    except pa.ArrowInvalid as error:
        raise SnapshotError("snapshot-damaged", f"{path} is not a Parquet file: {error}", hint=_AGAIN) from error


def _table(path: Path, schema: pa.Schema) -> pa.Table:
    file = _opened(path)
    found = file.schema_arrow
    lacking = [field.name for field in schema if field.name not in found.names]
    if lacking:
        raise SnapshotError("snapshot-damaged", f"{path} lacks the column {lacking[0]}", hint=_AGAIN)
    return file.read(columns=schema.names).select(schema.names).cast(schema)


def _sku_ids(path: Path) -> tuple[str, ...]:
    file = _opened(path)
    found: set[str] = set()
    for batch in file.iter_batches(columns=["skuId"], batch_size=1 << 20):
        found.update(batch.column(0).unique().to_pylist())
    return tuple(sorted(found))


class _Reader:
    """Reads row group k of both files together; opens the files anew for each walk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, users: tuple[str, ...] | None, assignments: tuple[str, ...] | None) -> Iterator[UserBatch]:
        people = _opened(self._folder / "users.parquet")
        links = _opened(self._folder / "assignments.parquet")
        if people.num_row_groups != links.num_row_groups:
            raise SnapshotError(
                "snapshot-damaged", f"users and assignments of {self._folder} do not match", hint=_AGAIN
            )
        people_columns = _present(people, USERS, users)
        link_columns = _present(links, ASSIGNMENTS, assignments)
        offset = 0
        for group in range(people.num_row_groups):
            batch = _one(people.read_row_group(group, columns=people_columns))
            yield UserBatch(
                users=batch, assignments=_one(links.read_row_group(group, columns=link_columns)), offset=offset
            )
            offset += batch.num_rows


def _present(file: pq.ParquetFile, schema: pa.Schema, wanted: tuple[str, ...] | None) -> list[str]:
    names = set(file.schema_arrow.names)
    return [field.name for field in schema if field.name in names and (wanted is None or field.name in wanted)]


def _one(table: pa.Table) -> pa.RecordBatch:
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)
