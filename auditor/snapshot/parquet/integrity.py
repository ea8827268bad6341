"""One file of a snapshot into an opened Parquet file that is what its manifest promises: digest, rows, columns."""

import hashlib
import os
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from auditor.domain.enums import Source, SourceStatus
from auditor.domain.errors import SnapshotError
from auditor.domain.message import Message
from auditor.domain.selector import TEXT_PROPERTIES
from auditor.files import input as files
from auditor.snapshot.manifest import FileEntry
from auditor.snapshot.model import Manifest
from auditor.snapshot.parquet.bounds import check_expanded, check_footer, check_sound, is_plain, watched
from auditor.snapshot.schema import ASSIGNMENTS, FILES, SIGN_IN_COLUMNS, USERS

AGAIN = Message("collect the snapshot again, or restore it from a copy")

CODES = (
    *(field.name for field in ASSIGNMENTS if pa.types.is_dictionary(field.type)),
    *(name for name in TEXT_PROPERTIES if name not in {"id", "userPrincipalName", "displayName", "mail"}),
)
"""Columns of few different values, which are read as codes: one comparison then stands for all who share a value."""

_SMALL = 1 << 20
"""Bytes up to which a file is read once and kept at hand: to open it a second time would cost more."""


INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d{6}(\.\d{6})?Z")
"""The name of a snapshot's folder, as this program writes it."""


def check_lost(folder: Path) -> None:
    """Refuse a folder without a manifest that holds files of a snapshot: its tenant must not vanish from a fleet.

    Snapshots are written under hidden names and renamed when their manifest is there, so this one lost it.
    """
    try:
        there = {path.stem for path in folder.iterdir() if path.suffix == ".parquet"}
    except OSError as error:
        raise unreadable(error) from error
    # A folder of another name may hold anybody's tables.
    if {"users", "assignments"} <= there or (INSTANT.fullmatch(folder.name) and there.intersection(FILES)):
        raise SnapshotError(
            "snapshot-damaged",
            Message("{folder} holds files of a snapshot and no manifest.json", folder=folder),
            hint=Message("restore it from a copy, or move it away and collect the tenant again"),
        )


def checked(path: Path, entry: FileEntry) -> bytes | None:
    """Refuse a file that has not the digest of its entry with a SnapshotError; a small one's content is returned."""
    try:
        with files.opened(path, most=files.COLUMNS) as file:
            content = file.read(_SMALL) if os.fstat(file.fileno()).st_size <= _SMALL else None
            digest = hashlib.sha256(content) if content is not None else hashlib.file_digest(file, "sha256")
    except FileNotFoundError as error:
        raise SnapshotError("snapshot-damaged", Message("{path} is missing", path=path), hint=AGAIN) from error
    except OSError as error:
        raise unreadable(error) from error
    if digest.hexdigest() != entry.sha256:
        raise SnapshotError(
            "snapshot-damaged", Message("{path} is not the file that the manifest describes", path=path), hint=AGAIN
        )
    return content


def check_rows(path: Path, rows: int, promised: int) -> None:
    """Refuse a file that has other rows than its entry tells, or a part of one that has others than its footer does."""
    if rows != promised:
        raise SnapshotError(
            "snapshot-damaged", Message("{path} does not have the rows that the manifest tells", path=path), hint=AGAIN
        )


def opened(path: Path, *, codes: bool, content: bytes | None = None) -> pq.ParquetFile:
    """Open a Parquet file, or its content where that is at hand; `codes`: columns of few values as dictionaries."""
    try:
        size = size_of(path, content)
        known = _LATEST.get(path.name, []) if codes else []
        try:
            file = pq.ParquetFile(_source(path, content), read_dictionary=known)
        except KeyError:  # a column of the latest such file that this one has not
            file, known = pq.ParquetFile(_source(path, content)), []
        footer = file.metadata
        check_footer(path, footer, size, whole=False)
        names = {footer.schema.column(place).path for place in range(footer.num_columns)}
        dictionaries = [name for name in CODES if name in names] if codes else []
        if content is None or not is_plain(footer, size):
            dictionaries += [name for name in watched_of(path, footer, content) if name not in dictionaries]
        if dictionaries == known:
            return file
        if codes:
            _LATEST[path.name] = dictionaries
        return pq.ParquetFile(_source(path, content), metadata=footer, read_dictionary=dictionaries)
    except UNREADABLE as error:
        raise undecodable(path, error) from error


