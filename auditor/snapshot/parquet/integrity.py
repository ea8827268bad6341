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
from auditor.snapshot.parquet.bounds import check_expanded, check_footer, check_sound, damaged, is_plain, watched
from auditor.snapshot.schema import ASSIGNMENTS, FILES, REPORT_COLUMNS, SIGN_IN_COLUMNS, USERS

DICTIONARY_COLUMNS = (
    *(field.name for field in ASSIGNMENTS if pa.types.is_dictionary(field.type)),
    *(name for name in TEXT_PROPERTIES if name not in {"id", "userPrincipalName", "displayName", "mail"}),
)
"""Columns with few distinct values, read as dictionaries so that one comparison covers all equal values."""

_MAX_BUFFERED = 1 << 20
"""Bytes up to which a file is read once and buffered, which is cheaper than opening it twice."""


INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d{6}(\.\d{6})?Z")
"""The name of a snapshot folder as this program writes it."""


def check_lost(folder: Path) -> None:
    """Raise SnapshotError for a folder with files of a snapshot and no manifest."""
    try:
        names = {path.stem for path in folder.iterdir() if path.suffix == ".parquet"}
    except OSError as error:
        raise unreadable(error) from error
    # A folder with another name may contain unrelated tables.
    if {"users", "assignments"} <= names or (INSTANT.fullmatch(folder.name) and names.intersection(FILES)):
        raise SnapshotError(
            "snapshot-damaged",
            Message("{folder} holds files of a snapshot and no manifest.json", folder=folder),
            hint=Message("restore it from a copy, or move it away and collect the tenant again"),
        )


def checked(path: Path, entry: FileEntry) -> bytes | None:
    """Check a file against the digest of its entry; returns the content of a small one. Raises SnapshotError."""
    try:
        with files.opened(path, most=files.COLUMNS) as file:
            content = file.read(_MAX_BUFFERED) if os.fstat(file.fileno()).st_size <= _MAX_BUFFERED else None
            digest = hashlib.sha256(content) if content is not None else hashlib.file_digest(file, "sha256")
    except FileNotFoundError as error:
        raise damaged(Message("{path} is missing", path=path)) from error
    except OSError as error:
        raise unreadable(error) from error
    if digest.hexdigest() != entry.sha256:
        raise damaged(Message("{path} is not the file that the manifest describes", path=path))
    return content


def check_rows(path: Path, rows: int, promised: int) -> None:
    """Raise SnapshotError if a file has other rows than its entry says, or a part others than its footer says."""
    if rows != promised:
        raise damaged(Message("{path} does not have the number of rows that the manifest says", path=path))


def opened(path: Path, *, codes: bool, content: bytes | None = None) -> pq.ParquetFile:
    """Open a Parquet file, or its buffered content; `codes` are the columns to read as dictionaries."""
    try:
        size = size_of(path, content)
        assumed = _LATEST.get(path.name, []) if codes else []
        try:
            file = pq.ParquetFile(_source(path, content), read_dictionary=assumed)
        except KeyError:  # a column of the previous file that this one lacks
            file, assumed = pq.ParquetFile(_source(path, content)), []
        footer = file.metadata
        check_footer(path, footer, size, whole=False)
        names = {footer.schema.column(index).path for index in range(footer.num_columns)}
        dictionaries = [name for name in DICTIONARY_COLUMNS if name in names] if codes else []
        if content is None or not is_plain(footer, size):
            dictionaries += [name for name in watched_of(path, footer, content) if name not in dictionaries]
        if dictionaries == assumed:
            return file
        if codes:
            _LATEST[path.name] = dictionaries
        return pq.ParquetFile(_source(path, content), metadata=footer, read_dictionary=dictionaries)
    except UNREADABLE as error:
        raise undecodable(path, error) from error


def size_of(path: Path, content: bytes | None) -> int:
    """Return the size of a file in bytes. Raises OSError if it is not a regular file."""
    if content is not None:
        return len(content)
    with files.opened(path, most=files.COLUMNS) as file:
        return os.fstat(file.fileno()).st_size


def watched_of(path: Path, footer: pq.FileMetaData, content: bytes | None) -> list[str]:
    """Return the columns of an open file that are to be read as dictionaries. Raises as `watched` does."""
    raw = _footer(path, content)
    mark = hashlib.sha256(raw).digest()
    cached = _WATCHED.get(mark)
    if cached is None:
        cached = watched(path, footer, raw)
        if len(_WATCHED) >= _MAX_WATCHED:
            _WATCHED.clear()
        _WATCHED[mark] = cached
    return cached


_WATCHED: dict[bytes, list[str]] = {}
"""Results by digest of the footer: large files are opened again for each pass over users."""
_MAX_WATCHED = 64


def _footer(path: Path, content: bytes | None) -> bytes:
    """Return the bytes of the footer of a file that Arrow opened."""
    if content is not None:
        return content[-_TAIL - int.from_bytes(content[-_TAIL:-4], "little") : -_TAIL]
    with files.opened(path, most=files.COLUMNS) as file:
        end = file.seek(-_TAIL, os.SEEK_END)
        length = int.from_bytes(file.read(4), "little")
        file.seek(max(0, end - length))
        return file.read(min(length, end))


_TAIL = 8
"""Bytes after a footer: its length, and Parquet's magic number."""
_LATEST: dict[str, list[str]] = {}
"""Dictionary columns by file name: the next tenant mostly has the same."""


