"""Limits for Parquet files: on footers before they are read, and on columns before they are used."""

from itertools import chain
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from auditor.domain.errors import SnapshotError
from auditor.domain.message import Count, Message, joined
from auditor.snapshot.parquet.footer import ColumnChunk, row_groups

_MAX_CELLS: Final = 1 << 26
"""Values per row group in all columns together: two million users with thirty properties."""
_MAX_BYTES: Final = 1 << 30
"""Uncompressed bytes per row group."""
_FREE_BYTES: Final = 64 << 20
"""Uncompressed bytes that a row group may have, regardless of its size on disk."""
_MAX_RATIO: Final = 256
"""Largest compression ratio of a row group beyond `_FREE_BYTES`."""
_MAX_UNCHECKED: Final = 1 << 20
"""Bytes up to which the columns of a file with one row group are not checked, unless they are very long."""
_EARLIEST: Final = -62_135_596_800
"""Seconds from 1970 to 0001-01-01, Python's first instant."""
_LATEST: Final = 253_402_300_799
"""Seconds from 1970 to the end of 9999-12-31."""
_MAX_INTEGER: Final = 1 << 53
"""The limit up to which every JSON reader represents integers exactly."""
_SECONDS_PER_DAY: Final = 86_400
_UNITS: Final = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


def check_footer(path: Path, footer: pq.FileMetaData, size: int, *, whole: bool) -> None:
    """Raise SnapshotError (`snapshot-damaged`) if reading a file of `size` bytes would take too much memory.

    With `whole`, all row groups are read together rather than one after the other.
    """
    cells = expanded = rows = 0
    for number in range(footer.num_row_groups):
        # Arrow crashes on access to a column that contradicts the schema: do not access columns here.
        group = footer.row_group(number)
        if group.num_columns != footer.num_columns:
            raise _refused(path, Message("has a row group whose columns differ from its schema"))
        if group.num_rows < 0 or group.total_byte_size < 0:
            raise _refused(path, Message("has a row group with a negative number of rows"))
        if not whole:
            cells = expanded = 0
        cells += group.num_rows * group.num_columns
        expanded += group.total_byte_size
        rows += group.num_rows
        if cells > _MAX_CELLS or expanded > _MAX_BYTES:
            raise _refused(
                path,
                Message(
                    "has a row group of {cells} values and {expanded} bytes, more than any tenant has",
                    cells=Count(cells),
                    expanded=Count(expanded),
                ),
            )
        if expanded > _FREE_BYTES + _MAX_RATIO * size:
            raise _refused(
                path, Message("has {size} bytes that expand to {expanded}", size=Count(size), expanded=Count(expanded))
            )
    if rows != footer.num_rows:
        raise _refused(path, Message("has row groups whose numbers of rows differ from its footer"))


def is_small_file(footer: pq.FileMetaData, size: int) -> bool:
    """Return whether a file is so small that its columns need not be checked before it is read."""
    if footer.num_row_groups > 1 or size > _MAX_UNCHECKED:
        return False
    groups = map(footer.row_group, range(footer.num_row_groups))
    return all(group.num_rows * group.total_byte_size <= _FREE_BYTES for group in groups)


def expanding_columns(path: Path, footer: pq.FileMetaData, raw: bytes) -> list[str]:
    """Check the columns of a footer (`raw` is its bytes) against the schema and the limits. Raises SnapshotError.

    Returns the text columns that may expand far beyond their size: they must be read as dictionaries, and passed to
    `check_expanded` before they are decoded.
    """
    try:
        groups = row_groups(raw)
    except ValueError as error:
        raise _refused(path, Message("is not a Parquet file: {error}", error=error)) from error
    paths: dict[str, None] = {}
    if len(groups) != footer.num_row_groups:
        raise _refused(path, Message("has row groups that differ from its footer"))
    for chunks in groups:
        if len(chunks) != footer.num_columns:
            raise _refused(path, Message("has a row group whose columns differ from its schema"))
        if sum(chunk.values for chunk in chunks) > _MAX_CELLS or sum(chunk.size for chunk in chunks) > _MAX_BYTES:
            raise _refused(path, Message("has a row group of more values than any tenant has"))
        for index, chunk in enumerate(chunks):
            _check_chunk(path, chunk, footer.schema.column(index))
            if chunk.type == "BYTE_ARRAY" and chunk.values * chunk.size > _FREE_BYTES:
                if chunk.prefixed:
                    raise _refused(
                        path, Message("has the column {path} in the encoding DELTA_BYTE_ARRAY", path=chunk.path)
                    )
                if chunk.coded:
                    paths[chunk.path] = None
    return list(paths)


