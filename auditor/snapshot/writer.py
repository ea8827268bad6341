"""Writes a snapshot folder atomically."""

import errno
import os
import shutil
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from functools import cache
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from auditor.domain.enums import Source
from auditor.domain.errors import SnapshotError
from auditor.domain.message import Message
from auditor.domain.policy.selector import USER_PROPERTIES
from auditor.files.folder import Folder
from auditor.files.names import name_of_instant, tenant_name
from auditor.files.output import write_fully
from auditor.files.temporary import lock
from auditor.snapshot.file_digests import TableFile, entry_of
from auditor.snapshot.manifest import encode
from auditor.snapshot.model import Manifest, Snapshot, UserBatch, one_batch
from auditor.snapshot.parquet.integrity import DICTIONARY_COLUMNS
from auditor.snapshot.schema import (
    ASSIGNMENTS,
    FILES,
    MEMBERS,
    MEMBERS_PER_ROW_GROUP,
    OPTIONAL_TABLES,
    REQUIRED_TABLES,
    SMALL_TABLES,
    USERS_PER_ROW_GROUP,
    users_schema,
)

_COMPRESSION = {"compression": "zstd", "compression_level": 1}
_SMALL_OPTIONS = {**_COMPRESSION, "write_statistics": False, "use_dictionary": False}
"""For tables that are read completely: statistics and dictionaries would not help."""
_LISTS = ("notCollected", "disabledPlans", "pathDisabledPlans")
_DICTIONARY_COLUMNS = (*DICTIONARY_COLUMNS, *(f"{name}.list.element" for name in _LISTS))
_USER_OPTIONS: dict[str, Any] = {
    **_COMPRESSION,
    "use_dictionary": list(_DICTIONARY_COLUMNS),
    "column_encoding": {"user": "DELTA_BINARY_PACKED"},
}
"""For users and assignments: most ids, names and timestamps are unique, so dictionaries would add size."""
_MEMBER_OPTIONS: dict[str, Any] = {**_COMPRESSION, "use_dictionary": ["groupId"]}
"""For large members tables: statistics show which row groups contain a group."""
_MAX_BUFFERED_USERS = 8_192
"""Users up to which the first row group is buffered, to be written like a small table if it is the only one."""
_MAX_SMALL_MEMBERS = 1 << 16
"""Members up to which the members table is written as a small table."""
_MAX_MEMORY = 4 << 20
"""Bytes of complete files kept in memory until the end."""


def folder_name(manifest: Manifest) -> str:
    """Return the name of a snapshot's folder."""
    return name_of_instant(manifest.instant)


