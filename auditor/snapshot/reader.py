"""Opens a snapshot folder: checks it against its digests, and reads it row group by row group."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from auditor.domain.errors import SnapshotError
from auditor.domain.message import Message
from auditor.files import input as files
from auditor.snapshot.manifest import FileEntry, decode
from auditor.snapshot.model import Manifest, Snapshot
from auditor.snapshot.parquet.bounds import check_footer, damaged
from auditor.snapshot.parquet.integrity import (
    UNREADABLE,
    cast_table,
    check_form,
    check_requested,
    check_rows,
    check_states,
    checked,
    opened,
    size_of,
    undecodable,
    unreadable,
)
from auditor.snapshot.parquet.members import MemberFile, open_in_parts
from auditor.snapshot.parquet.row_group_access import RowGroupFacts
from auditor.snapshot.parquet.user_files import UserFile, UserFilesReader, not_collected_of, sku_ids_of
from auditor.snapshot.schema import (
    ADDED_COLUMNS,
    ASSIGNMENTS,
    FILES,
    OPTIONAL_TABLES,
    SMALL_TABLES,
    USERS,
    with_added_columns,
)


def manifest_of(folder: Path) -> Manifest:
    """Return the manifest of a snapshot folder, without reading its other files."""
    return _manifest(folder)[0]


def read(folder: Path, row_group_facts: RowGroupFacts | None = None) -> Snapshot:
    """Open a snapshot folder. Raises SnapshotError if it is damaged, foreign or newer.

    With row group facts, the files about users are only opened: they were checked when the facts were computed, and
    `read_row_group` compares the bytes that it reads with them.
    """
    manifest, files, digest = _manifest(folder)
    names = (*FILES, *(name for name in OPTIONAL_TABLES if f"{name}.parquet" in files))
    listed_files = [_listed_file(folder, files, name) for name in names]
    tables, users_file, assignments_file, members = _open_all(listed_files, row_group_facts)
    check_states(folder / "groups.parquet", tables["groups"])
    check_requested(folder / "users.parquet", users_file.present(None), manifest, rows=listed_files[0][1].rows)
    reader = UserFilesReader(folder)
    reader.keep_open(users_file, assignments_file)
    return Snapshot(
        manifest=manifest,
        tables=tables,
        user_count=files["users.parquet"].rows,
        read_users=reader,
        identity=digest,
        sku_ids=assignments_file.sku_ids,
        not_collected=_not_collected(users_file, row_group_facts),
        members=members,
    )


def products_of(folder: Path) -> pa.Table:
    """Return the SKUs of a snapshot without reading other files. Raises SnapshotError as `read` does."""
    path, entry = _listed_file(folder, _manifest(folder)[1], "products")
    return _table(path, entry, checked(path, entry), SMALL_TABLES["products"])


def _listed_file(folder: Path, files: Mapping[str, FileEntry], name: str) -> tuple[Path, FileEntry]:
    """Return the path of a table's file and its entry in the manifest."""
    entry = files.get(f"{name}.parquet")
    if entry is None:
        raise damaged(Message("{folder} does not list {name}.parquet", folder=folder, name=name))
    return folder / f"{name}.parquet", entry


def identity_of(folder: Path) -> str:
    """Return the digest of a snapshot's content from its manifest; the files are not checked."""
    return _manifest(folder)[2]


def _manifest(folder: Path) -> tuple[Manifest, dict[str, FileEntry], str]:
    return decode(manifest_text(folder), where=str(folder / "manifest.json"))


def content_of(path: Path) -> bytes:
    """Return the bytes of a file of a snapshot. Raises SnapshotError if it cannot be read."""
    try:
        return files.read(path, max_bytes=files.COLUMNS)
    except OSError as error:
        raise unreadable(error) from error


def manifest_text(folder: Path) -> bytes:
    """Return the text of a snapshot's manifest. Raises SnapshotError if it cannot be read."""
    try:
        return files.read(folder / "manifest.json", max_bytes=files.MANIFEST)
    except FileNotFoundError as error:
        raise SnapshotError(
            "snapshot-missing",
            Message("{folder} has no manifest.json", folder=folder),
            hint=Message("specify a folder that `auditor collect` wrote"),
        ) from error
    except OSError as error:
        raise unreadable(error) from error


