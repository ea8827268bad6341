"""A snapshot folder into a Snapshot: found, checked against its digests, and read row group by row group."""

import hashlib
from collections.abc import Collection, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from auditor.domain.errors import SnapshotError
from auditor.domain.selector import TEXT_PROPERTIES
from auditor.domain.words import SourceStatus
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
    promised: list[tuple[Path, FileEntry]] = []
    for name in FILES:
        entry = files.get(f"{name}.parquet")
        if entry is None:
            raise SnapshotError("snapshot-damaged", f"{folder} does not list {name}.parquet", hint=_AGAIN)
        promised.append((folder / f"{name}.parquet", entry))
    _check_all(promised)
    _check_form(folder / "users.parquet", USERS, required=("id",))
    _check_form(folder / "assignments.parquet", ASSIGNMENTS, required=tuple(ASSIGNMENTS.names))
    tables = {name: _table(folder / f"{name}.parquet", schema) for name, schema in SMALL_TABLES.items()}
    _check_states(folder / "groups.parquet", tables["groups"])
    return Snapshot(
        manifest=manifest,
        tables=tables,
        user_count=files["users.parquet"].rows,
        read_users=_Reader(folder),
        identity=digest,
        sku_ids=_sku_ids(folder / "assignments.parquet"),
    )


def identity_of(folder: Path) -> str:
    """Return the digest that stands for a snapshot's content, as `read` tells it; its files are not checked for it."""
    return _manifest(folder)[2]


def row_groups(folder: Path) -> int:
    """Return how many row groups the users of a snapshot folder stand in; its files are not checked for it."""
    found: int = _opened(folder / "users.parquet").num_row_groups
    return found


def read_row_groups(
    folder: Path, wanted: Collection[int], users: tuple[str, ...] | None, assignments: tuple[str, ...] | None
) -> Iterator[UserBatch]:
    """Yield some row groups of a snapshot folder, for those who share one snapshot between several machines."""
    return _Reader(folder).groups(users, assignments, wanted)


_CODES = (
    *(field.name for field in ASSIGNMENTS if pa.types.is_dictionary(field.type)),
    *(name for name in TEXT_PROPERTIES if name not in {"id", "userPrincipalName", "displayName", "mail"}),
)
"""Columns of few different values, which are read as codes: one comparison then stands for all who share a value."""
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
    except OSError as error:
        raise _unreadable(error) from error
    return decode(text, where=str(path))


def _check_all(promised: list[tuple[Path, FileEntry]]) -> None:
    """Check the files in their order, large ones two at a time: the digest lets go of the lock."""
    if sum(entry.size for _, entry in promised) < _WORTH_THREADS:
        for path, entry in promised:
            _check(path, entry)
        return
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  a small snapshot needs no threads

    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(_check, *zip(*promised, strict=True)))


_WORTH_THREADS = 8 << 20
"""Bytes from which on two threads read faster than one."""


def _check(path: Path, entry: FileEntry) -> None:
    """Hold a file against what the manifest promises."""
    if not path.is_file():
        raise SnapshotError("snapshot-damaged", f"{path} is missing", hint=_AGAIN)
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise _unreadable(error) from error
    if digest != entry.sha256:
        raise SnapshotError("snapshot-damaged", f"{path} is not the file that the manifest describes", hint=_AGAIN)
    if _opened(path).metadata.num_rows != entry.rows:
        raise SnapshotError("snapshot-damaged", f"{path} does not have the rows that the manifest tells", hint=_AGAIN)


def _check_states(path: Path, groups: pa.Table) -> None:
    known = {None, *(status.value for status in SourceStatus)}
    for name in ("membersStatus", "transitiveMembersStatus"):
        if not known.issuperset(groups.column(name).unique().to_pylist()):
            raise SnapshotError("snapshot-damaged", f"{path} has a state in {name} that nobody knows", hint=_AGAIN)


def _unreadable(error: OSError) -> SnapshotError:
    return SnapshotError(
        "snapshot-unreadable",
        f"{error.filename} cannot be read: {error.strerror}",
        hint="mend its permissions, or name another folder",
    )


