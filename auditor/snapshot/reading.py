"""A snapshot folder into a Snapshot: found, checked against its digests, and read row group by row group."""

from collections.abc import Collection, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from auditor.domain.errors import SnapshotError
from auditor.snapshot.checking import (
    AGAIN,
    cast_table,
    check_asked,
    check_form,
    check_lost,
    check_present,
    check_rows,
    check_states,
    check_unique,
    checked,
    conformed,
    opened,
    undecodable,
    unreadable,
)
from auditor.snapshot.manifest import FileEntry, decode
from auditor.snapshot.members import MemberFile, in_parts
from auditor.snapshot.model import Manifest, Snapshot, UserBatch
from auditor.snapshot.schema import ASSIGNMENTS, FILES, SMALL_TABLES, USERS

_DEPTH = 2
"""A root holds tenants, a tenant holds instants."""


def find(place: Path) -> tuple[Path, ...]:
    """Return the snapshot folders a path stands for: itself, or the latest of each tenant below it, by tenant name.

    Raises SnapshotError where there is none, or one lost its manifest; hidden folders are still being written.
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
    tables, people, links, members = _open_all(promised)
    check_states(folder / "groups.parquet", tables["groups"])
    check_asked(folder / "users.parquet", people.present(None), manifest)
    reader = _Reader(folder)
    reader.keep(people, links)
    return Snapshot(
        manifest=manifest,
        tables=tables,
        user_count=files["users.parquet"].rows,
        read_users=reader,
        identity=digest,
        sku_ids=links.sku_ids,
        # A small file is read whole anyway.
        not_collected=None if people.keeps else _not_collected(people),
        members=members,
    )


def identity_of(folder: Path) -> str:
    """Return the digest that stands for a snapshot's content, as `read` tells it; its files are not checked for it."""
    return _manifest(folder)[2]


def user_count_of(folder: Path) -> int:
    """Return how many users a snapshot folder promises; its files are not looked at for it."""
    entry = _manifest(folder)[1].get("users.parquet")
    return 0 if entry is None else entry.rows


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
            continue
        check_lost(child)
        if depth > 1:
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


def _open_all(
    promised: list[tuple[Path, FileEntry]],
) -> tuple[dict[str, pa.Table], "_File", "_File", MemberFile | None]:
    """Check the files, read the small tables and open the large ones; the first mistake in their order is told."""
    if sum(entry.size for _, entry in promised) < _WORTH_THREADS:
        found = [_open(path, entry) for path, entry in promised]
    else:
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  a small snapshot needs no threads

        # Digests and decoding let go of the lock.
        with ThreadPoolExecutor(max_workers=2) as pool:
            found = list(pool.map(_open, *zip(*promised, strict=True)))
    people, links = (file for file in found if isinstance(file, _File))
    tables = {path.stem: table for (path, _), table in zip(promised, found, strict=True) if isinstance(table, pa.Table)}
    return tables, people, links, next((file for file in found if isinstance(file, MemberFile)), None)


_WORTH_THREADS = 8 << 20
"""Bytes from which on two threads read faster than one."""


def _open(path: Path, entry: FileEntry) -> "pa.Table | _File | MemberFile":
    """Hold a file against its promise and its schema; a small table is read."""
    content = checked(path, entry)
    schema = SMALL_TABLES.get(path.stem)
    if schema is not None:
        if content is None and path.stem == "members":
            members = in_parts(path, entry)
            if members is not None:
                return members
        return _table(path, entry, content, schema)
    file = opened(path, codes=True, content=content)
    check_rows(path, file.metadata.num_rows, entry.rows)
    try:
        form = file.schema_arrow
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise undecodable(path, error) from error
    if path.stem == "users":
        check_form(path, form, USERS, required=("id",))
        return _File(path, file, form, USERS, keeps=content is not None)
    check_form(path, form, ASSIGNMENTS, required=tuple(ASSIGNMENTS.names))
    found = _File(path, file, form, ASSIGNMENTS, keeps=content is not None)
    try:
        found.sku_ids = _sku_ids(found)
    except UnicodeDecodeError as error:
        raise undecodable(path, error) from error
    return found


def _table(path: Path, entry: FileEntry, content: bytes | None, schema: pa.Schema) -> pa.Table:
    """Read a small table; one that was read of another tenant, byte for byte, is the same."""
    known = _KNOWN.get((path.stem, entry.sha256))
    if known is None:
        file = opened(path, codes=False, content=content)
        check_rows(path, file.metadata.num_rows, entry.rows)
        try:
            known = _read_table(path, file, schema)
        except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
            raise undecodable(path, error) from error
        if content is not None and len(content) <= _SHARED:
            if len(_KNOWN) >= _MOST_KNOWN:
                _KNOWN.clear()
            _KNOWN[path.stem, entry.sha256] = known
    check_rows(path, known.num_rows, entry.rows)
    return known


_KNOWN: dict[tuple[str, str], pa.Table] = {}
"""Small tables by name and digest: tenants of one provider have many in common, above all the empty ones."""
_SHARED = 1 << 14
"""Bytes of a file up to which its table is kept for other tenants."""
_MOST_KNOWN = 64


def _read_table(path: Path, file: pq.ParquetFile, schema: pa.Schema) -> pa.Table:
    form = file.schema_arrow
    check_form(path, form, schema, required=tuple(schema.names))
    return cast_table(path, file.read(columns=schema.names, use_threads=False).select(schema.names), schema)