def _open_all(
    listed_files: list[tuple[Path, FileEntry]], row_group_facts: RowGroupFacts | None
) -> tuple[dict[str, pa.Table], "UserFile", "UserFile", MemberFile | None]:
    """Check the files, read the small tables and open the large ones; raises the first error in their order."""
    if row_group_facts is not None or sum(entry.size for _, entry in listed_files) < _MIN_THREADED_BYTES:
        contents = [open_table_file(path, entry, row_group_facts) for path, entry in listed_files]
    else:
        from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415  a small snapshot needs no threads

        # Digests and decoding release the interpreter lock.
        with ThreadPoolExecutor(max_workers=2) as pool:
            contents = list(pool.map(partial(open_table_file, row_group_facts=None), *zip(*listed_files, strict=True)))
    users_file, assignments_file = (file for file in contents if isinstance(file, UserFile))
    tables = {
        path.stem: table for (path, _), table in zip(listed_files, contents, strict=True) if isinstance(table, pa.Table)
    }
    return tables, users_file, assignments_file, next((file for file in contents if isinstance(file, MemberFile)), None)


def _not_collected(users_file: UserFile, row_group_facts: RowGroupFacts | None) -> frozenset[str] | None:
    if row_group_facts is not None:
        return row_group_facts.not_collected
    # Not determined for a small file, which is read completely anyway.
    return None if users_file.caches_columns else not_collected_of(users_file)


_MIN_THREADED_BYTES = 8 << 20
"""Bytes from which two threads are faster than one."""


def open_table_file(
    path: Path, entry: FileEntry, row_group_facts: RowGroupFacts | None
) -> "pa.Table | UserFile | MemberFile":
    """Check a file against its entry and schema; a small table is also read."""
    schema = SMALL_TABLES.get(path.stem)
    content = checked(path, entry) if schema is not None or row_group_facts is None else None
    if schema is not None:
        if content is None and path.stem == "members":
            members = open_in_parts(path, entry)
            if members is not None:
                return members
        return _table(path, entry, content, schema)
    file = opened(path, codes=True, content=content)
    check_rows(path, file.metadata.num_rows, entry.rows)
    try:
        file_schema = file.schema_arrow
    except UNREADABLE as error:
        raise undecodable(path, error) from error
    if path.stem == "users":
        check_form(path, file_schema, USERS, required=("id",))
        return UserFile(path, file, file_schema, USERS, caches_columns=content is not None)
    check_form(path, file_schema, ASSIGNMENTS, required=tuple(ASSIGNMENTS.names))
    assignments = UserFile(path, file, file_schema, ASSIGNMENTS, caches_columns=content is not None)
    try:
        assignments.sku_ids = sku_ids_of(assignments) if row_group_facts is None else row_group_facts.sku_ids
    except UNREADABLE as error:
        raise undecodable(path, error) from error
    return assignments


def _table(path: Path, entry: FileEntry, content: bytes | None, schema: pa.Schema) -> pa.Table:
    """Read a small table, or return the cached one with the same bytes."""
    cached = _TABLE_CACHE.get((path.stem, entry.sha256))
    if cached is None:
        file = opened(path, codes=False, content=content)
        check_rows(path, file.metadata.num_rows, entry.rows)
        try:
            check_footer(path, file.metadata, size_of(path, content), whole=True)
            cached = _read_table(path, file, schema)
        except UNREADABLE as error:
            raise undecodable(path, error) from error
        if content is not None and len(content) <= _MAX_CACHED_BYTES:
            if len(_TABLE_CACHE) >= _MAX_CACHED:
                _TABLE_CACHE.clear()
            _TABLE_CACHE[path.stem, entry.sha256] = cached
    check_rows(path, cached.num_rows, entry.rows)
    return cached


_TABLE_CACHE: dict[tuple[str, str], pa.Table] = {}
"""Small tables by name and digest: tenants share many of them, especially empty ones."""
_MAX_CACHED_BYTES = 1 << 14
"""Bytes up to which the table of a file is cached."""
_MAX_CACHED = 64


def _read_table(path: Path, file: pq.ParquetFile, schema: pa.Schema) -> pa.Table:
    file_schema = file.schema_arrow
    added = set(ADDED_COLUMNS.get(path.stem, ()))
    missing = added if added.isdisjoint(file_schema.names) else set()
    names = [name for name in schema.names if name not in missing]
    check_form(path, file_schema, schema, required=tuple(names))
    table = file.read(columns=names, use_threads=False).select(names)
    return cast_table(path, with_added_columns(table, path.stem), schema)
