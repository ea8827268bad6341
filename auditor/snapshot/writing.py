"""Arrow tables into a snapshot folder: whole, or not at all."""

import errno
import hashlib
import os
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from auditor.domain.errors import SnapshotError
from auditor.snapshot.checking import CODES
from auditor.snapshot.manifest import FileEntry, encode
from auditor.snapshot.model import Manifest, Snapshot, UserBatch
from auditor.snapshot.schema import (
    ASSIGNMENTS,
    FILES,
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


class _File:
    """A file being written whose digest is known when its last byte is."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("wb", buffering=0)
        self._digest = hashlib.sha256()
        self._size = 0
        self.closed = False
        self.writer: pq.ParquetWriter | None = None

    def write(self, data: bytes | memoryview) -> int:
        """Take some bytes, all of them."""
        rest = memoryview(data)
        self._digest.update(rest)
        self._size += rest.nbytes
        while rest:
            rest = rest[self._file.write(rest) :]
        return self._size

    def flush(self) -> None:
        """Do nothing: nothing is held back."""

    def tell(self) -> int:
        """Return how many bytes were taken."""
        return self._size

    def close(self) -> None:
        """End the table in the file, and the file."""
        writer, self.writer = self.writer, None
        try:
            if writer is not None:
                writer.close()
        finally:
            self.closed = True
            self._file.close()

    def entry(self, rows: int) -> FileEntry:
        """Return what the manifest promises of the file."""
        return FileEntry(rows=rows, size=self._size, sha256=self._digest.hexdigest())


class _Made:
    """A file that is made in memory, and goes to the disk with all the others at the end."""

    def __init__(self, content: bytes | memoryview) -> None:
        self.content = content

    def entry(self, rows: int) -> FileEntry:
        """Return what the manifest promises of the file."""
        return FileEntry(rows=rows, size=len(self.content), sha256=hashlib.sha256(self.content).hexdigest())


class SnapshotWriter:
    """Writes the files of one snapshot into a hidden folder and renames it once, on `commit`.

    Users come in any number of `write_users` calls in order of id; everything else as whole tables. Leaving the
    `with` block without a commit removes what was written.
    """

    def __init__(self, root: Path, tenant: str, instant_folder: str) -> None:
        self._target = root / tenant / instant_folder
        if self._target.exists():
            raise _taken(self._target)
        self._partial = root / tenant / f".{instant_folder}.partial-{os.getpid()}"
        self._rows = dict.fromkeys(FILES, 0)
        self._files: dict[str, _File | _Made] = {}
        self._manifest = b""
        self._begun = False
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
            if self._begun and self._partial.exists():
                shutil.rmtree(self._partial)

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
        self._rows[name] = table.num_rows
        if name == "members" and table.num_rows > _FEW_MEMBERS:
            members = self._table(name, schema, _PARTED)
            members.write_table(cast.combine_chunks(), row_group_size=MEMBERS_PER_ROW_GROUP)
        else:
            self._bytes(name, _whole(cast))

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
        self._begin()
        waiting: dict[str, bytes | memoryview] = {"manifest.json": self._manifest}
        large: list[Path] = []
        for name, file in self._files.items():
            if isinstance(file, _Made):
                waiting[f"{name}.parquet"] = file.content
            else:
                large.append(self._partial / f"{name}.parquet")
        _write_all(self._partial, waiting)
        for path in large:
            _settle(path, os.O_RDWR)
        _settle_folder(self._partial)
        try:
            self._partial.rename(self._target)
        except OSError as error:
            if error.errno in {errno.EEXIST, errno.ENOTEMPTY}:
                raise _taken(self._target) from error
            raise
        _settle_folder(self._target.parent)
        _settle_folder(self._target.parent.parent)
        return self._target

    def commit(self, manifest: Manifest) -> Path:
        """Finish and publish; returns where the snapshot is."""
        self.finish(manifest)
        return self.publish()

    def _begin(self) -> None:
        """Make the folder, which small snapshots need only at the end."""
        if not self._begun:
            self._partial.mkdir(parents=True, exist_ok=False)
            self._begun = True

    def _table(self, name: str, schema: pa.Schema, form: Mapping[str, Any] = _LARGE) -> pq.ParquetWriter:
        """Return what writes a table row group by row group."""
        file = self._files.get(name)
        if file is None:
            self._begin()
            file = self._files[name] = _File(self._partial / f"{name}.parquet")
            file.writer = pq.ParquetWriter(file, schema, **form)
        assert isinstance(file, _File)
        assert file.writer is not None
        return file.writer

    def _bytes(self, name: str, content: bytes | memoryview) -> None:
        """Take a whole file: it waits in memory, so that a fleet's small files are written while others are read."""
        if len(content) <= self._room:
            self._room -= len(content)
            self._files[name] = _Made(content)
            return
        self._begin()
        file = self._files[name] = _File(self._partial / f"{name}.parquet")
        file.write(content)
        file.close()

    def _close(self) -> None:
        for file in self._files.values():
            if isinstance(file, _File) and not file.closed:
                file.close()


def _taken(target: Path) -> SnapshotError:
    return SnapshotError("snapshot-exists", f"{target} exists already", hint="choose another --output folder")


def _write_all(folder: Path, contents: Mapping[str, bytes | memoryview]) -> None:
    """Write files, and have the disk take them: all are written before the first is waited for.

    Few calls, for each may have to wait until another thread lets go of the interpreter.
    """
    with ExitStack() as opened:
        numbers = []
        for name, content in contents.items():
            number = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
            opened.callback(os.close, number)
            numbers.append(number)
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(number, rest) :]
        for number in numbers:
            os.fsync(number)


def _settle(path: Path, flags: int) -> None:
    """Have the disk take what was written to a file or a folder."""
    number = os.open(path, flags)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _settle_folder(path: Path) -> None:
    """Have the disk take the names in a folder, where the system knows how to."""
    if os.name == "nt":  # folders cannot be opened there
        return
    try:
        _settle(path, os.O_RDONLY)
    except OSError as error:
        if error.errno not in {errno.EINVAL, errno.ENOTSUP}:  # as some network file systems say
            raise


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