def _sku_ids(links: "_File") -> tuple[str, ...]:
    found: set[str] = set()
    for group in range(links.file.num_row_groups):
        batch = links.rows(group, ["skuId"], threads=False)
        found.update(batch.column(0).unique().to_pylist())
    return tuple(sorted(found))


def _not_collected(people: "_File") -> frozenset[str]:
    found: set[str] = set()
    for group in range(people.file.num_row_groups) if people.present((_GAPS,)) else ():
        if not _is_empty(people.file.metadata.row_group(group), _GAPS):
            found.update(people.rows(group, [_GAPS], threads=False).column(0).flatten().unique().to_pylist())
    return frozenset(found)


_GAPS = "notCollected"


def _is_empty(group: pq.RowGroupMetaData, name: str) -> bool:
    """Tell whether a column of lists is known to have no entry in a row group."""
    columns = (group.column(place) for place in range(group.num_columns))
    column = next(each for each in columns if each.path_in_schema.partition(".")[0] == name)
    told = column.statistics
    return told is not None and bool(told.has_null_count and told.null_count == column.num_values)


class _File:
    """One of the two files about people, opened; a small one keeps the columns that were read of it."""

    def __init__(self, path: Path, file: pq.ParquetFile, form: pa.Schema, schema: pa.Schema, *, keeps: bool) -> None:
        self.file = file
        self._path = path
        self._schema = schema
        present = set(form.names)
        self._names = tuple(name for name in schema.names if name in present)
        self.keeps = keeps and file.num_row_groups <= 1
        self._kept: dict[str, pa.Array] = {}
        self.sku_ids: tuple[str, ...] = ()
        """The products that are held, where they were asked for."""

    def present(self, wanted: tuple[str, ...] | None) -> list[str]:
        """Return those of the wanted columns that the file has, in the order of the schema."""
        return [name for name in self._names if wanted is None or name in wanted]

    def rows(self, group: int, columns: list[str], *, threads: bool) -> pa.RecordBatch:
        """Read some columns of a row group."""
        if not self.keeps or not columns:
            return self._read(group, columns, threads=threads)
        missing = [name for name in columns if name not in self._kept]
        if missing:
            batch = self._read(group, missing, threads=threads)
            self._kept.update(zip(batch.schema.names, batch.columns, strict=True))
        return pa.RecordBatch.from_arrays([self._kept[name] for name in columns], columns)

    def _read(self, group: int, columns: list[str], *, threads: bool) -> pa.RecordBatch:
        try:
            found = _one(self.file.read_row_group(group, columns=columns, use_threads=threads))
        except (pa.ArrowException, OSError) as error:
            raise undecodable(self._path, error) from error
        check_present(self._path, found, self._schema)
        return conformed(self._path, found, self._schema)


_MANY = 10_000
"""Users of a row group from which on its columns are worth reading side by side."""


class _Reader:
    """Reads row group k of both files together; opens large files anew for each walk."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._kept: tuple[_File, _File] | None = None

    def keep(self, people: _File, links: _File) -> None:
        """Keep small files at hand, until those of another snapshot are: tenants are walked one after the other."""
        for other in _AT_HAND:
            other._kept = None  # noqa: SLF001  of the same class
        self._kept = (people, links) if people.keeps and links.keeps else None
        _AT_HAND[:] = [self]

    def __call__(self, users: tuple[str, ...] | None, assignments: tuple[str, ...] | None) -> Iterator[UserBatch]:
        return self.groups(users, assignments, None)

    def groups(
        self, users: tuple[str, ...] | None, assignments: tuple[str, ...] | None, wanted: Collection[int] | None
    ) -> Iterator[UserBatch]:
        """Yield the wanted row groups, all for None; the others are not read."""
        people, links = self._kept or (self._opened("users", USERS), self._opened("assignments", ASSIGNMENTS))
        if people.file.num_row_groups != links.file.num_row_groups:
            raise SnapshotError("snapshot-damaged", f"users and assignments of {self._folder} do not match", hint=AGAIN)
        people_columns, link_columns = people.present(users), links.present(assignments)
        offset, before = 0, None
        for group in range(people.file.num_row_groups):
            rows = people.file.metadata.row_group(group).num_rows
            if wanted is None or group in wanted:
                threads = rows >= _MANY
                batch = people.rows(group, people_columns, threads=threads)
                if "id" in people_columns:
                    before = check_unique(self._folder / "users.parquet", batch.column("id"), before)
                linked = links.rows(group, link_columns, threads=threads)
                self._check_owners(linked, offset, offset + rows)
                yield UserBatch(users=batch, assignments=linked, offset=offset)
            offset += rows

    def _opened(self, name: str, schema: pa.Schema) -> _File:
        path = self._folder / f"{name}.parquet"
        file = opened(path, codes=True)
        return _File(path, file, file.schema_arrow, schema, keeps=False)

    def _check_owners(self, links: pa.RecordBatch, first: int, end: int) -> None:
        """Hold the order of assignments: each belongs to a user of the same row group, in the users' order."""
        if links.num_rows == 0 or "user" not in links.schema.names:
            return
        owners = links.column("user").to_numpy()
        if owners[0] < first or owners[-1] >= end or (owners[1:] < owners[:-1]).any():
            raise SnapshotError(
                "snapshot-damaged", f"assignments of {self._folder} are out of step with its users", hint=AGAIN
            )


def _one(table: pa.Table) -> pa.RecordBatch:
    batches = table.to_batches()
    if len(batches) > 1:
        batches = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)


_AT_HAND: list[_Reader] = []
"""The reader that keeps its files, if any."""
