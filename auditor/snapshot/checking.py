"""One file of a snapshot into an opened Parquet file that is what its manifest promises: digest, rows, columns."""

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from auditor.domain.errors import SnapshotError
from auditor.domain.selector import TEXT_PROPERTIES
from auditor.snapshot.manifest import FileEntry
from auditor.snapshot.schema import ASSIGNMENTS

AGAIN = "collect the snapshot again, or restore it from a copy"

_CODES = (
    *(field.name for field in ASSIGNMENTS if pa.types.is_dictionary(field.type)),
    *(name for name in TEXT_PROPERTIES if name not in {"id", "userPrincipalName", "displayName", "mail"}),
)
"""Columns of few different values, which are read as codes: one comparison then stands for all who share a value."""

_SMALL = 1 << 20
"""Bytes up to which a file is read once and kept at hand: to open it a second time would cost more."""


def checked(path: Path, entry: FileEntry) -> bytes | None:
    """Refuse a file that has not the digest of its entry with a SnapshotError; a small one's content is returned."""
    if not path.is_file():
        raise SnapshotError("snapshot-damaged", f"{path} is missing", hint=AGAIN)
    try:
        content = path.read_bytes() if path.stat().st_size <= _SMALL else None
        digest = hashlib.sha256(content).hexdigest() if content is not None else _digest(path)
    except OSError as error:
        raise unreadable(error) from error
    if digest != entry.sha256:
        raise SnapshotError("snapshot-damaged", f"{path} is not the file that the manifest describes", hint=AGAIN)
    return content


def check_rows(path: Path, rows: int, entry: FileEntry) -> None:
    """Refuse a file that has other rows than its entry tells."""
    if rows != entry.rows:
        raise SnapshotError("snapshot-damaged", f"{path} does not have the rows that the manifest tells", hint=AGAIN)


def opened(path: Path, *, codes: bool, content: bytes | None = None) -> pq.ParquetFile:
    """Open a Parquet file, or its content where that is at hand; `codes`: columns of few values as dictionaries."""
    try:
        if not codes:
            return pq.ParquetFile(_source(path, content))
        metadata = pq.ParquetFile(_source(path, content)).metadata
        columns = metadata.schema
        names = {columns.column(place).path for place in range(len(columns))}
        dictionaries = [name for name in _CODES if name in names]
        return pq.ParquetFile(_source(path, content), metadata=metadata, read_dictionary=dictionaries)
    except (pa.ArrowException, OSError) as error:
        raise undecodable(path, error) from error


def undecodable(path: Path, error: pa.ArrowException | OSError | UnicodeDecodeError) -> SnapshotError:
    """Tell a file that the system would not let be read from one whose bytes are not what they should be."""
    if isinstance(error, OSError) and error.errno is not None:
        return unreadable(error)
    return SnapshotError("snapshot-damaged", f"{path} is not a Parquet file: {error}", hint=AGAIN)


def unreadable(error: OSError) -> SnapshotError:
    """Say which file the system would not let be read."""
    return SnapshotError(
        "snapshot-unreadable",
        f"{error.filename or 'a file'} cannot be read: {error.strerror or error}",
        hint="mend its permissions, or name another folder",
    )


def check_form(path: Path, found: pa.Schema, schema: pa.Schema, *, required: tuple[str, ...]) -> None:
    """Hold the columns of a file against the schema; codes may be written as dictionaries or as plain text."""
    names = set(found.names)
    for name in required:
        if name not in names:
            raise SnapshotError("snapshot-damaged", f"{path} lacks the column {name}", hint=AGAIN)
    for field in schema:
        if field.name in names and _plain(found.field(field.name).type) != _plain(field.type):
            raise SnapshotError("snapshot-damaged", f"{path} has a column {field.name} of another type", hint=AGAIN)


def check_present(path: Path, found: pa.Table | pa.RecordBatch, schema: pa.Schema) -> None:
    """Refuse a gap in a column that has none."""
    for place, field in enumerate(found.schema):
        if not schema.field(field.name).nullable and found.column(place).null_count:
            raise SnapshotError("snapshot-damaged", f"{path} has a gap in its column {field.name}", hint=AGAIN)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _source(path: Path, content: bytes | None) -> pa.NativeFile:
    return pa.OSFile(str(path)) if content is None else pa.BufferReader(content)


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind
