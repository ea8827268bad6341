"""Reads the two files about users as batches: row group by row group, only the requested columns."""

from collections.abc import Collection, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from auditor.domain.message import Message
from auditor.snapshot.model import UserBatch, one_batch
from auditor.snapshot.parquet.bounds import damaged
from auditor.snapshot.parquet.integrity import UNREADABLE, UserIdOrder, cast_batch, check_present, opened, undecodable
from auditor.snapshot.schema import ASSIGNMENTS, USERS


def sku_ids_of(assignments_file: "UserFile") -> tuple[str, ...]:
    """Return the distinct SKUs in the assignments."""
    sku_ids: set[str] = set()
    for group in range(assignments_file.file.num_row_groups):
        batch = assignments_file.rows(group, ["skuId"], threads=False)
        sku_ids.update(batch.column(0).unique().to_pylist())
    return tuple(sorted(sku_ids))


def not_collected_of(users_file: "UserFile") -> frozenset[str]:
    """Return the properties that were not collected for at least one user."""
    names: set[str] = set()
    for group in range(users_file.file.num_row_groups) if users_file.present((_NOT_COLLECTED,)) else ():
        if not _is_empty(users_file.file.metadata.row_group(group), _NOT_COLLECTED):
            names.update(
                users_file.rows(group, [_NOT_COLLECTED], threads=False).column(0).flatten().unique().to_pylist()
            )
    return frozenset(names)


_NOT_COLLECTED = "notCollected"


def _is_empty(group: pq.RowGroupMetaData, name: str) -> bool:
    """Return whether a list column is known to have no entries in a row group."""
    column = _column(group, name)
    statistics = column.statistics
    return statistics is not None and bool(statistics.has_null_count and statistics.null_count == column.num_values)


def _last_id(group: pq.RowGroupMetaData) -> str | None:
    """Return the greatest and therefore last id of a row group; None if the footer has no statistics."""
    statistics = _column(group, "id").statistics
    last: str | None = statistics.max if statistics is not None and statistics.has_min_max else None
    return last


def _column(group: pq.RowGroupMetaData, name: str) -> pq.ColumnChunkMetaData:
    columns = (group.column(index) for index in range(group.num_columns))
    return next(column for column in columns if column.path_in_schema.partition(".")[0] == name)


class UserFile:
    """One of the two files about users, opened; a small file can cache the columns that were read."""

    def __init__(
        self, path: Path, file: pq.ParquetFile, file_schema: pa.Schema, schema: pa.Schema, *, caches_columns: bool
    ) -> None:
        self.file = file
        self._path = path
        self._schema = schema
        present = set(file_schema.names)
        self._names = tuple(name for name in schema.names if name in present)
        self.caches_columns = caches_columns and file.num_row_groups <= 1
        self._cached_columns: dict[str, pa.Array] = {}
        self.sku_ids: tuple[str, ...] = ()
        """Distinct SKUs in the assignments; set only for the assignments file, by `open_table_file`."""

    def present(self, requested: tuple[str, ...] | None) -> list[str]:
        """Return the requested columns that the file has, in the order of the schema."""
        return [name for name in self._names if requested is None or name in requested]

    def rows(self, group: int, columns: list[str], *, threads: bool) -> pa.RecordBatch:
        """Read columns of a row group."""
        if not self.caches_columns or not columns:
            return self._read(group, columns, threads=threads)
        missing = [name for name in columns if name not in self._cached_columns]
        if missing:
            batch = self._read(group, missing, threads=threads)
            self._cached_columns.update(zip(batch.schema.names, batch.columns, strict=True))
        return pa.RecordBatch.from_arrays([self._cached_columns[name] for name in columns], columns)

    def _read(self, group: int, columns: list[str], *, threads: bool) -> pa.RecordBatch:
        try:
            batch = one_batch(self.file.read_row_group(group, columns=columns, use_threads=threads))
        except UNREADABLE as error:
            raise undecodable(self._path, error) from error
        check_present(self._path, batch, self._schema)
        return cast_batch(self._path, batch, self._schema)


_MIN_THREADED_USERS = 10_000
"""Users of a row group from which its columns are read with threads."""


class UserFilesReader:
    """Reads row group k of both files together; large files are opened again for each pass."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open_files: tuple[UserFile, UserFile] | None = None

    def keep_open(self, users_file: UserFile, assignments_file: UserFile) -> None:
        """Keep small files open, until this is called for another snapshot: tenants are read one after the other."""
        for reader in _OPEN_READER:
            reader._open_files = None  # noqa: SLF001  of the same class
        self._open_files = (
            (users_file, assignments_file) if users_file.caches_columns and assignments_file.caches_columns else None
        )
        _OPEN_READER[:] = [self]

    def __call__(self, users: tuple[str, ...] | None, assignments: tuple[str, ...] | None) -> Iterator[UserBatch]:
        """Yield all row groups."""
        return self.groups(users, assignments, None)

    def groups(
        self, users: tuple[str, ...] | None, assignments: tuple[str, ...] | None, selected: Collection[int] | None
    ) -> Iterator[UserBatch]:
        """Yield the selected row groups (all for None); the others are not read."""
        users_file, assignments_file = self._open_files or open_user_files(self._folder)
        if users_file.file.num_row_groups != assignments_file.file.num_row_groups:
            raise damaged(Message("users and assignments of {folder} do not match", folder=self._folder))
        user_columns, assignment_columns = users_file.present(users), assignments_file.present(assignments)
        order, offset = UserIdOrder(self._folder / "users.parquet"), 0
        for group in range(users_file.file.num_row_groups):
            metadata = users_file.file.metadata.row_group(group)
            if selected is None or group in selected:
                threads = metadata.num_rows >= _MIN_THREADED_USERS
                # Not a variable: the columns are freed when the caller drops them, not when the next group is read.
                yield self._batch(
                    users_file.rows(group, user_columns, threads=threads),
                    assignments_file.rows(group, assignment_columns, threads=threads),
                    range(offset, offset + metadata.num_rows),
                    order,
                )
            else:
                order.last_id = _last_id(metadata)
            offset += metadata.num_rows

    def _batch(self, users: pa.RecordBatch, assignments: pa.RecordBatch, rows: range, order: UserIdOrder) -> UserBatch:
        """Return the columns of a row group; `rows` are its rows in the files.

        Raises SnapshotError if the columns are inconsistent.
        """
        if "id" in users.schema.names:
            order.check(users.column("id"))
        self._check_owners(assignments, rows.start, rows.stop)
        return UserBatch(users=users, assignments=assignments, offset=rows.start)

    def _check_owners(self, assignments: pa.RecordBatch, first: int, end: int) -> None:
        """Check that each assignment belongs to a user of the row group, and that they are in the order of users."""
        if assignments.num_rows == 0 or "user" not in assignments.schema.names:
            return
        owners = assignments.column("user").to_numpy()
        if owners[0] < first or owners[-1] >= end or (owners[1:] < owners[:-1]).any():
            raise damaged(Message("assignments of {folder} do not match its users", folder=self._folder))


def open_user_files(folder: Path) -> tuple[UserFile, UserFile]:
    """Open users and assignments of a snapshot folder, without checking them against the manifest."""
    return _open(folder / "users.parquet", USERS), _open(folder / "assignments.parquet", ASSIGNMENTS)


def _open(path: Path, schema: pa.Schema) -> UserFile:
    file = opened(path, codes=True)
    return UserFile(path, file, file.schema_arrow, schema, caches_columns=False)


_OPEN_READER: list[UserFilesReader] = []
"""The reader that keeps its files open, if there is one."""
