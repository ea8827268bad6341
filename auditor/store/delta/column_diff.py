"""Arrow columns into what tells two nights apart: where they differ, and a digest of what they say."""

import hashlib
from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]
_WINDOW: Final = 1 << 16
"""Rows that a digest takes in at once, so that how a table is cut into chunks does not matter."""


def plain(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return a column as one array without dictionary codes."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    if isinstance(column, pa.ChunkedArray):  # more than an array of texts can hold
        raise OverflowError("a column of more than 2 GB")
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def differs(one: pa.Array, other: pa.Array) -> Mask:
    """Return where two columns of one length and type say different things; a gap equals a gap."""
    if pa.types.is_list(one.type):
        return _lists_differ(one, other)
    gaps = _valid(one) != _valid(other)
    return np.asarray(gaps | pc.fill_null(pc.not_equal(one, other), fill_value=False).to_numpy(zero_copy_only=False))


def digest(tables: Iterable[pa.Table]) -> str:
    """Return a digest of what tables say, column by column: equal for equal names, order, values and gaps."""
    found = hashlib.sha256()
    for table in tables:
        for start in range(0, max(1, table.num_rows), _WINDOW):
            window = table.slice(start, _WINDOW)
            found.update(f"{window.num_rows}\n".encode())
            for name in window.column_names:
                found.update(f"{name}\n".encode())
                _feed(found, plain(window.column(name)))
    return "sha256:" + found.hexdigest()


def gaps(places: Places) -> pa.Array:
    """Turn ascending places into the steps between them, which take few bits."""
    return pa.array(np.diff(places, prepend=0).astype(np.int32))


def places(steps: Any) -> Places:
    """Turn steps into ascending places again."""
    return np.cumsum(np.asarray(steps, dtype=np.int64))


def _valid(column: pa.Array) -> Mask:
    return np.asarray(column.is_valid().to_numpy(zero_copy_only=False))


def _lengths(column: pa.Array) -> Places:
    """Return how long each list is, -1 for a gap."""
    return np.asarray(pc.fill_null(pc.list_value_length(column), -1).to_numpy(zero_copy_only=False), dtype=np.int64)


def _lists_differ(one: pa.Array, other: pa.Array) -> Mask:
    lengths = _lengths(one)
    found: Mask = lengths != _lengths(other)
    same = pa.array(~found)
    left, right = one.filter(same), other.filter(same)
    inner = differs(plain(pc.list_flatten(left)), plain(pc.list_flatten(right)))
    owners = np.asarray(pc.list_parent_indices(left).to_numpy(zero_copy_only=False))[inner]
    found[np.nonzero(~found)[0][owners]] = True
    return found


def _feed(found: Any, column: pa.Array) -> None:
    found.update(np.packbits(_valid(column)).tobytes())
    kind = column.type
    if pa.types.is_list(kind):
        found.update(_lengths(column).tobytes())
        _feed(found, plain(pc.list_flatten(column)))
    elif pa.types.is_string(kind):
        filled = pc.fill_null(column, "")
        found.update(np.asarray(pc.binary_length(filled).to_numpy(zero_copy_only=False), dtype=np.int32).tobytes())
        found.update("".join(filled.to_pylist()).encode() if len(filled) < 64 else _text_bytes(filled))
    elif pa.types.is_boolean(kind):
        found.update(np.packbits(pc.fill_null(column, fill_value=False).to_numpy(zero_copy_only=False)).tobytes())
    else:
        numbers = column.cast(pa.int64()) if pa.types.is_timestamp(kind) else column
        found.update(pc.fill_null(numbers, 0).to_numpy(zero_copy_only=False).astype(np.int64).tobytes())


def _text_bytes(column: pa.Array) -> bytes:
    _, ends, data = column.buffers()
    if data is None:
        return b""
    offsets = np.frombuffer(ends, dtype=np.int32)[column.offset : column.offset + len(column) + 1]
    return memoryview(data)[int(offsets[0]) : int(offsets[-1])].tobytes()