UNREADABLE = (pa.ArrowException, OSError, UnicodeDecodeError, OverflowError)
"""What Arrow raises for bytes that are not Parquet, and for impossible names and sizes."""


def undecodable(path: Path, error: BaseException) -> SnapshotError:
    """Return the error of a file: unreadable if the system refused to read it, else damaged."""
    if isinstance(error, OSError) and error.errno is not None:
        return unreadable(error)
    return damaged(Message("{path} is not a Parquet file: {error}", path=path, error=error))


def unreadable(error: OSError) -> SnapshotError:
    """Return the error of a file that the system refused to read."""
    return SnapshotError(
        "snapshot-unreadable",
        message.unreadable(error.filename or Message("a file"), error),
        hint=Message("correct its permissions, or specify another folder"),
    )


def check_form(path: Path, form: pa.Schema, schema: pa.Schema, *, required: tuple[str, ...]) -> None:
    """Check the columns of a file against the schema; every equivalent Parquet type is accepted."""
    names = set(form.names)
    if len(names) < len(form.names):
        raise damaged(Message("{path} has two columns of one name", path=path))
    for name in required:
        if name not in names:
            raise damaged(Message("{path} lacks the column {name}", path=path, name=name))
    for field in schema:
        if field.name in names and not _is_equivalent(form.field(field.name).type, field.type):
            raise _other_type(path, " ".join((field.name, str(form.field(field.name).type))))


def conformed(path: Path, rows: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Convert columns of an equivalent type to the type that the engine reads.

    Raises SnapshotError if that would lose information, as for timestamps finer than microseconds.
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
    """Refuse nulls in columns that must have none."""
    for index, field in enumerate(table.schema):
        if not schema.field(field.name).nullable and table.column(index).null_count:
            raise gap(path, field.name)


def gap(path: Path, name: str) -> SnapshotError:
    """Return the error of a required column with a null."""
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


def check_unique(path: Path, ids: pa.Array, before: str | None) -> str | None:
    """Raise SnapshotError if a user is listed twice in a row group, or last in the one before; returns the last id.

    Files of other writers may be unsorted; duplicates in different row groups are not detected there.
    """
    if not len(ids):
        return before
    repeated = ids[0].as_py() == before
    if pc.any(pc.less_equal(ids.slice(1), ids.slice(0, len(ids) - 1))).as_py():
        repeated = repeated or pc.count_distinct(ids).as_py() < len(ids)
    if repeated:
        raise damaged(Message("{path} has a user twice", path=path))
    last: str = ids[-1].as_py()
    return last


def check_requested(path: Path, present: list[str], manifest: Manifest, *, rows: int) -> None:
    """Refuse a users file with `rows` users that lacks a requested column: every user would seem to have no value."""
    people, mailboxes, sign_ins = (
        manifest.coverage(source).status.is_read for source in (Source.USERS, Source.MAILBOXES, Source.SIGN_IN_ACTIVITY)
    )
    requested = manifest.coverage(Source.USERS).asked if people else ()
    defined, columns = set(USERS.names), set(present)
    expected = [name for name in requested if name in defined and name != "mailboxType"]
    if mailboxes:
        expected.append("mailboxType")
    if sign_ins and not columns.intersection(SIGN_IN_COLUMNS):
        expected.append(SIGN_IN_COLUMNS[0])
    if rows:
        expected += _usage_columns(manifest)
    for name in expected:
        if name not in columns:
            raise damaged(Message("{path} lacks the column {name}", path=path, name=name))


def _usage_columns(manifest: Manifest) -> list[str]:
    """Return the columns that coverage lists as read from usage reports, at least in part."""
    asked = {
        source: {fact.partition(":")[0] for fact in manifest.coverage(source).asked}
        for source in REPORT_COLUMNS
        if manifest.coverage(source).status.is_read
    }
    return [name for source, facts in asked.items() for name in REPORT_COLUMNS[source] if name in facts]


def check_states(path: Path, groups: pa.Table) -> None:
    """Refuse groups whose member lists have an unknown status."""
    states = {None, *(status.value for status in SourceStatus)}
    for name in ("membersStatus", "transitiveMembersStatus"):
        if not states.issuperset(groups.column(name).unique().to_pylist()):
            raise damaged(Message("{path} has an unknown state in {name}", path=path, name=name))


def _source(path: Path, content: bytes | None) -> pa.NativeFile:
    return pa.OSFile(str(path)) if content is None else pa.BufferReader(content)


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _is_equivalent(actual: pa.DataType, expected: pa.DataType) -> bool:
    """Return whether values of one type may equal those of another; the cast refuses those that do not."""
    kind, aim = _plain(actual), _plain(expected)
    if kind == aim or pa.types.is_null(kind):
        return True
    if pa.types.is_string(aim):
        return bool(pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
    if pa.types.is_list(aim):
        lists = pa.types.is_list(kind) or pa.types.is_large_list(kind)
        return lists and _is_equivalent(kind.value_type, aim.value_type)
    if pa.types.is_timestamp(aim):
        return bool(pa.types.is_timestamp(kind))
    # Writers without nullable integers write 5.0.
    return bool(pa.types.is_integer(aim) and (pa.types.is_integer(kind) or pa.types.is_floating(kind)))


def _other_type(path: Path, error: object) -> SnapshotError:
    return damaged(Message("{path} has a column of another type: {error}", path=path, error=error))
