"""Opens the Parquet files of a snapshot and checks them: digest, rows, columns, types and nulls."""

import hashlib
import os
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from auditor.domain import message
from auditor.domain.enums import Source, SourceStatus
from auditor.domain.errors import SnapshotError
from auditor.domain.message import Message
from auditor.domain.policy.selector import TEXT_PROPERTIES
from auditor.files import input as files
from auditor.snapshot.manifest import FileEntry
from auditor.snapshot.model import Manifest
from auditor.snapshot.parquet.bounds import (
    check_expanded,
    check_footer,
    check_sound,
    damaged,
    expanding_columns,
    is_small_file,
)
from auditor.snapshot.schema import ASSIGNMENTS, FILES, REPORT_COLUMNS, SIGN_IN_COLUMNS, USERS

DICTIONARY_COLUMNS = (
    *(field.name for field in ASSIGNMENTS if pa.types.is_dictionary(field.type)),
    *(name for name in TEXT_PROPERTIES if name not in {"id", "userPrincipalName", "displayName", "mail"}),
)
"""Columns with few distinct values; they are read as dictionaries, so that each distinct value is compared once."""

_MAX_BUFFERED = 1 << 20
"""Bytes up to which a file is read into a buffer once, which is faster than opening it twice."""


INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d{6}(\.\d{6})?Z")
"""The names of snapshot folders that this program writes."""


def check_lost(folder: Path) -> None:
    """Raise SnapshotError for a folder that has files of a snapshot but no manifest."""
    try:
        names = {path.stem for path in folder.iterdir() if path.suffix == ".parquet"}
    except OSError as error:
        raise unreadable(error) from error
    # A folder with another name may contain unrelated tables.
    if {"users", "assignments"} <= names or (INSTANT.fullmatch(folder.name) and names.intersection(FILES)):
        raise lost(folder)


def lost(folder: Path) -> SnapshotError:
    """Return the error for the folder of a snapshot without a manifest."""
    return SnapshotError(
        "snapshot-damaged",
        Message("{folder} is the folder of a snapshot, but has no manifest.json", folder=folder),
        hint=Message("restore it from a copy, or move it away and collect the tenant again"),
    )


def checked(path: Path, entry: FileEntry) -> bytes | None:
    """Check a file against the digest of its entry; returns the content of a small one. Raises SnapshotError."""
    try:
        with files.opened(path, max_bytes=files.COLUMNS) as file:
            content = file.read(_MAX_BUFFERED) if os.fstat(file.fileno()).st_size <= _MAX_BUFFERED else None
            digest = hashlib.sha256(content) if content is not None else hashlib.file_digest(file, "sha256")
    except FileNotFoundError as error:
        raise damaged(Message("{path} is missing", path=path)) from error
    except OSError as error:
        raise unreadable(error) from error
    if digest.hexdigest() != entry.sha256:
        raise damaged(Message("{path} is not the file that the manifest describes", path=path))
    return content


def check_rows(path: Path, rows: int, expected: int) -> None:
    """Raise SnapshotError if the number of rows of a file or a part differs from the manifest or the footer."""
    if rows != expected:
        raise damaged(Message("{path} does not have the number of rows in the manifest", path=path))


def opened(path: Path, *, codes: bool, content: bytes | None = None) -> pq.ParquetFile:
    """Open a Parquet file, or its buffered content; with `codes`, read DICTIONARY_COLUMNS as dictionaries."""
    try:
        size = size_of(path, content)
        assumed = _LATEST_DICTIONARIES.get(path.name, []) if codes else []
        try:
            file = pq.ParquetFile(_source(path, content), read_dictionary=assumed)
        except KeyError:  # this file lacks a column of the previous one
            file, assumed = pq.ParquetFile(_source(path, content)), []
        footer = file.metadata
        check_footer(path, footer, size, whole=False)
        names = {footer.schema.column(index).path for index in range(footer.num_columns)}
        dictionaries = [name for name in DICTIONARY_COLUMNS if name in names] if codes else []
        if content is None or not is_small_file(footer, size):
            dictionaries += [name for name in expanding_columns_of(path, footer, content) if name not in dictionaries]
        if dictionaries == assumed:
            return file
        if codes:
            _LATEST_DICTIONARIES[path.name] = dictionaries
        return pq.ParquetFile(_source(path, content), metadata=footer, read_dictionary=dictionaries)
    except UNREADABLE as error:
        raise undecodable(path, error) from error