class SnapshotWriter:
    """Writes the files of a snapshot to a hidden folder and renames it once, on `publish`.

    Users are written with any number of `write_users` calls, sorted by id; other tables with one call each. Leaving
    the `with` block without publishing removes everything that was written.
    """

    def __init__(self, root: Path, tenant: str, instant_folder: str) -> None:
        self._root = root
        self._target = root / tenant_name(tenant) / instant_folder
        if self._target.exists():
            raise _exists_error(self._target)
        # Processes in two containers may have the same process id.
        self._hidden = f".{instant_folder}.partial-{os.urandom(8).hex()}-{os.getpid()}"
        self._folders: tuple[Folder, Folder, Folder] | None = None
        """The open root, tenant folder and hidden folder, once there is something to write."""
        self._rows = dict.fromkeys((*FILES, *OPTIONAL_TABLES), 0)
        self._files: dict[str, TableFile | bytes | memoryview] = {}
        """The files on disk, and the content of those that are written when the snapshot is published."""
        self._manifest = b""
        self._memory_left = _MAX_MEMORY
        self._buffered: tuple[pa.RecordBatch, pa.Table] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._close()
        finally:
            for file in self._files.values():
                if isinstance(file, TableFile):
                    file.release()
            if self._folders is not None:
                for folder in self._folders:
                    folder.close()
                if (partial := self._folders[-1].path).exists():
                    shutil.rmtree(partial)

    def write_users(self, users: pa.RecordBatch, assignments: pa.RecordBatch) -> None:
        """Append a row group of users with all their assignments; `user` is a row number in the whole snapshot."""
        table = pa.Table.from_batches([assignments.cast(ASSIGNMENTS)])
        self._rows["users"] += users.num_rows
        self._rows["assignments"] += assignments.num_rows
        if "users" not in self._files and self._buffered is None and users.num_rows <= _MAX_BUFFERED_USERS:
            self._buffered = users, table
            return
        if self._buffered is not None:
            self._append(*self._buffered)
            self._buffered = None
        self._append(users, table)

    def _append(self, users: pa.RecordBatch, assignments: pa.Table) -> None:
        users_writer, assignments_writer = self._table("users", users.schema), self._table("assignments", ASSIGNMENTS)
        users_writer.write_batch(users, row_group_size=max(1, users.num_rows))
        # An empty row group keeps the row groups of the two files aligned.
        assignments_writer.write_table(assignments, row_group_size=max(1, assignments.num_rows))

    def write_table(self, name: str, table: pa.Table) -> None:
        """Write another table. A large members table should be sorted by group, `transitive` and user.

        Its row groups are small, so that an audit reads only a few of them per batch of users.
        """
        if name in OPTIONAL_TABLES and not table.num_rows:
            return
        schema = SMALL_TABLES[name]
        cast = table if table.schema == schema else table.select(schema.names).cast(schema)
        if name == "members" and table.num_rows > _MAX_SMALL_MEMBERS:
            self._append_members(cast)
        else:
            self._rows[name] = table.num_rows
            self._add_file(name, _table_file(cast))

    def write_members(self, parts: Iterable[pa.Table]) -> None:
        """Write the members from tables of the schema MEMBERS, sorted by group, `transitive` and user.

        All but the last table have a multiple of MEMBERS_PER_ROW_GROUP rows; one table is in memory at a time.
        """
        parts = iter(parts)
        first, second = next(parts, MEMBERS.empty_table()), next(parts, None)
        if second is None:
            self.write_table("members", first)
            return
        for part in chain((first, second), parts):
            self._append_members(part)

    def _append_members(self, part: pa.Table) -> None:
        self._rows["members"] += part.num_rows
        file = self._table("members", MEMBERS, _MEMBER_OPTIONS)
        file.write_table(part.combine_chunks(), row_group_size=MEMBERS_PER_ROW_GROUP)

    def finish(self, manifest: Manifest) -> None:
        """Complete all files and the manifest; nothing can be added afterwards."""
        if "users" not in self._files:
            requested = manifest.coverage(Source.USERS).asked
            empty = one_batch(users_schema({*USER_PROPERTIES, *requested}).empty_table()), ASSIGNMENTS.empty_table()
            users, assignments = self._buffered or empty
            self._buffered = None
            self._add_file("users", _table_file(pa.Table.from_batches([users])))
            self._add_file("assignments", _table_file(assignments))
        for name in REQUIRED_TABLES:
            if name not in self._files:
                self._add_file(name, _empty_file(name))
        self._close()
        files = {f"{name}.parquet": entry_of(file, self._rows[name]) for name, file in self._files.items()}
        self._manifest = encode(manifest, files)

    def publish(self) -> Path:
        """Flush pending files to disk, then rename the folder; returns its path.

        After a crash of the machine the folder is complete or absent.
        """
        root, tenant, partial = self._begin()
        pending: dict[str, bytes | memoryview] = {"manifest.json": self._manifest}
        pending |= {f"{name}.parquet": file for name, file in self._files.items() if not isinstance(file, TableFile)}
        _write_all(partial, pending)
        for file in self._files.values():
            if isinstance(file, TableFile):
                file.sync()
        partial.sync()
        try:
            tenant.rename(self._hidden, self._target.name)
        except OSError as error:
            if error.errno in {errno.EEXIST, errno.ENOTEMPTY}:
                raise _exists_error(self._target) from error
            raise
        tenant.sync()
        root.sync()
        return self._target

    def publish_files(self, files: Iterable[tuple[str, bytes]], manifest: bytes) -> Path:
        """Write the files of a complete snapshot unchanged, and publish; returns the folder."""
        for name, content in files:
            table = name.removesuffix(".parquet")
            if table in FILES or table in OPTIONAL_TABLES:
                self._add_file(table, content)
        self._manifest = manifest
        return self.publish()

    def commit(self, manifest: Manifest) -> Path:
        """Finish and publish; returns the folder."""
        self.finish(manifest)
        return self.publish()

    def _begin(self) -> tuple[Folder, Folder, Folder]:
        """Create the hidden folder, and keep it locked while this process writes to it."""
        if self._folders is None:
            with ExitStack() as stack:
                root = stack.enter_context(Folder.open_or_create(self._root))
                tenant = stack.enter_context(root.folder(self._target.parent.name))
                partial = stack.enter_context(tenant.folder(self._hidden, new=True))
                lock(partial)
                self._folders = root, tenant, partial
                stack.pop_all()
        return self._folders

    def _file(self, name: str) -> TableFile:
        """Create the file of a table."""
        *_, partial = self._begin()
        file = self._files[name] = TableFile(partial.create(f"{name}.parquet"))
        return file

    def _table(self, name: str, schema: pa.Schema, options: Mapping[str, Any] = _USER_OPTIONS) -> pq.ParquetWriter:
        """Return a Parquet writer for a table."""
        file = self._files.get(name)
        if file is None:
            file = self._file(name)
            file.writer = pq.ParquetWriter(file, schema, **options)
        assert isinstance(file, TableFile)
        assert file.writer is not None
        return file.writer

    def _add_file(self, name: str, content: bytes | memoryview) -> None:
        """Add a complete file; a small one is kept in memory, and written while other tenants are read."""
        if len(content) <= self._memory_left:
            self._memory_left -= len(content)
            self._files[name] = content
            return
        file = self._file(name)
        file.write(content)
        file.close()

    def _close(self) -> None:
        for file in self._files.values():
            if isinstance(file, TableFile) and not file.closed:
                file.close()