def size_of(path: Path, content: bytes | None) -> int:
    """Return the bytes of a file; OSError where it is no regular one."""
    if content is not None:
        return len(content)
    with files.opened(path, most=files.COLUMNS) as file:
        return os.fstat(file.fileno()).st_size


def watched_of(path: Path, footer: pq.FileMetaData, content: bytes | None) -> list[str]:
    """Return the columns of an opened file that are to be read as dictionaries; raises as `watched`."""
    raw = _footer(path, content)
    mark = hashlib.sha256(raw).digest()
    known = _WATCHED.get(mark)
    if known is None:
        known = watched(path, footer, raw)
        if len(_WATCHED) >= _MOST_WATCHED:
            _WATCHED.clear()
        _WATCHED[mark] = known
    return known


_WATCHED: dict[bytes, list[str]] = {}
"""What was found in a footer, by its digest: large files are opened again for each walk over people."""
_MOST_WATCHED = 64


def _footer(path: Path, content: bytes | None) -> bytes:
    """Return the footer as it stands in a file that Arrow opened."""
    if content is not None:
        return content[-_TAIL - int.from_bytes(content[-_TAIL:-4], "little") : -_TAIL]
    with files.opened(path, most=files.COLUMNS) as file:
        end = file.seek(-_TAIL, os.SEEK_END)
        length = int.from_bytes(file.read(4), "little")
        file.seek(max(0, end - length))
        return file.read(min(length, end))


_TAIL = 8
"""Bytes behind a footer: its length, and the mark of Parquet."""
_LATEST: dict[str, list[str]] = {}
"""The columns that were last read as codes, by the name of the file: those of the next tenant are mostly the same."""


UNREADABLE = (pa.ArrowException, OSError, UnicodeDecodeError, OverflowError)
"""What Arrow raises for bytes that are no Parquet file, or one with names and sizes that cannot be."""


def undecodable(path: Path, error: BaseException) -> SnapshotError:
    """Tell a file that the system would not let be read from one whose bytes are not what they should be."""
    if isinstance(error, OSError) and error.errno is not None:
        return unreadable(error)
    return SnapshotError(
        "snapshot-damaged", Message("{path} is not a Parquet file: {error}", path=path, error=error), hint=AGAIN
    )


def unreadable(error: OSError) -> SnapshotError:
    """Say which file the system would not let be read."""
    return SnapshotError(
        "snapshot-unreadable",
        Message(
            "{filename} cannot be read: {strerror}",
            filename=error.filename or "a file",
            strerror=error.strerror or error,
        ),
        hint=Message("mend its permissions, or name another folder"),
    )


def check_form(path: Path, found: pa.Schema, schema: pa.Schema, *, required: tuple[str, ...]) -> None:
    """Hold the columns of a file against the schema: every way in which a writer of Parquet tells the same is right."""
    names = set(found.names)
    if len(names) < len(found.names):
        raise SnapshotError("snapshot-damaged", Message("{path} has two columns of one name", path=path), hint=AGAIN)
    for name in required:
        if name not in names:
            raise SnapshotError(
                "snapshot-damaged", Message("{path} lacks the column {name}", path=path, name=name), hint=AGAIN
            )
    for field in schema:
        if field.name in names and not _alike(found.field(field.name).type, field.type):
            raise _other_type(path, " ".join((field.name, str(found.field(field.name).type))))