def size_of(path: Path, content: bytes | None) -> int:
    """Return the size of a file in bytes. Raises OSError if it is not a regular file."""
    if content is not None:
        return len(content)
    with files.opened(path, max_bytes=files.COLUMNS) as file:
        return os.fstat(file.fileno()).st_size


def expanding_columns_of(path: Path, footer: pq.FileMetaData, content: bytes | None) -> list[str]:
    """Return the `expanding_columns` of an open file, cached by its footer. Raises SnapshotError."""
    raw = _footer(path, content)
    fingerprint = hashlib.sha256(raw).digest()
    cached = _EXPANDING_CACHE.get(fingerprint)
    if cached is None:
        cached = expanding_columns(path, footer, raw)
        if len(_EXPANDING_CACHE) >= _MAX_CACHED:
            _EXPANDING_CACHE.clear()
        _EXPANDING_CACHE[fingerprint] = cached
    return cached


_EXPANDING_CACHE: dict[bytes, list[str]] = {}
"""Digest of a footer → expanding columns; large files are opened again for each pass over users."""
_MAX_CACHED = 64


def _footer(path: Path, content: bytes | None) -> bytes:
    """Return the bytes of the footer of a file that Arrow opened."""
    if content is not None:
        return content[-TAIL_BYTES - int.from_bytes(content[-TAIL_BYTES:-4], "little") : -TAIL_BYTES]
    with files.opened(path, max_bytes=files.COLUMNS) as file:
        end = file.seek(-TAIL_BYTES, os.SEEK_END)
        length = int.from_bytes(file.read(4), "little")
        file.seek(max(0, end - length))
        return file.read(min(length, end))


TAIL_BYTES = 8
"""Bytes after a footer: its length and the magic number PAR1 (parquet.apache.org/docs/file-format)."""
_LATEST_DICTIONARIES: dict[str, list[str]] = {}
"""File name → dictionary columns of the latest file; those of the next tenant are mostly equal."""


UNREADABLE = (pa.ArrowException, OSError, UnicodeDecodeError, OverflowError)
"""Exceptions that Arrow raises for bytes that are not Parquet, and for impossible names and sizes."""


def undecodable(path: Path, error: BaseException) -> SnapshotError:
    """Return the error for a file: `unreadable` if the system refused to read it, else `damaged`."""
    if isinstance(error, OSError) and error.errno is not None:
        return unreadable(error)
    return damaged(Message("{path} is not a Parquet file: {error}", path=path, error=error))


def unreadable(error: OSError) -> SnapshotError:
    """Return the error for a file that the system refused to read."""
    return SnapshotError(
        "snapshot-unreadable",
        message.unreadable(error.filename or Message("a file"), error),
        hint=Message("correct its permissions, or specify another folder"),
    )


def check_form(path: Path, file_schema: pa.Schema, schema: pa.Schema, *, required: tuple[str, ...]) -> None:
    """Check the columns of a file against the schema; equivalent Parquet types are accepted."""
    names = set(file_schema.names)
    if len(names) < len(file_schema.names):
        raise damaged(Message("{path} has two columns with the same name", path=path))
    for name in required:
        if name not in names:
            raise damaged(Message("{path} lacks the column {name}", path=path, name=name))
    for field in schema:
        if field.name in names and not _is_equivalent(file_schema.field(field.name).type, field.type):
            raise _other_type(path, " ".join((field.name, str(file_schema.field(field.name).type))))


