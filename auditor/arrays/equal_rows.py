"""Groups rows that have equal values."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa

from auditor.arrays.rows import Rows
from auditor.arrays.texts import codes

_MAX_BOUND: Final = 1 << 62


def combined(columns: Iterable[tuple[Rows, int]]) -> tuple[Rows, Rows]:
    """Group rows that have the same values in several columns of numbers, each less than a given bound.

    Returns the first row of each group, with groups sorted by their values, and the group of each row.
    """
    numbers, bound = np.zeros(0, dtype=np.int64), 0
    for column, count in columns:
        if not bound:
            numbers, bound = column.astype(np.int64), max(count, 1)
            continue
        if bound * count > _MAX_BOUND or bound <= _table_limit(numbers) < bound * count:
            firsts, numbers = _grouped(numbers, bound)
            bound = len(firsts)
        numbers = numbers * count + column
        bound *= max(count, 1)
    return _grouped(numbers, bound)


def _grouped(numbers: Rows, bound: int) -> tuple[Rows, Rows]:
    """Group equal numbers that are less than a bound, as `combined` does."""
    if bound <= _table_limit(numbers):
        used = np.zeros(bound, dtype=bool)
        used[numbers] = True
        group_of: Rows = (np.cumsum(used) - 1)[numbers]
        firsts = np.full(np.count_nonzero(used), len(numbers))
        np.minimum.at(firsts, group_of, np.arange(len(numbers)))
        return firsts, group_of
    # Not np.unique: it imports numpy.ma, which would slow down a small audit.
    order = np.argsort(numbers, kind="stable")
    ordered = numbers[order]
    first = np.ones(len(ordered), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    group_of = np.empty(len(numbers), dtype=np.int64)
    group_of[order] = np.cumsum(first) - 1
    return order[first], group_of


def _table_limit(numbers: Rows) -> int:
    """Return the bound up to which a table of all possible numbers is faster than sorting the given ones."""
    return max(4 * len(numbers), 1 << 12)


def distinct_values(columns: Sequence[tuple[Rows, Sequence[Any]]]) -> tuple[list[tuple[Any, ...]], Rows, Rows]:
    """Group rows by columns of indices into values.

    Returns the values of each group, its first row, and the group of each row, as `combined` does.
    """
    firsts, group_of = combined((numbers, len(values)) for numbers, values in columns)
    lists = ([values[number] for number in numbers[firsts].tolist()] for numbers, values in columns)
    return list(zip(*lists, strict=True)), firsts, group_of


def equal_rows(batch: pa.RecordBatch, names: Iterable[str]) -> tuple[Rows, Rows]:
    """Group the rows of a record batch that have equal values in dictionary-encoded columns, as `combined` does."""
    columns = [batch.column(name) for name in names]
    return combined((codes(column), len(column.dictionary) + 1) for column in columns)
