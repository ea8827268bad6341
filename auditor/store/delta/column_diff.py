"""Compares Arrow columns: which rows differ, and digests of the content of tables."""

import hashlib
from collections.abc import Iterable
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from auditor.arrays.columns import Flags, valid
from auditor.arrays.texts import utf8_of

Indices = npt.NDArray[np.int64]
_WINDOW: Final = 1 << 16
"""Rows per step of a digest, which therefore does not depend on the chunks of a table."""


def plain(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Return a column as one array without dictionary encoding."""
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks() if column.num_chunks != 1 else column.chunk(0)
    if isinstance(column, pa.ChunkedArray):  # too large for one string array
        raise OverflowError("a column of more than 2 GB")
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def differs(old: pa.Array, new: pa.Array) -> Flags:
    """Return a mask of the rows in which two columns of equal length and type differ; null equals null."""
    if pa.types.is_list(old.type):
        return _lists_differ(old, new)
    changed = pc.fill_null(pc.not_equal(old, new), fill_value=False).to_numpy(zero_copy_only=False)
    return np.asarray((valid(old) != valid(new)) | changed)


def digest(tables: Iterable[pa.Table]) -> str:
    """Return a digest of the content of tables: column names, order, values and nulls."""
    sha256 = hashlib.sha256()
    for table in tables:
        for start in range(0, max(1, table.num_rows), _WINDOW):
            window = table.slice(start, _WINDOW)
            sha256.update(f"{window.num_rows}\n".encode())
            for name in window.column_names:
                sha256.update(f"{name}\n".encode())
                _update_digest(sha256, plain(window.column(name)))
    return "sha256:" + sha256.hexdigest()


def deltas_of(indices: Indices) -> pa.Array:
    """Return the differences between ascending indices, which compress well."""
    return pa.array(np.diff(indices, prepend=0).astype(np.int32))


def indices_of(differences: Any) -> Indices:
    """Return the ascending indices with these differences; inverts `deltas_of`."""
    return np.cumsum(np.asarray(differences, dtype=np.int64))


def kept_rows(size: int, removed: Indices, added: Indices) -> tuple[Flags, Flags]:
    """Return masks of the kept rows of a table of `size` rows: before, and after removing and adding rows."""
    before = np.ones(size, dtype=bool)
    before[removed] = False
    after = np.ones(int(before.sum()) + len(added), dtype=bool)
    after[added] = False
    return before, after


def _lengths(column: pa.Array) -> Indices:
    """Return the length of each list, -1 for null."""
    return np.asarray(pc.fill_null(pc.list_value_length(column), -1).to_numpy(zero_copy_only=False), dtype=np.int64)


def _lists_differ(old: pa.Array, new: pa.Array) -> Flags:
    lengths = _lengths(old)
    mask: Flags = lengths != _lengths(new)
    equal_length = pa.array(~mask)
    old_lists, new_lists = old.filter(equal_length), new.filter(equal_length)
    item_differs = differs(plain(pc.list_flatten(old_lists)), plain(pc.list_flatten(new_lists)))
    owners = np.asarray(pc.list_parent_indices(old_lists).to_numpy(zero_copy_only=False))[item_differs]
    mask[np.nonzero(~mask)[0][owners]] = True
    return mask


def _update_digest(sha256: Any, column: pa.Array) -> None:
    sha256.update(np.packbits(valid(column)).tobytes())
    kind = column.type
    if pa.types.is_list(kind):
        sha256.update(_lengths(column).tobytes())
        _update_digest(sha256, plain(pc.list_flatten(column)))
    elif pa.types.is_string(kind):
        filled = pc.fill_null(column, "")
        sha256.update(np.asarray(pc.binary_length(filled).to_numpy(zero_copy_only=False), dtype=np.int32).tobytes())
        sha256.update("".join(filled.to_pylist()).encode() if len(filled) < 64 else utf8_of(filled).tobytes())
    elif pa.types.is_boolean(kind):
        sha256.update(np.packbits(pc.fill_null(column, fill_value=False).to_numpy(zero_copy_only=False)).tobytes())
    else:
        days = column.cast(pa.int32()) if pa.types.is_date32(kind) else column
        numbers = days.cast(pa.int64()) if pa.types.is_timestamp(kind) else days
        sha256.update(pc.fill_null(numbers, 0).to_numpy(zero_copy_only=False).astype(np.int64).tobytes())
