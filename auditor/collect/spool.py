"""Batches in any order, with repetitions, into tables sorted by id: in memory while they fit, else on disk."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditor.snapshot.schema import USERS_PER_ROW_GROUP

_PIECE = 8_192
"""Rows of one piece of a run: what a merge holds of each run."""


@dataclass(slots=True)
class _Cursor:
    """Where a merge stands in one run."""

    pieces: Iterator[pa.Table]
    rest: pa.Table | None = None
    last: bool = False

    def fill(self) -> None:
        """Have something at hand, unless the run is used up."""
        while not self.last and (self.rest is None or self.rest.num_rows == 0):
            self.rest = next(self.pieces, None)
            self.last = self.rest is None

    @property
    def limit(self) -> str:
        """The greatest id at hand."""
        assert self.rest is not None
        found: str = self.rest["id"][-1].as_py()
        return found

    def upto(self, limit: str) -> pa.Table | None:
        """Take what is at hand up to an id."""
        if self.rest is None or self.rest.num_rows == 0:
            return None
        count = pc.sum(pc.less_equal(self.rest["id"], limit)).as_py() or 0
        taken = self.rest.slice(0, count)
        self.rest = self.rest.slice(count)
        return taken


class Spool:
    """Takes rows with an `id` in any order, the latest of equal ids counts; gives them sorted, as often as asked."""

    def __init__(self, folder: Path, name: str, schema: pa.Schema, *, run: int = USERS_PER_ROW_GROUP) -> None:
        self.schema = schema
        self._folder = folder
        self._name = name
        self._run = run
        self._waiting: list[pa.RecordBatch] = []
        self._count = 0
        self._runs: list[Path] = []
        self._in_memory: pa.Table | None = None
        self.added = 0
        """Rows taken so far, repetitions included."""

    def add(self, batch: pa.RecordBatch) -> None:
        """Take some rows."""
        if not batch.num_rows:
            return
        self._waiting.append(batch)
        self._count += batch.num_rows
        self.added += batch.num_rows
        if self._count >= self._run:
            self._write_run()

    def tables(self, rows: int = USERS_PER_ROW_GROUP, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """Yield the rows by id in tables of exactly `rows` rows, the last one smaller."""
        ready: list[pa.Table] = []
        count = 0
        for part in self._merged(columns):
            ready.append(part)
            count += part.num_rows
            while count >= rows:
                whole = pa.concat_tables(ready)
                yield whole.slice(0, rows).combine_chunks()
                ready, count = [whole.slice(rows)], count - rows
        if count:
            yield pa.concat_tables(ready).combine_chunks()

    def distinct(self) -> int:
        """Return how many ids there are."""
        return sum(part.num_rows for part in self._merged(["id"]))

    def discard(self) -> None:
        """Remove what is on disk."""
        for path in self._runs:
            path.unlink(missing_ok=True)
        self._runs.clear()

    def _merged(self, columns: list[str] | None) -> Iterator[pa.Table]:
        if not self._runs:
            if self._waiting:
                kept = [] if self._in_memory is None else self._in_memory.to_batches()
                self._in_memory = _sorted(pa.Table.from_batches([*kept, *self._waiting], self.schema))
                self._waiting, self._count = [], 0
            if self._in_memory is not None:
                yield self._in_memory if columns is None else self._in_memory.select(columns)
            return
        if self._waiting:
            self._write_run()
        yield from _merge([_Cursor(_pieces(path, columns)) for path in self._runs])

    def _write_run(self) -> None:
        kept = [] if self._in_memory is None else self._in_memory.to_batches()
        table = _sorted(pa.Table.from_batches([*kept, *self._waiting], self.schema))
        self._waiting, self._count, self._in_memory = [], 0, None
        self._folder.mkdir(exist_ok=True)
        path = self._folder / f"{self._name}-{len(self._runs):04}.arrow"
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with pa.ipc.new_file(path, self.schema, options=options) as writer:
            writer.write_table(table, max_chunksize=_PIECE)
        self._runs.append(path)


def _merge(cursors: list[_Cursor]) -> Iterator[pa.Table]:
    """Merge runs: everything up to the smallest of the greatest ids at hand is complete."""
    while True:
        for cursor in cursors:
            cursor.fill()
        cursors = [cursor for cursor in cursors if cursor.rest is not None]
        if not cursors:
            return
        if len(cursors) == 1:
            rest = cursors[0].rest
            cursors[0].rest = None
            assert rest is not None
            yield rest
            continue
        limit = min(cursor.limit for cursor in cursors)
        parts = [part for cursor in cursors if (part := cursor.upto(limit)) is not None and part.num_rows]
        yield _sorted(pa.concat_tables(parts))


def _pieces(path: Path, columns: list[str] | None) -> Iterator[pa.Table]:
    with pa.OSFile(str(path), "rb") as source:
        reader = pa.ipc.open_file(source)
        for number in range(reader.num_record_batches):
            table = pa.Table.from_batches([reader.get_batch(number)])
            yield table if columns is None else table.select(columns)


def _sorted(table: pa.Table) -> pa.Table:
    """Sort by id, and keep the latest of equal ids."""
    order = pc.sort_indices(table, sort_keys=[("id", "ascending")])
    table = table.take(order)
    ids = table["id"].combine_chunks()
    if len(ids) > 1:
        again = pc.equal(ids.slice(0, len(ids) - 1), ids.slice(1)).to_numpy(zero_copy_only=False)
        if again.any():
            table = table.filter(pa.array(np.append(~again, True)))
    return table
