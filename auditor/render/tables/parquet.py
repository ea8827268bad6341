"""Renders findings as a Parquet table, for queries that are too large for a spreadsheet.

The table has the columns of findings.csv, preceded by `run` (id of the run) and `asOf` (its instant, RFC 3339), so that
files of several runs can be concatenated. Amounts are decimal128(38, 2); `sourceLine` and the numbers of seats are
int64; all others are strings. All columns are nullable; an empty text is null. docs/findings.md describes the columns.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from auditor.arrays.rows import arrow_rows
from auditor.arrays.texts import constant
from auditor.domain.result.model import Result
from auditor.findings.columns import CODED
from auditor.findings.facts import SEAT_FACTS
from auditor.render.chunk_buffer import ChunkBuffer
from auditor.render.formats import RenderOptions
from auditor.render.tables.bulk_escape import BulkEscaper
from auditor.render.tables.flat_rows import (
    COLUMNS,
    Cell,
    RepeatedColumns,
    RepeatedValues,
    RowBatch,
    TextColumn,
    row_batches,
)
from auditor.render.text.sanitize import visible
from auditor.result.codec.encoder import instant

_RUN: Final = ("run", "asOf")
_AMOUNTS: Final = ("perMonth", "countedPerMonth")
_INTEGERS: Final = frozenset({"sourceLine", *SEAT_FACTS})
_TEXTS: Final = frozenset({"subjectId", "subjectName", "fingerprint", "userPrincipalName", "lastSignIn"})
"""Columns whose texts differ from row to row; dictionary encoding would make the file larger."""
_ROW_GROUP: Final = 65_536
"""Maximum findings per row group, which is held in memory; a row group contains findings of one tenant only."""
_ALLOWED_CONTROLS: Final = "\t\r\n"


def render(result: Result, _: RenderOptions) -> Iterable[bytes]:
    """Render the columns of the CSV table with types, preceded by the run and its instant."""
    return _chunks(result)


def schema() -> pa.Schema:
    """Return the columns and types of findings.parquet; they are the same for every result."""
    types = dict.fromkeys(_AMOUNTS, pa.decimal128(38, 2)) | dict.fromkeys(_INTEGERS, pa.int64())
    return pa.schema([(name, types.get(name, pa.string())) for name in (*_RUN, *COLUMNS)])


def _chunks(result: Result) -> Iterator[bytes]:
    buffer, converter = ChunkBuffer(), _BatchConverter(result)
    coded = [field.name for field in converter.schema if field.name not in _TEXTS]
    # Without the stored Arrow schema, readers get plain strings and not dictionaries.
    with pq.ParquetWriter(
        pa.PythonFile(buffer, mode="w"), converter.schema, compression="zstd", use_dictionary=coded, store_schema=False
    ) as writer:
        for batch in row_batches(result, _ROW_GROUP):
            writer.write_batch(converter.batch(batch))
            yield buffer.pop()
    yield buffer.pop()


class _BatchConverter:
    """Converts batches of rows to record batches; each distinct value is converted only once."""

    def __init__(self, result: Result) -> None:
        self._run = {"run": _plain(result.run.id), "asOf": instant(result.run.as_of)}
        self._types = schema()
        self.schema = pa.schema(
            [
                field.with_type(CODED) if field.type == pa.string() and field.name not in _TEXTS else field
                for field in self._types
            ]
        )
        self._escaper = BulkEscaper(_sanitized)
        self._values: dict[str, tuple[RepeatedValues, pa.Array]] = {}

    def batch(self, batch: RowBatch) -> pa.RecordBatch:
        """Return a batch as a record batch."""
        arrays = [constant(self._run[name], batch.count) for name in _RUN]
        for part in batch.parts:
            match part:
                case TextColumn():
                    arrays.append(self._escaper.escaped(part.texts))
                case RepeatedColumns():
                    arrays += self._repeated(part)
        return pa.record_batch(arrays, schema=self.schema)

    def _repeated(self, part: RepeatedColumns) -> Iterator[pa.Array]:
        """Yield columns whose values repeat; the dictionaries of text columns contain only values of the batch."""
        codes = part.codes.to_numpy()
        used = np.zeros(len(part.values.rows), dtype=bool)
        used[codes] = True
        distinct, positions = arrow_rows(np.flatnonzero(used)), arrow_rows((np.cumsum(used) - 1)[codes])
        for index, name in enumerate(part.columns, start=part.first):
            values = self._distinct(name, index, part.values).take(distinct)
            if self.schema.field(name).type != CODED:
                yield values.take(positions)
                continue
            coded = values.dictionary_encode()
            yield pa.DictionaryArray.from_arrays(coded.indices.take(positions), coded.dictionary)

    def _distinct(self, name: str, index: int, values: RepeatedValues) -> pa.Array:
        """Return the values of one column by code."""
        arrow_type = self._types.field(name).type
        cached, array = self._values.get(name, (values, pa.array([], arrow_type)))
        if cached is not values:
            array = pa.array([], arrow_type)
        if len(array) < len(values.rows):
            convert = _plain if arrow_type == pa.string() else _number
            added = pa.array([convert(row[index]) for row in values.rows[len(array) :]], pa.string()).cast(arrow_type)
            array = pa.concat_arrays([array, added])
        self._values[name] = values, array
        return array


def _plain(cell: Cell) -> str | None:
    return None if cell in (None, "") else _sanitized(str(cell))


def _number(cell: Cell) -> str | None:
    """Return a number in a form that Arrow can parse; null if the cell is a text."""
    return None if cell is None or isinstance(cell, str) else str(cell)


def _sanitized(text: str) -> str:
    return visible(text, keep=_ALLOWED_CONTROLS)
