"""Arrow tables into a snapshot folder: whole, or not at all."""

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

from auditor.domain.errors import SnapshotError
from auditor.domain.message import Message
from auditor.files.folder import Folder
from auditor.files.names import tenant_name
from auditor.files.output import write_fully
from auditor.files.temporary import hold
from auditor.snapshot.file_digests import HeldFile, TableFile
from auditor.snapshot.manifest import encode
from auditor.snapshot.model import Manifest, Snapshot, UserBatch
from auditor.snapshot.parquet.integrity import CODES
from auditor.snapshot.schema import (
    ASSIGNMENTS,
    FILES,
    MEMBERS,
    MEMBERS_PER_ROW_GROUP,
    SMALL_TABLES,
    USERS,
    USERS_PER_ROW_GROUP,
)

_COMPRESSION = {"compression": "zstd", "compression_level": 1}
_WHOLE = {**_COMPRESSION, "write_statistics": False, "use_dictionary": False}
"""For the tables that are read whole, where statistics and codes save nobody anything."""
_LISTS = ("notCollected", "disabledPlans", "pathDisabledPlans")
_CODED = (*CODES, *(f"{name}.list.element" for name in _LISTS))
_LARGE: dict[str, Any] = {
    **_COMPRESSION,
    "use_dictionary": list(_CODED),
    "column_encoding": {"user": "DELTA_BINARY_PACKED"},
}
"""For users and assignments: ids, names and instants differ too much for codes, which would only make them longer."""
_PARTED: dict[str, Any] = {**_COMPRESSION, "use_dictionary": ["groupId"]}
"""For many members: statistics tell which row groups have those of a group."""
_FEW = 8_192
"""Users up to whom a first row group is kept back: where it stays the only one, it is written like a small table."""
_FEW_MEMBERS = 1 << 16
"""Members up to which their table is a small one."""
_MEMORY = 4 << 20
"""Bytes of whole files that wait in memory until the end."""


def folder_name(manifest: Manifest) -> str:
    """Return the folder of an instant: RFC 3339 in UTC without colons, which Windows does not allow in names."""
    return manifest.instant.strftime("%Y-%m-%dT%H%M%S") + (
        f".{manifest.instant.microsecond:06}Z" if manifest.instant.microsecond else "Z"
    )