def _check_form(path: Path, schema: pa.Schema, *, required: tuple[str, ...]) -> None:
    """Hold the columns of a file against the schema; codes may be written as dictionaries or as plain text."""
    found = _opened(path).schema_arrow
    _check_columns(path, found, required)
    for field in schema:
        if field.name in found.names and _plain(found.field(field.name).type) != _plain(field.type):
            raise SnapshotError("snapshot-damaged", f"{path} has a column {field.name} of another type", hint=_AGAIN)


def _check_columns(path: Path, found: pa.Schema, required: tuple[str, ...]) -> None:
    for name in required:
        if name not in found.names:
            raise SnapshotError("snapshot-damaged", f"{path} lacks the column {name}", hint=_AGAIN)


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _check_present(path: Path, found: pa.Table | pa.RecordBatch, schema: pa.Schema) -> None:
    """Refuse a gap in a column that has none."""
    for name in found.schema.names:
        if not schema.field(name).nullable and found.column(name).null_count:
            raise SnapshotError("snapshot-damaged", f"{path} has a gap in its column {name}", hint=_AGAIN)


def _opened(path: Path) -> pq.ParquetFile:
    try:
        names = set(pq.read_schema(path).names)
        return pq.ParquetFile(path, read_dictionary=[name for name in _CODES if name in names])
    except pa.ArrowInvalid as error:
        raise SnapshotError("snapshot-damaged", f"{path} is not a Parquet file: {error}", hint=_AGAIN) from error


def _table(path: Path, schema: pa.Schema) -> pa.Table:
    file = _opened(path)
    _check_columns(path, file.schema_arrow, tuple(schema.names))
    table = file.read(columns=schema.names).select(schema.names)
    _check_present(path, table, schema)
    try:
        return table.cast(schema)
    except pa.ArrowException as error:
        raise SnapshotError("snapshot-damaged", f"{path} has a column of another type: {error}", hint=_AGAIN) from error


def _sku_ids(path: Path) -> tuple[str, ...]:
    file = _opened(path)
    found: set[str] = set()
    for batch in file.iter_batches(columns=["skuId"], batch_size=1 << 20):
        _check_present(path, batch, ASSIGNMENTS)
        found.update(batch.column(0).unique().to_pylist())
    return tuple(sorted(found))


class _Reader:
    """Reads row group k of both files together; opens the files anew for each walk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(self, users: tuple[str, ...] | None, assignments: tuple[str, ...] | None) -> Iterator[UserBatch]:
        return self.groups(users, assignments, None)

    def groups(
        self, users: tuple[str, ...] | None, assignments: tuple[str, ...] | None, wanted: Collection[int] | None
    ) -> Iterator[UserBatch]:
        """Yield the wanted row groups, all for None; the others are not read."""
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
            rows = people.metadata.row_group(group).num_rows
            if wanted is None or group in wanted:
                batch = _one(people.read_row_group(group, columns=people_columns))
                linked = _one(links.read_row_group(group, columns=link_columns))
                _check_present(self._folder / "users.parquet", batch, USERS)
                _check_present(self._folder / "assignments.parquet", linked, ASSIGNMENTS)
                self._check_owners(linked, offset, offset + rows)
                yield UserBatch(users=batch, assignments=linked, offset=offset)
            offset += rows

    def _check_owners(self, links: pa.RecordBatch, first: int, end: int) -> None:
        """Hold the order of assignments: each belongs to a user of the same row group, in the users' order."""
        if links.num_rows == 0 or "user" not in links.schema.names:
            return
        owners = links.column("user").to_numpy()
        if owners[0] < first or owners[-1] >= end or (owners[1:] < owners[:-1]).any():
            raise SnapshotError(
                "snapshot-damaged", f"assignments of {self._folder} are out of step with its users", hint=_AGAIN
            )


def _present(file: pq.ParquetFile, schema: pa.Schema, wanted: tuple[str, ...] | None) -> list[str]:
    names = set(file.schema_arrow.names)
    return [field.name for field in schema if field.name in names and (wanted is None or field.name in wanted)]


def _one(table: pa.Table) -> pa.RecordBatch:
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)
