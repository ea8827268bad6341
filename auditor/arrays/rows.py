"""Selects and groups rows by number."""

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Rows = npt.NDArray[np.signedinteger]
"""Numbers of rows, or of other items."""
_Number = TypeVar("_Number", bound=np.integer[Any])


def entries_of_rows(starts: Rows, rows: Rows) -> Rows:
    """Return the indices of the entries of the given rows, in the order of `rows`."""
    begin = starts[rows]
    return runs(begin, starts[rows + 1] - begin)


def runs(begin: Rows, sizes: Rows) -> Rows:
    """Return the concatenation of the ranges that start at `begin` and have these sizes."""
    ranges: Rows = np.arange(sizes.sum()) + np.repeat(begin - np.cumsum(sizes) + sizes, sizes)
    return ranges


def distinct(numbers: npt.NDArray[_Number]) -> npt.NDArray[_Number]:
    """Return the distinct numbers in ascending order."""
    # Not np.unique: it imports numpy.ma, which would slow down a small audit.
    ordered = np.sort(numbers)
    first = np.ones(len(ordered), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return ordered[first]


def ranks(values: Sequence[Any]) -> Rows:
    """Return the rank of each value in ascending order; equal values have different ranks, in input order."""
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks_of = np.empty(len(values), dtype=np.int64)
    ranks_of[order] = np.arange(len(values))
    return ranks_of


def arrow_rows(rows: Rows) -> pa.Array:
    """Return rows as an Arrow array."""
    # Not pa.array: it imports numpy.ma to check for masked arrays.
    return pa.Array.from_buffers(pa.int64(), len(rows), [None, pa.py_buffer(rows.astype(np.int64))])
