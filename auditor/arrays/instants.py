"""Converts timestamp columns into microseconds since 1970."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from auditor.arrays.columns import valid

Numbers = npt.NDArray[np.int64]

INSTANT = pa.timestamp("us", tz="UTC")
NEVER = np.iinfo(np.int64).min
"""Marks an absent instant in columns of microseconds since 1970."""


def instants_of(column: pa.Array) -> Numbers:
    """Return a column as microseconds since 1970 in UTC; absent instants, and those in the year 1, are NEVER."""
    if column.null_count == len(column):
        return np.full(len(column), NEVER, dtype=np.int64)
    column = column.cast(INSTANT)
    numbers: Numbers = np.frombuffer(column.buffers()[1], dtype=np.int64)[column.offset :][: len(column)]
    if column.null_count:
        numbers = np.where(valid(column), numbers, NEVER)
    early = numbers < _YEAR_TWO
    return np.where(early, NEVER, numbers) if np.count_nonzero(early) > column.null_count else numbers


_YEAR_TWO = -62_104_060_800_000_000
"""0002-01-01 in microseconds: Graph writes the year 1 for "never"."""
