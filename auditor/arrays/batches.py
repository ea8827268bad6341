"""Joins and splits Arrow record batches."""

from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa


def joined(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """Return the rows of several record batches as one."""
    if len(batches) == 1:
        return batches[0]
    (combined_batch,) = pa.Table.from_batches(batches).unify_dictionaries().combine_chunks().to_batches()
    return combined_batch


def resized(batches: Iterable[pa.RecordBatch], size: int) -> Iterator[pa.RecordBatch]:
    """Yield the rows in record batches of that size, except for the last; only rows of several batches are copied."""
    pending: list[pa.RecordBatch] = []
    missing = size
    for batch in batches:
        start = 0
        while batch.num_rows - start >= missing:
            yield joined([*pending, batch.slice(start, missing)])
            start += missing
            pending, missing = [], size
        if start < batch.num_rows:
            pending.append(batch.slice(start))
            missing -= batch.num_rows - start
    if pending:
        yield joined(pending)