def cast_batch(path: Path, rows: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Convert columns of an equivalent type to the type that the engine reads.

    Raises SnapshotError if this would lose information, for example for timestamps finer than microseconds.
    """
    check_expanded(path, rows)
    columns = []
    for name, column in zip(rows.schema.names, rows.columns, strict=True):
        expected = pa.dictionary(pa.int32(), pa.string()) if name in DICTIONARY_COLUMNS else schema.field(name).type
        if column.type == expected:
            columns.append(column)
            continue
        try:
            plain = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
            plain = plain.cast(_plain(expected))
            columns.append(plain.dictionary_encode() if pa.types.is_dictionary(expected) else plain)
        except pa.ArrowException as error:
            raise _other_type(path, error) from error
    batch = pa.RecordBatch.from_arrays(columns, names=rows.schema.names)
    check_sound(path, batch)
    return batch


def check_present(path: Path, table: pa.Table | pa.RecordBatch, schema: pa.Schema) -> None:
    """Raise SnapshotError for nulls in required columns."""
    for index, field in enumerate(table.schema):
        if not schema.field(field.name).nullable and table.column(index).null_count:
            raise null_error(path, field.name)


def null_error(path: Path, name: str) -> SnapshotError:
    """Return the error for a required column with a null."""
    return damaged(Message("{path} has a missing value in its column {name}", path=path, name=name))


def cast_table(path: Path, table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Cast a table, or a part of one, to its schema. Raises SnapshotError for nulls and other types."""
    check_expanded(path, table)
    check_present(path, table, schema)
    try:
        cast = table if table.schema.equals(schema) else table.cast(schema)
    except pa.ArrowException as error:
        raise _other_type(path, error) from error
    check_sound(path, cast)
    return cast


class UserIdOrder:
    """Checks, row group by row group, that no user is repeated in a file.

    Files of other writers may be unsorted; duplicates in different row groups of these are not detected.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.last_id: str | None = None
        """The last id of the previous row group; None if it is unknown."""

    def check(self, ids: pa.Array) -> None:
        """Raise SnapshotError if a row group repeats a user, also the last one of the previous row group."""
        if not len(ids):
            return
        repeated = ids[0].as_py() == self.last_id
        if pc.any(pc.less_equal(ids.slice(1), ids.slice(0, len(ids) - 1))).as_py():
            repeated = repeated or pc.count_distinct(ids).as_py() < len(ids)
        if repeated:
            raise damaged(Message("{path} has a user twice", path=self._path))
        self.last_id = ids[-1].as_py()


def check_requested(path: Path, present: list[str], manifest: Manifest, *, rows: int) -> None:
    """Raise SnapshotError if a users file lacks a requested column: every user would seem to have no value."""
    has_users, has_mailboxes, has_sign_ins = (
        manifest.coverage(source).status.is_read for source in (Source.USERS, Source.MAILBOXES, Source.SIGN_IN_ACTIVITY)
    )
    requested = manifest.coverage(Source.USERS).asked if has_users else ()
    defined, columns = set(USERS.names), set(present)
    expected = [name for name in requested if name in defined and name != "mailboxType"]
    if has_mailboxes:
        expected.append("mailboxType")
    if has_sign_ins and not columns.intersection(SIGN_IN_COLUMNS):
        expected.append(SIGN_IN_COLUMNS[0])
    if rows:
        expected += _usage_columns(manifest)
    for name in expected:
        if name not in columns:
            raise damaged(Message("{path} lacks the column {name}", path=path, name=name))


def _usage_columns(manifest: Manifest) -> list[str]:
    """Return the columns that were read from usage reports, at least in part, according to coverage."""
    asked = {
        source: {fact.partition(":")[0] for fact in manifest.coverage(source).asked}
        for source in REPORT_COLUMNS
        if manifest.coverage(source).status.is_read
    }
    return [name for source, facts in asked.items() for name in REPORT_COLUMNS[source] if name in facts]


def check_states(path: Path, groups: pa.Table) -> None:
    """Raise SnapshotError for groups whose member lists have an unknown status."""
    states = {None, *(status.value for status in SourceStatus)}
    for name in ("membersStatus", "transitiveMembersStatus"):
        if not states.issuperset(groups.column(name).unique().to_pylist()):
            raise damaged(Message("{path} has an unknown state in {name}", path=path, name=name))


def _source(path: Path, content: bytes | None) -> pa.NativeFile:
    return pa.OSFile(str(path)) if content is None else pa.BufferReader(content)


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _is_equivalent(actual: pa.DataType, expected: pa.DataType) -> bool:
    """Return whether values of two types can be equal; casting raises an error for values that are not."""
    actual_type, expected_type = _plain(actual), _plain(expected)
    if actual_type == expected_type or pa.types.is_null(actual_type):
        return True
    if pa.types.is_string(expected_type):
        return bool(pa.types.is_large_string(actual_type) or pa.types.is_string_view(actual_type))
    if pa.types.is_list(expected_type):
        lists = pa.types.is_list(actual_type) or pa.types.is_large_list(actual_type)
        return lists and _is_equivalent(actual_type.value_type, expected_type.value_type)
    if pa.types.is_timestamp(expected_type):
        return bool(pa.types.is_timestamp(actual_type))
    # Writers without nullable integers write 5.0.
    return bool(
        pa.types.is_integer(expected_type) and (pa.types.is_integer(actual_type) or pa.types.is_floating(actual_type))
    )


def _other_type(path: Path, error: object) -> SnapshotError:
    return damaged(Message("{path} has a column of another type: {error}", path=path, error=error))