class SnapshotWriter:
    """Writes the files of one snapshot into a hidden folder and renames it once, on `commit`.

    Users come in any number of `write_users` calls in order of id; everything else as whole tables. Leaving the
    `with` block without a commit removes what was written.
    """

    def __init__(self, root: Path, tenant: str, instant_folder: str) -> None:
        self._root = root
        self._target = root / tenant_name(tenant) / instant_folder
        if self._target.exists():
            raise _taken(self._target)
        # Processes of two containers may have one number, and write beside each other.
        self._hidden = f".{instant_folder}.partial-{os.urandom(8).hex()}-{os.getpid()}"
        self._folders: tuple[Folder, Folder, Folder] | None = None
        """The open root, the tenant's folder and the hidden one, once there is something to write."""
        self._rows = dict.fromkeys(FILES, 0)
        self._files: dict[str, TableFile | HeldFile] = {}
        self._manifest = b""
        self._room = _MEMORY
        self._kept: tuple[pa.RecordBatch, pa.Table] | None = None

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
        """Append one row group of users with all their assignments; `user` counts over the whole snapshot."""
        table = pa.Table.from_batches(
            [assignments if assignments.schema == ASSIGNMENTS else assignments.cast(ASSIGNMENTS)]
        )
        self._rows["users"] += users.num_rows
        self._rows["assignments"] += assignments.num_rows
        if "users" not in self._files and self._kept is None and users.num_rows <= _FEW:
            self._kept = users, table
            return
        self._append_kept()
        self._append(users, table)

    def _append_kept(self) -> None:
        kept, self._kept = self._kept, None
        if kept is not None:
            self._append(*kept)

    def _append(self, users: pa.RecordBatch, assignments: pa.Table) -> None:
        people, links = self._table("users", users.schema), self._table("assignments", ASSIGNMENTS)
        people.write_batch(users, row_group_size=max(1, users.num_rows))
        # An empty row group keeps the two files in step, group by group.
        links.write_table(assignments, row_group_size=max(1, assignments.num_rows))

    def write_table(self, name: str, table: pa.Table) -> None:
        """Write one of the other tables. Many members should come in the order of group, `transitive` and user.

        Their row groups are small, and an audit then reads few of them for a batch of users.
        """
        schema = SMALL_TABLES[name]
        cast = table if table.schema == schema else table.select(schema.names).cast(schema)
        if name == "members" and table.num_rows > _FEW_MEMBERS:
            self._append_members(cast)
        else:
            self._rows[name] = table.num_rows
            self._bytes(name, _whole(cast))

    def write_members(self, parts: Iterable[pa.Table]) -> None:
        """Write the members, which come in tables of the schema MEMBERS by group, `transitive` and user.

        All but the last of several tables have a multiple of MEMBERS_PER_ROW_GROUP rows; one is held at a time.
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
        file = self._table("members", MEMBERS, _PARTED)
        file.write_table(part.combine_chunks(), row_group_size=MEMBERS_PER_ROW_GROUP)

    def finish(self, manifest: Manifest) -> None:
        """End every file and make the manifest: nothing can be added any more. Small files still wait in memory."""
        if "users" not in self._files:
            users, assignments = self._kept or (_empty(USERS), ASSIGNMENTS.empty_table())
            self._kept = None
            self._bytes("users", _whole(pa.Table.from_batches([users])))
            self._bytes("assignments", _whole(assignments))
        for name in SMALL_TABLES:
            if name not in self._files:
                self._bytes(name, _empty_file(name))
        self._close()
        files = {f"{name}.parquet": self._files[name].entry(self._rows[name]) for name in FILES}
        self._manifest = encode(manifest, files)

    def publish(self) -> Path:
        """Write what waits, until the disk has every byte, then rename the folder; returns where the snapshot is.

        Whatever stops the machine, the folder's name stands for the whole snapshot or for nothing.
        """
        root, tenant, partial = self._begin()
        waiting: dict[str, bytes | memoryview] = {"manifest.json": self._manifest}
        large: list[TableFile] = []
        for name, file in self._files.items():
            if isinstance(file, HeldFile):
                waiting[f"{name}.parquet"] = file.content
            else:
                large.append(file)
        _write_all(partial, waiting)
        for file in large:
            file.settle()
        partial.sync()
        try:
            tenant.rename(self._hidden, self._target.name)
        except OSError as error:
            if error.errno in {errno.EEXIST, errno.ENOTEMPTY}:
                raise _taken(self._target) from error
            raise
        tenant.sync()
        root.sync()
        return self._target

    def publish_files(self, files: Iterable[tuple[str, bytes]], manifest: bytes) -> Path:
        """Write the files of a whole snapshot as they are, and publish; returns where the snapshot is."""
        for name, content in files:
            table = name.removesuffix(".parquet")
            if table in FILES:
                self._bytes(table, content)
        self._manifest = manifest
        return self.publish()

    def commit(self, manifest: Manifest) -> Path:
        """Finish and publish; returns where the snapshot is."""
        self.finish(manifest)
        return self.publish()

    def _begin(self) -> tuple[Folder, Folder, Folder]:
        """Make the folder, which small snapshots need only at the end, and hold it while this process is at it."""
        if self._folders is None:
            with ExitStack() as opened:
                root = opened.enter_context(Folder.made(self._root))
                tenant = opened.enter_context(root.folder(self._target.parent.name))
                partial = opened.enter_context(tenant.folder(self._hidden, new=True))
                hold(partial)
                self._folders = root, tenant, partial
                opened.pop_all()
        return self._folders

    def _file(self, name: str) -> TableFile:
        """Begin the file of a table."""
        *_, partial = self._begin()
        file = self._files[name] = TableFile(partial.create(f"{name}.parquet"))
        return file

    def _table(self, name: str, schema: pa.Schema, form: Mapping[str, Any] = _LARGE) -> pq.ParquetWriter:
        """Return what writes a table row group by row group."""
        file = self._files.get(name)
        if file is None:
            file = self._file(name)
            file.writer = pq.ParquetWriter(file, schema, **form)
        assert isinstance(file, TableFile)
        assert file.writer is not None
        return file.writer

    def _bytes(self, name: str, content: bytes | memoryview) -> None:
        """Take a whole file: it waits in memory, so that a fleet's small files are written while others are read."""
        if len(content) <= self._room:
            self._room -= len(content)
            self._files[name] = HeldFile(content)
            return
        file = self._file(name)
        file.write(content)
        file.close()

    def _close(self) -> None:
        for file in self._files.values():
            if isinstance(file, TableFile) and not file.closed:
                file.close()


def _taken(target: Path) -> SnapshotError:
    return SnapshotError(
        "snapshot-exists",
        Message("{target} exists already", target=target),
        hint=Message("choose another --output folder"),
    )


def _write_all(folder: Folder, contents: Mapping[str, bytes | memoryview]) -> None:
    """Write files, and have the disk take them: all are written before the first is waited for.

    Few calls, for each may have to wait until another thread lets go of the interpreter.
    """
    with ExitStack() as opened:
        numbers = []
        for name, content in contents.items():
            number = folder.create(name)
            opened.callback(os.close, number)
            numbers.append(number)
            write_fully(number, content)
        for number in numbers:
            os.fsync(number)


def write(root: Path, snapshot: Snapshot) -> Path:
    """Write a snapshot that is at hand under `root/<tenant>/<instant>/`; returns the folder."""
    manifest = snapshot.manifest
    with SnapshotWriter(root, manifest.tenant, folder_name(manifest)) as writer:
        for batch in snapshot.batches():
            for part in _row_groups(batch):
                writer.write_users(part.users, part.assignments)
        for name in SMALL_TABLES:
            writer.write_table(name, snapshot.table(name))
        return writer.commit(manifest)


def _row_groups(batch: UserBatch) -> list[UserBatch]:
    """Cut a batch into row groups of the usual size."""
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
    """Return the file of a table without rows: fleets of small tenants write many of them."""
    return bytes(_whole(SMALL_TABLES[name].empty_table()))


def _whole(table: pa.Table) -> memoryview:
    """Return the file of a table in one row group: made in memory, it costs half of what writing it in pieces does."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, row_group_size=max(1, table.num_rows), **_WHOLE)
    return memoryview(sink.getvalue())


def _empty(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([], schema=schema)