def _check_chunk(path: Path, chunk: ColumnChunk, column: pq.ColumnSchema) -> None:
    """Raise SnapshotError for a column chunk that would crash Arrow."""
    chunk_levels = (chunk.definition_levels or 0, chunk.repetition_levels or 0)
    schema_levels = (column.max_definition_level + 1, column.max_repetition_level + 1)
    if (
        chunk.type != column.physical_type
        or chunk.values < 0
        or chunk.size < 0
        or any(count not in {0, levels} for count, levels in zip(chunk_levels, schema_levels, strict=True))
        or (chunk.lengths and chunk.type != "BYTE_ARRAY")
    ):
        raise _refused(path, Message("has a column {path} that contradicts its schema", path=column.path))


def check_expanded(path: Path, table: pa.Table | pa.RecordBatch) -> None:
    """Raise SnapshotError for dictionary columns that would need too much memory when decoded."""
    chunks = (column.chunks if isinstance(column, pa.ChunkedArray) else (column,) for column in table.columns)
    coded = [pair for pair in map(_lengths_and_indices, chain.from_iterable(chunks)) if pair is not None]
    if sum((pc.max(lengths).as_py() or 0) * len(codes) for lengths, codes in coded) <= _MAX_BYTES:
        return  # an upper limit suffices: looking up the length of each value takes a sixth of a large evaluation
    size = sum(pc.sum(lengths.take(codes)).as_py() or 0 for lengths, codes in coded)
    if size > _MAX_BYTES:
        raise _refused(path, Message("has texts of {size} bytes in one row group", size=Count(size)))


def check_sound(path: Path, table: pa.Table | pa.RecordBatch) -> None:
    """Raise SnapshotError for invalid UTF-8, instants outside the years 1 to 9999, and implausibly large integers."""
    try:
        table.validate(full=True)
    except (pa.ArrowException, UnicodeDecodeError) as error:
        raise _refused(path, Message("has a column that is not valid: {error}", error=error)) from error
    for field, column in zip(table.schema, table.columns, strict=True):
        if pa.types.is_timestamp(field.type):
            unit = _UNITS[field.type.unit]
            bounds = _EARLIEST * unit, _LATEST * unit + unit - 1
            values, description = column.cast(pa.int64()), Message("an instant outside of the years 1 to 9999")
        elif pa.types.is_date32(field.type):
            bounds = _EARLIEST // _SECONDS_PER_DAY, _LATEST // _SECONDS_PER_DAY
            values, description = column.cast(pa.int32()), Message("a day outside of the years 1 to 9999")
        elif pa.types.is_int64(field.type):
            bounds, values, description = (-_MAX_INTEGER, _MAX_INTEGER), column, Message("a number beyond 2^53")
        else:
            continue
        minimum, maximum = pc.min_max(values).as_py().values()
        if minimum is not None and (minimum < bounds[0] or maximum > bounds[1]):
            raise _refused(path, Message("has {found} in its column {name}", found=description, name=field.name))


def _lengths_and_indices(array: pa.Array) -> tuple[pa.Array, pa.Array] | None:
    """Return the lengths of the texts in the dictionary of a column, or of a list column, and the index of each value.

    None for any other column.
    """
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        array = array.flatten()
    if not pa.types.is_dictionary(array.type) or not len(array.dictionary):
        return None
    if not (pa.types.is_string(array.dictionary.type) or pa.types.is_large_string(array.dictionary.type)):
        return None
    return pc.binary_length(array.dictionary).cast(pa.int64()), array.indices


def damaged(message: Message) -> SnapshotError:
    """Return the error for a snapshot whose files cannot be used."""
    hint = Message("collect the snapshot again, or restore it from a copy")
    return SnapshotError("snapshot-damaged", message, hint=hint)


def _refused(path: Path, what: Message) -> SnapshotError:
    return damaged(joined(" ", (str(path), what)))
