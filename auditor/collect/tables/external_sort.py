"""Sorts batches of rows by id and removes duplicates: in memory if they fit, else in runs on disk."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from auditor.arrays.memory import release_arrow_memory
from auditor.files.folder import Folder
from auditor.files.output import opened
from auditor.files.temporary import lock
from auditor.snapshot.schema import USERS_PER_ROW_GROUP

_ROWS_PER_BATCH = 4_096
"""Rows per batch of a run; a merge has one batch of each run in memory."""
_MAX_BYTES = 40 << 20
"""Bytes of rows kept in memory before they are written as a run: some 120,000 users."""


class _SortedRows(Struct, frozen=True, kw_only=True):
    """Rows in memory, and their order by id, which contains only the latest of equal ids."""

    table: pa.Table
    order: pa.Array | None
    """The row indices in order; None if the table is sorted and has no duplicates, as rows about sorted users are."""

    @classmethod
    def of(cls, columns: list[list[pa.Array]], schema: pa.Schema) -> "_SortedRows":
        """Concatenate the arrays of each column; the lists are emptied to avoid a second copy of the columns."""
        joined = []
        for arrays in columns:
            joined.append(arrays[0] if len(arrays) == 1 else pa.concat_arrays(arrays))
            arrays.clear()
        table = pa.Table.from_arrays(joined, schema=schema)
        return cls(table=table, order=_order(table["id"].chunk(0)))

    def tables_of(self, rows: int, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """Yield the rows in order, in tables of at most `rows` rows."""
        table = self.table if columns is None else self.table.select(columns)
        for start in range(0, len(self), rows):
            yield table.slice(start, rows) if self.order is None else table.take(self.order.slice(start, rows))

    def __len__(self) -> int:
        """Return the number of distinct ids."""
        return self.table.num_rows if self.order is None else len(self.order)


class Spool:
    """Collects rows with an `id` in any order and yields them sorted; of rows with one id, the latest is used."""

    def __init__(self, folder: Path, name: str, schema: pa.Schema, *, limit: int = _MAX_BYTES) -> None:
        self.schema = schema
        self._folder = folder
        self._open_folder: Folder | None = None
        """The open folder, once a run was written; its lock keeps other processes from removing it."""
        self._name = name
        self._limit = limit
        self._unsorted: list[pa.RecordBatch] = []
        self._size = 0
        self._runs: list[Path] = []
        self._sorted_rows: _SortedRows | None = None
        self.rows = 0
        """Rows added so far, including duplicates."""

    def add(self, batch: pa.RecordBatch) -> None:
        """Add rows."""
        if not batch.num_rows:
            return
        self._unsorted.append(batch)
        self.rows += batch.num_rows
        self._size += batch.nbytes
        if self._size >= self._limit:
            self._write_run()

    def tables(self, rows: int = USERS_PER_ROW_GROUP, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """Yield the rows by id in tables of exactly `rows` rows, the last one smaller."""
        if not self._runs:
            sorted_rows = self._sort()
            if sorted_rows is not None:
                yield from sorted_rows.tables_of(rows, columns)
            return
        buffered: list[pa.Table] = []
        count = 0
        for part in self._merged(columns):
            buffered.append(part)
            count += part.num_rows
            while count >= rows:
                joined = pa.concat_tables(buffered)
                buffered, count = [joined.slice(rows)], count - rows
                yield joined.slice(0, rows).combine_chunks()
        if count:
            yield pa.concat_tables(buffered).combine_chunks()

    def distinct(self) -> int:
        """Return the number of distinct ids."""
        if not self._runs:
            sorted_rows = self._sort()
            return 0 if sorted_rows is None else len(sorted_rows)
        return sum(part.num_rows for part in self._merged(["id"]))

    def _merged(self, columns: list[str] | None) -> Iterator[pa.Table]:
        if self._unsorted:
            self._write_run()
        yield from _merge(_read_run(path, columns) for path in self._runs)

    def _sort(self) -> _SortedRows | None:
        """Return the rows in memory, sorted."""
        if self._unsorted:
            batches = [*([] if self._sorted_rows is None else self._sorted_rows.table.to_batches()), *self._unsorted]
            self._unsorted, self._sorted_rows = [], None
            columns = [[batch.column(index) for batch in batches] for index in range(len(self.schema))]
            del batches
            self._sorted_rows = _SortedRows.of(columns, self.schema)
        return self._sorted_rows

    def _write_run(self) -> None:
        sorted_rows = self._sort()
        assert sorted_rows is not None
        if self._open_folder is None:
            self._open_folder = Folder.open_or_create(self._folder.parent, self._folder.name)
            lock(self._open_folder)
        name = f"{self._name}-{len(self._runs):04}.arrow"
        path = self._folder / name
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        with (
            opened(self._open_folder.create(name)) as file,
            pa.ipc.new_file(file, self.schema, options=options) as writer,
        ):
            for part in sorted_rows.tables_of(_ROWS_PER_BATCH):
                writer.write_table(part)
        self._runs.append(path)
        del sorted_rows
        self._sorted_rows, self._size = None, 0
        release_arrow_memory()


def _merge(runs: Iterable[Iterator[pa.Table]]) -> Iterator[pa.Table]:
    """Merge runs: rows are complete up to the smallest of the greatest ids of the current batches."""
    current = [(run, next(run)) for run in runs]
    while current:
        limit = min(batch["id"][-1].as_py() for _, batch in current)
        counts = [pc.sum(pc.less_equal(batch["id"], limit)).as_py() or 0 for _, batch in current]
        parts = [batch.slice(0, count) for (_, batch), count in zip(current, counts, strict=True) if count]
        table = parts[0] if len(parts) == 1 else pa.concat_tables(parts).combine_chunks()
        order = None if len(parts) == 1 else _order(table["id"].chunk(0))
        yield table if order is None else table.take(order)
        following = [
            (run, batch.slice(count) if count < batch.num_rows else next(run, None))
            for (run, batch), count in zip(current, counts, strict=True)
        ]
        current = [(run, batch) for run, batch in following if batch is not None]


def _read_run(path: Path, columns: list[str] | None) -> Iterator[pa.Table]:
    with pa.OSFile(str(path), "rb") as source:
        reader = pa.ipc.open_file(source)
        if columns is not None:
            indices = [reader.schema.get_field_index(name) for name in columns]
            reader = pa.ipc.open_file(source, options=pa.ipc.IpcReadOptions(included_fields=indices))
        for number in range(reader.num_record_batches):
            yield pa.Table.from_batches([reader.get_batch(number)])


def _order(ids: pa.Array) -> pa.Array | None:
    """Return the sort order of ids, which contains only the latest of equal ids; None if they ascend already."""
    if pc.all(pc.less(ids.slice(0, max(0, len(ids) - 1)), ids.slice(1)), min_count=0).as_py():
        return None
    order = pc.sort_indices(ids)
    ordered = ids.take(order)
    repeated = pc.equal(ordered.slice(0, len(ids) - 1), ordered.slice(1))
    if pc.any(repeated).as_py():
        order = order.filter(pc.invert(pa.concat_arrays([repeated, pa.array([False])])))
    return order
