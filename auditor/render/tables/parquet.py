"""A Result's findings into one Parquet table, for the queries that a spreadsheet cannot take.

The table has the columns of findings.csv, with `run` (id of the run) and `asOf` (its instant, RFC 3339) in front, so
that files can be stacked. `perMonth` is decimal128(38, 2); `sourceLine` and the numbers of seats are int64; all others
are strings. Every column may be null, an empty text is null. docs/findings.md describes the columns.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from auditor.domain.result.model import Result
from auditor.findings.facts import SEAT_FACTS
from auditor.render.artifact import Artifact
from auditor.render.chunk_buffer import ChunkBuffer
from auditor.render.formats import RenderOptions
from auditor.render.tables.bulk_escape import BulkEscaper
from auditor.render.tables.flat import COLUMNS, Cell, RepeatedColumns, RepeatedValues, RowBatch, TextColumn, row_batches
from auditor.render.text.sanitize import visible
from auditor.result.codec.encoder import instant

if TYPE_CHECKING:
    import pyarrow as pa

_RUN: Final = ("run", "asOf")
_INTEGERS: Final = frozenset({"sourceLine", *SEAT_FACTS})
_ROW_GROUP: Final = 65_536
"""Rows of a row group, which are in memory as columns."""
_BATCH: Final = 65536
"""Findings that are in memory as values at once."""
_KEPT: Final = "\t\r\n"


def render(result: Result, _: RenderOptions) -> Artifact:
    """Write the columns of the CSV table, typed, with the run and its instant in front."""
    return Artifact(name="findings.parquet", media_type="application/vnd.apache.parquet", body=_chunks(result))


def schema() -> "pa.Schema":
    """Return the columns and types of every findings.parquet, of an empty one too."""
    import pyarrow as pa  # noqa: PLC0415 - heavy

    types = {"perMonth": pa.decimal128(38, 2), **dict.fromkeys(_INTEGERS, pa.int64())}
    return pa.schema([(name, types.get(name, pa.string())) for name in (*_RUN, *COLUMNS)])


def _chunks(result: Result) -> Iterator[bytes]:
    import pyarrow as pa  # noqa: PLC0415 - heavy
    import pyarrow.parquet as pq  # noqa: PLC0415 - heavy

    buffer, columns = ChunkBuffer(), schema()
    run = {"run": _plain(result.run.id), "asOf": instant(result.run.as_of)}
    with pq.ParquetWriter(pa.PythonFile(buffer, mode="w"), columns, compression="zstd") as writer:
        for group in _row_groups(row_batches(result, _BATCH), _Arrays(columns, run)):
            writer.write_table(group)
            yield buffer.pop()
    yield buffer.pop()


def _row_groups(batches: Iterable[RowBatch], arrays: "_Arrays") -> "Iterator[pa.Table]":
    """Yield the table in row groups: rows of one tenant, about _ROW_GROUP of them."""
    import pyarrow as pa  # noqa: PLC0415 - heavy

    group: list[pa.RecordBatch] = []
    tenant: RepeatedValues | None = None
    rows = 0
    for batch in batches:
        own = next(part.values for part in batch.parts if isinstance(part, RepeatedColumns))
        if group and (own is not tenant or rows >= _ROW_GROUP):
            yield pa.Table.from_batches(group)
            group, rows = [], 0
        tenant = own
        group.append(arrays.batch(batch))
        rows += batch.count
    if group:
        yield pa.Table.from_batches(group)


class _Arrays:
    """Converts batches of rows to record batches; each distinct value is converted once."""

    def __init__(self, columns: "pa.Schema", run: Mapping[str, str | None]) -> None:
        self._columns = columns
        self._run = run
        self._escaper = BulkEscaper(_sanitized)
        self._values: dict[str, tuple[RepeatedValues, pa.Array]] = {}

    def batch(self, batch: RowBatch) -> "pa.RecordBatch":
        """Return the columns of a batch."""
        import pyarrow as pa  # noqa: PLC0415 - heavy

        arrays = [pa.repeat(pa.scalar(self._run[name], pa.string()), batch.count) for name in _RUN]
        for part in batch.parts:
            match part:
                case TextColumn():
                    arrays.append(self._escaper.escaped(part.texts))
                case RepeatedColumns():
                    arrays += [
                        self._distinct(name, index, part.values).take(part.codes)
                        for index, name in enumerate(part.columns, start=part.first)
                    ]
        return pa.record_batch(arrays, schema=self._columns)

    def _distinct(self, name: str, index: int, values: RepeatedValues) -> "pa.Array":
        """Return the values of one column by code."""
        import pyarrow as pa  # noqa: PLC0415 - heavy

        kind = self._columns.field(name).type
        cached, array = self._values.get(name, (values, pa.array([], kind)))
        if cached is not values:
            array = pa.array([], kind)
        if len(array) < len(values.rows):
            convert = _plain if kind == pa.string() else _number
            fresh = pa.array([convert(row[index]) for row in values.rows[len(array) :]], pa.string()).cast(kind)
            array = pa.concat_arrays([array, fresh])
        self._values[name] = values, array
        return array


def _plain(cell: Cell) -> str | None:
    return None if cell in (None, "") else _sanitized(str(cell))


def _number(cell: Cell) -> str | None:
    """Return a number as Arrow parses it; a text where a number belongs is null."""
    return None if cell is None or isinstance(cell, str) else str(cell)


def _sanitized(text: str) -> str:
    return visible(text, keep=_KEPT)
