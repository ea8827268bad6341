"""A snapshot folder into a Snapshot: found, checked against its digests, and read row group by row group."""

from collections.abc import Collection, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from auditor.domain.errors import SnapshotError
from auditor.domain.words import SourceStatus
from auditor.snapshot.checking import AGAIN, check_form, check_present, checked, opened, undecodable, unreadable
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
            raise SnapshotError("snapshot-damaged", f"{folder} does not list {name}.parquet", hint=AGAIN)
        promised.append((folder / f"{name}.parquet", entry))
    tables, sku_ids = _open_all(promised)
    _check_states(folder / "groups.parquet", tables["groups"])
    return Snapshot(
        manifest=manifest,
        tables=tables,
        user_count=files["users.parquet"].rows,
        read_users=_Reader(folder),
        identity=digest,
        sku_ids=sku_ids,
    )


def identity_of(folder: Path) -> str:
    """Return the digest that stands for a snapshot's content, as `read` tells it; its files are not checked for it."""
    return _manifest(folder)[2]


def row_groups(folder: Path) -> int:
    """Return how many row groups the users of a snapshot folder stand in; its files are not checked for it."""
    found: int = opened(folder / "users.parquet", codes=False).num_row_groups
    return found


def read_row_groups(
    folder: Path, wanted: Collection[int], users: tuple[str, ...] | None, assignments: tuple[str, ...] | None
) -> Iterator[UserBatch]:
    """Yield some row groups of a snapshot folder, for those who share one snapshot between several machines."""
    return _Reader(folder).groups(users, assignments, wanted)


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
        raise unreadable(error) from error
    return decode(text, where=str(path))


def _open_all(promised: list[tuple[Path, FileEntry]]) -> tuple[dict[str, pa.Table], tuple[str, ...]]:
    """Check the files and read the small tables and the ids of products; the first mistake in their order is told."""
    if sum(entry.size for _, entry in promised) < _WORTH_THREADS:
        found = [_open(path, entry) for path, entry in promised]
    else:
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  a small snapshot needs no threads

        # Digests and decoding let go of the lock.
        with ThreadPoolExecutor(max_workers=2) as pool:
            found = list(pool.map(_open, *zip(*promised, strict=True)))
    tables = {path.stem: table for (path, _), (table, _) in zip(promised, found, strict=True) if table is not None}
    return tables, tuple(sorted({sku_id for _, sku_ids in found for sku_id in sku_ids}))


_WORTH_THREADS = 8 << 20
"""Bytes from which on two threads read faster than one."""


def _open(path: Path, entry: FileEntry) -> tuple[pa.Table | None, set[str]]:
    """Hold a file against its promise and its schema; return it where it is a small table, and the held products."""
    file = checked(path, entry, codes=path.stem == "assignments")
    try:
        return _contents(path, file)
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise undecodable(path, error) from error


def _contents(path: Path, file: pq.ParquetFile) -> tuple[pa.Table | None, set[str]]:
    schema = file.schema_arrow
    match path.stem:
        case "users":
            check_form(path, schema, USERS, required=("id",))
            return None, set()
        case "assignments":
            check_form(path, schema, ASSIGNMENTS, required=tuple(ASSIGNMENTS.names))
            return None, _sku_ids(path, file)
        case name:
            return _table(path, file, SMALL_TABLES[name]), set()


def _check_states(path: Path, groups: pa.Table) -> None:
    known = {None, *(status.value for status in SourceStatus)}
    for name in ("membersStatus", "transitiveMembersStatus"):
        if not known.issuperset(groups.column(name).unique().to_pylist()):
            raise SnapshotError("snapshot-damaged", f"{path} has a state in {name} that nobody knows", hint=AGAIN)


def _table(path: Path, file: pq.ParquetFile, schema: pa.Schema) -> pa.Table:
    check_form(path, file.schema_arrow, pa.schema([]), required=tuple(schema.names))
    table = file.read(columns=schema.names, use_threads=False).select(schema.names)
    check_present(path, table, schema)
    if table.schema.equals(schema):
        return table
    try:
        return table.cast(schema)
    except pa.ArrowException as error:
        raise SnapshotError("snapshot-damaged", f"{path} has a column of another type: {error}", hint=AGAIN) from error


def _sku_ids(path: Path, file: pq.ParquetFile) -> set[str]:
    found: set[str] = set()
    for batch in file.iter_batches(columns=["skuId"], batch_size=1 << 20, use_threads=False):
        check_present(path, batch, ASSIGNMENTS)
        found.update(batch.column(0).unique().to_pylist())
    return found


_MANY = 10_000
"""Users of a row group from which on its columns are worth reading side by side."""


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
        people = opened(self._folder / "users.parquet", codes=True)
        links = opened(self._folder / "assignments.parquet", codes=True)
        if people.num_row_groups != links.num_row_groups:
            raise SnapshotError("snapshot-damaged", f"users and assignments of {self._folder} do not match", hint=AGAIN)
        people_columns = _present(people, USERS, users)
        link_columns = _present(links, ASSIGNMENTS, assignments)
        offset = 0
        for group in range(people.num_row_groups):
            rows = people.metadata.row_group(group).num_rows
            if wanted is None or group in wanted:
                threads = rows >= _MANY
                batch = self._rows("users", people, group, people_columns, threads=threads)
                linked = self._rows("assignments", links, group, link_columns, threads=threads)
                self._check_owners(linked, offset, offset + rows)
                yield UserBatch(users=batch, assignments=linked, offset=offset)
            offset += rows

    def _rows(
        self, name: str, file: pq.ParquetFile, group: int, columns: list[str], *, threads: bool
    ) -> pa.RecordBatch:
        path = self._folder / f"{name}.parquet"
        try:
            found = _one(file.read_row_group(group, columns=columns, use_threads=threads))
        except (pa.ArrowException, OSError) as error:
            raise undecodable(path, error) from error
        check_present(path, found, USERS if name == "users" else ASSIGNMENTS)
        return found

    def _check_owners(self, links: pa.RecordBatch, first: int, end: int) -> None:
        """Hold the order of assignments: each belongs to a user of the same row group, in the users' order."""
        if links.num_rows == 0 or "user" not in links.schema.names:
            return
        owners = links.column("user").to_numpy()
        if owners[0] < first or owners[-1] >= end or (owners[1:] < owners[:-1]).any():
            raise SnapshotError(
                "snapshot-damaged", f"assignments of {self._folder} are out of step with its users", hint=AGAIN
            )


def _present(file: pq.ParquetFile, schema: pa.Schema, wanted: tuple[str, ...] | None) -> list[str]:
    names = set(file.schema_arrow.names)
    return [field.name for field in schema if field.name in names and (wanted is None or field.name in wanted)]


def _one(table: pa.Table) -> pa.RecordBatch:
    batches = table.to_batches()
    if len(batches) > 1:
        batches = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)