def _exists_error(target: Path) -> SnapshotError:
    return SnapshotError(
        "snapshot-exists",
        Message("{target} exists already", target=target),
        hint=Message("choose another --output folder"),
    )


def _write_all(folder: Folder, contents: Mapping[str, bytes | memoryview]) -> None:
    """Write files and flush them to disk; all are written before the first is flushed, in few calls."""
    with ExitStack() as stack:
        descriptors = []
        for name, content in contents.items():
            descriptor = folder.create(name)
            stack.callback(os.close, descriptor)
            descriptors.append(descriptor)
            write_fully(descriptor, content)
        for descriptor in descriptors:
            os.fsync(descriptor)


def write(root: Path, snapshot: Snapshot) -> Path:
    """Write a snapshot to `root/<tenant>/<instant>/`; returns the folder."""
    manifest = snapshot.manifest
    with SnapshotWriter(root, manifest.tenant, folder_name(manifest)) as writer:
        for batch in snapshot.batches():
            for part in _row_groups(batch):
                writer.write_users(part.users, part.assignments)
        for name in SMALL_TABLES:
            writer.write_table(name, snapshot.table(name))
        return writer.commit(manifest)


def _row_groups(batch: UserBatch) -> list[UserBatch]:
    """Split a batch into row groups."""
    owners = batch.assignments.column("user").to_numpy()
    parts = []
    for start in range(0, max(1, batch.users.num_rows), USERS_PER_ROW_GROUP):
        users = batch.users.slice(start, USERS_PER_ROW_GROUP)
        offset = batch.offset + start
        first, last = owners.searchsorted([offset, offset + users.num_rows])
        parts.append(UserBatch(users=users, assignments=batch.assignments.slice(first, last - first), offset=offset))
    return parts


@cache
def _empty_file(name: str) -> bytes:
    """Return the file of a table without rows, cached: fleets of small tenants write many of them."""
    return bytes(_table_file(SMALL_TABLES[name].empty_table()))


def _table_file(table: pa.Table) -> memoryview:
    """Return a table as a file with one row group; building it in memory takes half the time of a streaming writer."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, row_group_size=max(1, table.num_rows), **_SMALL_OPTIONS)
    return memoryview(sink.getvalue())
