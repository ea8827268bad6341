"""Converts Arrow columns to NumPy arrays without Python objects."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.unsignedinteger]
"""Indices into a list of values, in the smallest type that can hold them: fewer bytes are compared faster."""


def codes_of(column: pa.DictionaryArray, *, absent: int) -> Codes:
    """Return the dictionary index of each row's value, and `absent` for null."""
    indices = column.indices
    dtype = np.min_scalar_type(max(len(column.dictionary) - 1, absent))
    if not indices.null_count:
        return np.asarray(indices.to_numpy().astype(dtype, copy=False))
    # The index of a null row is undefined; it is overwritten below.
    raw = np.frombuffer(indices.buffers()[1], dtype=indices.type.to_pandas_dtype())
    codes = raw[indices.offset : indices.offset + len(indices)].astype(dtype)
    # All bits set for null rows, none for the others: faster than selecting rows by a mask.
    null_mask = np.negative((~valid(indices)).astype(dtype))
    codes &= ~null_mask
    codes |= null_mask & dtype.type(absent)
    return codes


def flags_of(column: pa.BooleanArray) -> Flags:
    """Convert a boolean Arrow column into flags; null becomes False."""
    if not len(column):
        return np.zeros(0, dtype=bool)
    flags = _unpacked(column, 1)
    return flags & valid(column) if column.null_count else flags


def valid(column: pa.Array) -> Flags:
    """Return flags of the rows of a column that have a value."""
    if not column.null_count:
        return np.ones(len(column), dtype=bool)
    # A dictionary itself may contain null, and a column of type null has no bitmap.
    return _unpacked(column, 0) if column.buffers()[0] is not None else ~_unpacked(column.is_null(), 1)


def _unpacked(column: pa.Array, buffer: int) -> Flags:
    bits = np.frombuffer(column.buffers()[buffer], dtype=np.uint8)
    end = column.offset + len(column)
    return np.unpackbits(bits, count=end, bitorder="little")[column.offset :].view(bool)


def entries_of(column: pa.ListArray) -> tuple[npt.NDArray[np.int64], pa.Array]:
    """Return the row of each list entry, and the concatenated entries of all lists."""
    if not len(column):
        return np.zeros(0, dtype=np.int64), column.flatten()
    offsets = np.frombuffer(column.buffers()[1], dtype=np.int32)[column.offset :][: len(column) + 1]
    sizes = np.diff(offsets)
    rows = np.flatnonzero(sizes != 0)
    listed = valid(column)[rows]
    # Arrow allows a null list to have entries.
    values = column.values.slice(offsets[0], offsets[-1] - offsets[0]) if listed.all() else column.flatten()
    rows = rows[listed]
    return rows.repeat(sizes[rows]), values
