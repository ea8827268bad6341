"""Arrow tables into a snapshot folder: whole, or not at all."""

import hashlib
import os
import shutil
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

import pyarrow as pa
import pyarrow.parquet as pq

from auditor.domain.errors import SnapshotError
from auditor.snapshot.manifest import FileEntry, encode
from auditor.snapshot.model import Manifest, Snapshot, UserBatch
from auditor.snapshot.schema import ASSIGNMENTS, FILES, SMALL_TABLES, USERS, USERS_PER_ROW_GROUP

_COMPRESSION = {"compression": "zstd", "compression_level": 1}


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
        self._target = root / tenant / instant_folder
        if self._target.exists():
            raise SnapshotError(
                "snapshot-exists", f"{self._target} exists already", hint="choose another --output folder"
            )
        self._partial = root / tenant / f".{instant_folder}.partial-{os.getpid()}"
        self._partial.mkdir(parents=True, exist_ok=False)
        self._rows = dict.fromkeys(FILES, 0)
        self._users: pq.ParquetWriter | None = None
        self._assignments: pq.ParquetWriter | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()
        if self._partial.exists():
            shutil.rmtree(self._partial)

    def write_users(self, users: pa.RecordBatch, assignments: pa.RecordBatch) -> None:
        """Append one row group of users with all their assignments; `user` counts over the whole snapshot."""
        if self._users is None or self._assignments is None:
            self._users = self._open("users", users.schema)
            self._assignments = self._open("assignments", ASSIGNMENTS)
        self._users.write_batch(users, row_group_size=max(1, users.num_rows))
        # An empty row group keeps the two files in step, group by group.
        table = pa.Table.from_batches([assignments.cast(ASSIGNMENTS)])
        self._assignments.write_table(table, row_group_size=max(1, table.num_rows))
        self._rows["users"] += users.num_rows
        self._rows["assignments"] += assignments.num_rows

    def write_table(self, name: str, table: pa.Table) -> None:
        """Write one of the small tables whole."""
        cast = table.select(SMALL_TABLES[name].names).cast(SMALL_TABLES[name])
        pq.write_table(cast, self._partial / f"{name}.parquet", **_COMPRESSION)
        self._rows[name] = table.num_rows

    def commit(self, manifest: Manifest) -> Path:
        """Finish every file, write the manifest and rename the folder; returns where the snapshot is."""
        if self._users is None:
            self.write_users(_empty(USERS), _empty(ASSIGNMENTS))
        for name in SMALL_TABLES:
            path = self._partial / f"{name}.parquet"
            if not path.exists():
                path.write_bytes(_empty_file(name))
        self._close()
        files = {f"{name}.parquet": self._entry(name) for name in FILES}
        # Not waiting for the disk: after a power cut the digests tell a torn snapshot from a whole one.
        (self._partial / "manifest.json").write_bytes(encode(manifest, files))
        self._partial.rename(self._target)
        return self._target

    def _open(self, name: str, schema: pa.Schema) -> pq.ParquetWriter:
        return pq.ParquetWriter(self._partial / f"{name}.parquet", schema, **_COMPRESSION)

    def _close(self) -> None:
        for writer in (self._users, self._assignments):
            if writer is not None:
                writer.close()
        self._users = self._assignments = None

    def _entry(self, name: str) -> FileEntry:
        path = self._partial / f"{name}.parquet"
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        return FileEntry(rows=self._rows[name], size=path.stat().st_size, sha256=digest)


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
    sink = pa.BufferOutputStream()
    pq.write_table(SMALL_TABLES[name].empty_table(), sink, **_COMPRESSION)
    return bytes(sink.getvalue())


def _empty(schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([], schema=schema)
