"""Batches in any order, with repetitions, into tables sorted by id: in memory while they fit, else on disk."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from auditor.files.folder import Folder
from auditor.files.output import opened
from auditor.files.temporary import hold
from auditor.snapshot.schema import USERS_PER_ROW_GROUP

_PIECE = 4_096
"""Rows of one piece of a run: what a merge holds of each run."""
_LIMIT = 40 << 20
"""Bytes of rows that memory holds before they become a run: some 120,000 users."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    """Rows in memory and their order by id, in which only the latest of equal ids stands."""

    table: pa.Table
    order: pa.Array

    @classmethod
    def of(cls, columns: list[list[pa.Array]], schema: pa.Schema) -> "_Held":
        """Join the pieces of each column; the lists are emptied, so that no column is there twice for long."""
        joined = []
        for pieces in columns:
            joined.append(pieces[0] if len(pieces) == 1 else pa.concat_arrays(pieces))
            pieces.clear()
        table = pa.Table.from_arrays(joined, schema=schema)
        return cls(table=table, order=_order(table["id"].chunk(0)))

    def parts(self, rows: int, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """Yield the rows in order, so many at a time."""
        table = self.table if columns is None else self.table.select(columns)
        for start in range(0, len(self.order), rows):
            yield table.take(self.order.slice(start, rows))


class Spool:
    """Takes rows with an `id` in any order, the latest of equal ids counts; gives them sorted, as often as asked."""

    def __init__(self, folder: Path, name: str, schema: pa.Schema, *, limit: int = _LIMIT) -> None:
        self.schema = schema
        self._folder = folder
        self._place: Folder | None = None
        """The open folder, once something was put there: as long as it is, no other process clears it away."""
        self._name = name
        self._limit = limit
        self._waiting: list[pa.RecordBatch] = []
        self._size = 0
        self._runs: list[Path] = []
        self._held: _Held | None = None
        self.rows = 0
        """Rows taken so far, repetitions included."""

    @property
    def large(self) -> bool:
        """Whether it has outgrown memory: a walk through it takes a while then."""
        return bool(self._runs)

    def add(self, batch: pa.RecordBatch) -> None:
        """Take some rows."""
        if not batch.num_rows:
            return
        self._waiting.append(batch)
        self.rows += batch.num_rows
        self._size += batch.nbytes
        if self._size >= self._limit:
            self._write_run()

    def tables(self, rows: int = USERS_PER_ROW_GROUP, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """Yield the rows by id in tables of exactly `rows` rows, the last one smaller."""
        if not self._runs:
            held = self._settled()
            if held is not None:
                yield from held.parts(rows, columns)
            return
        ready: list[pa.Table] = []
        count = 0
        for part in self._merged(columns):
            ready.append(part)
            count += part.num_rows
            while count >= rows:
                whole = pa.concat_tables(ready)
                ready, count = [whole.slice(rows)], count - rows
                yield whole.slice(0, rows).combine_chunks()
        if count:
            yield pa.concat_tables(ready).combine_chunks()

    def distinct(self) -> int:
        """Return how many ids there are."""
        if not self._runs:
            held = self._settled()
            return 0 if held is None else len(held.order)
        return sum(part.num_rows for part in self._merged(["id"]))

    def discard(self) -> None:
        """Remove what is on disk."""
        for path in self._runs:
            path.unlink(missing_ok=True)
        self._runs.clear()
        if self._place is not None:
            self._place.close()
            self._place = None

    def _merged(self, columns: list[str] | None) -> Iterator[pa.Table]:
        if self._waiting:
            self._write_run()
        yield from _merge([_Cursor(_pieces(path, columns)) for path in self._runs])

    def _settled(self) -> _Held | None:
        """Return what is in memory, in order."""
        if self._waiting:
            batches = [*([] if self._held is None else self._held.table.to_batches()), *self._waiting]
            self._waiting, self._held = [], None
            columns = [[batch.column(place) for batch in batches] for place in range(len(self.schema))]
            del batches
            self._held = _Held.of(columns, self.schema)
        return self._held

    def _write_run(self) -> None:
        held = self._settled()
        assert held is not None
        if self._place is None:
            self._place = Folder.made(self._folder.parent, self._folder.name)
            hold(self._place)
        name = f"{self._name}-{len(self._runs):04}.arrow"
        path = self._folder / name
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with (
            opened(self._place.create(name)) as file,
            pa.ipc.new_file(file, self.schema, options=options) as writer,
        ):
            for part in held.parts(_PIECE):
                writer.write_table(part)
        self._runs.append(path)
        del held
        self._held, self._size = None, 0
        release_arrow_memory()


def release_arrow_memory() -> None:
    """Give memory that nothing uses back to the machine: Arrow keeps it for the next time, and there may be none."""
    pa.default_memory_pool().release_unused()


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
        if columns is not None:
            places = [reader.schema.get_field_index(name) for name in columns]
            reader = pa.ipc.open_file(source, options=pa.ipc.IpcReadOptions(included_fields=places))
        for number in range(reader.num_record_batches):
            yield pa.Table.from_batches([reader.get_batch(number)])


def _sorted(table: pa.Table) -> pa.Table:
    """Sort by id, and keep the latest of equal ids."""
    table = table.combine_chunks()
    return table.take(_order(table["id"].chunk(0)))


def _order(ids: pa.Array) -> pa.Array:
    """Return the places of ids in their order; of equal ids only the latest has one."""
    order = pc.sort_indices(ids)
    if len(ids) > 1:
        ordered = ids.take(order)
        again = pc.equal(ordered.slice(0, len(ids) - 1), ordered.slice(1))
        if pc.any(again).as_py():
            order = order.filter(pc.invert(pa.concat_arrays([again, pa.array([False])])))
    return order