def conformed(path: Path, found: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Bring columns that were written in another way of telling the same into the one that the engine reads.

    Raises SnapshotError where that would lose something, as with instants finer than microseconds.
    """
    check_expanded(path, found)
    columns = []
    for name, column in zip(found.schema.names, found.columns, strict=True):
        wanted = pa.dictionary(pa.int32(), pa.string()) if name in CODES else schema.field(name).type
        if column.type == wanted:
            columns.append(column)
            continue
        try:
            plain = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
            plain = plain.cast(_plain(wanted))
            columns.append(plain.dictionary_encode() if pa.types.is_dictionary(wanted) else plain)
        except pa.ArrowException as error:
            raise _other_type(path, error) from error
    batch = pa.RecordBatch.from_arrays(columns, names=found.schema.names)
    check_sound(path, batch)
    return batch


def check_present(path: Path, found: pa.Table | pa.RecordBatch, schema: pa.Schema) -> None:
    """Refuse a gap in a column that has none."""
    for place, field in enumerate(found.schema):
        if not schema.field(field.name).nullable and found.column(place).null_count:
            raise gap(path, field.name)


def gap(path: Path, name: str) -> SnapshotError:
    """Say which column lacks a value that nobody can do without."""
    return SnapshotError(
        "snapshot-damaged", Message("{path} has a gap in its column {name}", path=path, name=name), hint=AGAIN
    )


def cast_table(path: Path, found: pa.Table, schema: pa.Schema) -> pa.Table:
    """Bring a table that was read, or a part of one, into its schema; gaps and other types are refused."""
    check_expanded(path, found)
    check_present(path, found, schema)
    try:
        cast = found if found.schema.equals(schema) else found.cast(schema)
    except pa.ArrowException as error:
        raise _other_type(path, error) from error
    check_sound(path, cast)
    return cast


def check_unique(path: Path, ids: pa.Array, before: str | None) -> str | None:
    """Refuse a user who stands in a row group twice, or also at the end of the one before; returns the last id.

    Files of other writers that are not in the order of ids are taken; there it is not seen over several row groups.
    """
    if not len(ids):
        return before
    again = ids[0].as_py() == before
    if pc.any(pc.less_equal(ids.slice(1), ids.slice(0, len(ids) - 1))).as_py():
        again = again or pc.count_distinct(ids).as_py() < len(ids)
    if again:
        raise SnapshotError("snapshot-damaged", Message("{path} holds a user twice", path=path), hint=AGAIN)
    last: str = ids[-1].as_py()
    return last


def check_asked(path: Path, there: list[str], manifest: Manifest) -> None:
    """Refuse users without a column of what was asked for: all of them would seem to have no such value."""
    people, mailboxes, sign_ins = (
        manifest.coverage(source).status in {SourceStatus.COMPLETE, SourceStatus.PARTIAL}
        for source in (Source.USERS, Source.MAILBOXES, Source.SIGN_IN_ACTIVITY)
    )
    asked = manifest.coverage(Source.USERS).asked if people else ()
    named, found = set(USERS.names), set(there)
    wanted = [name for name in asked if name in named and name != "mailboxType"]
    if mailboxes:
        wanted.append("mailboxType")
    if sign_ins and not found.intersection(SIGN_IN_COLUMNS):
        wanted.append(SIGN_IN_COLUMNS[0])
    for name in wanted:
        if name not in found:
            raise SnapshotError(
                "snapshot-damaged", Message("{path} lacks the column {name}", path=path, name=name), hint=AGAIN
            )


def check_states(path: Path, groups: pa.Table) -> None:
    """Refuse groups whose lists of members were read in a way that nobody knows."""
    known = {None, *(status.value for status in SourceStatus)}
    for name in ("membersStatus", "transitiveMembersStatus"):
        if not known.issuperset(groups.column(name).unique().to_pylist()):
            raise SnapshotError(
                "snapshot-damaged",
                Message("{path} has a state in {name} that nobody knows", path=path, name=name),
                hint=AGAIN,
            )


def _source(path: Path, content: bytes | None) -> pa.NativeFile:
    return pa.OSFile(str(path)) if content is None else pa.BufferReader(content)


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _alike(found: pa.DataType, wanted: pa.DataType) -> bool:
    """Tell whether values of one type may say the same as those of another; the cast then refuses what does not."""
    kind, aim = _plain(found), _plain(wanted)
    if kind == aim or pa.types.is_null(kind):
        return True
    if pa.types.is_string(aim):
        return bool(pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
    if pa.types.is_list(aim):
        lists = pa.types.is_list(kind) or pa.types.is_large_list(kind)
        return lists and _alike(kind.value_type, aim.value_type)
    if pa.types.is_timestamp(aim):
        return bool(pa.types.is_timestamp(kind))
    # Writers that know no whole number beside a gap write 5.0.
    return bool(pa.types.is_integer(aim) and (pa.types.is_integer(kind) or pa.types.is_floating(kind)))


def _other_type(path: Path, error: object) -> SnapshotError:
    return SnapshotError(
        "snapshot-damaged", Message("{path} has a column of another type: {error}", path=path, error=error), hint=AGAIN
    )
