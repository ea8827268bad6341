"""Reads the CSV file of a usage report into columns of numbers, one row per person, without Python objects per row."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from fnmatch import fnmatchcase
from functools import lru_cache
from itertools import islice
from typing import Any, BinaryIO, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct, field
from pyarrow import csv as arrow_csv

from auditor.domain.message import Message
from auditor.graph.client import NotGraphError

Numbers: TypeAlias = npt.NDArray[Any]
Flags: TypeAlias = npt.NDArray[np.bool_]
Reader: TypeAlias = Callable[[pa.Array], tuple[Numbers, Flags]]
_BLOCK_BYTES: Final = 512 << 10
"""Bytes that are parsed at once; no row may be longer. Arrow reads up to 32 blocks ahead."""
_MAX_HEADER: Final = 1 << 16
_BLOCKS_READ: Final = 8
"""Blocks whose texts become numbers at once: for a single one the calls take longer than the texts."""
_MAX_DIGITS: Final = 15
_ROWS_PER_CALL: Final = 131_072
_NAME: Final = "user principal name"
_USER_ID: Final = "user id"
_DELETED: Final = "is deleted"
_REFRESHED: Final = "report refresh date"
_REPEATED: Final = pa.dictionary(pa.int32(), pa.string())
"""The type of columns whose texts repeat."""
_OWN: Final = (_NAME, _USER_ID, _DELETED, _REFRESHED)
_EPOCH: Final = date(1970, 1, 1).toordinal()
_DAY: Final = re.compile(r"(\d{4}-\d\d-\d\d)(T[\d:.]*Z?)?", re.ASCII)
_BOOLEANS: Final = {"true": True, "yes": True, "false": False, "no": False}
_ROW: Final = re.compile(r"Row #(\d+): Expected (\d+) columns, got (\d+)")


class ConcealedNamesError(Exception):
    """Raised for a report that shows pseudonyms in place of user principal names."""


class Cell(Struct, frozen=True, kw_only=True):
    """A column of a report."""

    fact: str
    """What it tells: the name of the column that it fills, or that and a part of it."""
    header: str
    """A glob over headers in lower case."""
    numbers: Reader
    """Returns the numbers that texts stand for, and which texts cannot be read."""


class ReportColumn(Struct, frozen=True, kw_only=True):
    """A column of users.parquet that one or more columns of a report make up."""

    name: str
    cells: tuple[Cell, ...]
    merge: np.ufunc
    """Merges the cells of a row, and the rows of one person."""
    start: int
    """What stands for no value; the identity of `merge`."""
    storage: type[np.integer[Any]] = np.int32

    def asked(self, facts: frozenset[str]) -> tuple[str, ...]:
        """Return what coverage lists as read: the column, or those of these facts that are parts of it."""
        own = tuple(cell.fact for cell in self.cells if cell.fact in facts)
        return (self.name,) if len(own) == len(self.cells) else own


class ReportRows(Struct, kw_only=True):
    """Some rows of a report, except those of deleted people."""

    names: pa.Array
    """User principal names in lower case."""
    ids: pa.Array | None = None
    """Object ids in lower case, if the report has such a column."""
    values: dict[str, Numbers] = field(default_factory=dict)
    """For each column that the report has, a number for each row."""
    unreadable: dict[str, Flags] = field(default_factory=dict)
    """For each of them, whether the row has a text that is no such number."""


class ReportSummary(Struct, kw_only=True):
    """What is known of a report as a whole."""

    facts: frozenset[str]
    """The facts whose columns the report has."""
    count: int = 0
    """Rows, those of deleted people left out."""
    refresh_date: date | None = None
    """The earliest refresh date of a row."""


NOTHING: Final = int(np.iinfo(np.int32).min)
"""Stands for no value, such as a blank date."""


def days(texts: pa.Array) -> tuple[Numbers, Flags]:
    """Return dates as days since 1970, NOTHING for a blank one."""
    return _each(_day, texts)


def flags(texts: pa.Array) -> tuple[Numbers, Flags]:
    """Return 1 or 0 for True, Yes, False or No; a blank text cannot be read."""
    return _each(lambda text: _BOOLEANS.get(text.lower()), texts)


def sizes(texts: pa.Array) -> tuple[Numbers, Flags]:
    """Return numbers of bytes; a blank text cannot be read."""
    texts = pc.utf8_trim_whitespace(texts)
    readable = pc.and_(pc.ascii_is_decimal(texts), pc.less_equal(pc.binary_length(texts), _MAX_DIGITS))
    numbers = pc.if_else(readable, texts, "0").cast(pa.int64()).to_numpy()
    return numbers, ~readable.to_numpy(zero_copy_only=False)


def or_nothing(numbers: Reader, texts: pa.Array) -> tuple[Numbers, Flags]:
    """Return NOTHING for blank texts, which show as little as a missing column."""
    values, unreadable = numbers(texts)
    blank = pc.equal(pc.utf8_trim_whitespace(texts), "").to_numpy(zero_copy_only=False)
    return np.where(blank, NOTHING, values), unreadable & ~blank


def _each(number: Callable[[str], int | None], texts: pa.Array) -> tuple[Numbers, Flags]:
    """Return the number of each text; 0, and that it cannot be read, where `number` returns None."""
    numbers = [number(text.strip()) for text in texts.to_pylist()]
    unreadable = np.array([value is None for value in numbers], np.bool_)
    return np.array([value or 0 for value in numbers], np.int64), unreadable


@lru_cache(maxsize=4096)
def _day(text: str) -> int | None:
    """Return the days since 1970; cached, because the blocks of a report repeat the same few hundred days."""
    if not text:
        return NOTHING
    match = _DAY.fullmatch(text)
    try:
        number = date.fromisoformat(match[1]).toordinal() - _EPOCH if match else -1
    except ValueError:
        return None
    return number if number >= 0 else None


def read_report(
    file: BinaryIO, columns: Sequence[ReportColumn], add_rows: Callable[[ReportRows], None]
) -> ReportSummary:
    """Read a report, and call `add_rows` with some 131,000 rows at a time.

    Columns are found by their headers, whose order and letter case do not matter; other columns are ignored. Raises
    NotGraphError for a damaged file, and ConcealedNamesError; rows before the damage were passed on then.
    """
    headers = _headers(file)
    if _NAME not in headers:
        raise NotGraphError(Message("it has no column {name}", name="User Principal Name"))
    cells = {
        (column.name, index): cell
        for column in columns
        for cell in column.cells
        for index, header in enumerate(headers)
        if fnmatchcase(header, cell.header)
    }
    named: dict[str, int] = {name: headers.index(name) for name in _OWN if name in headers}
    summary = ReportSummary(facts=frozenset(cell.fact for cell in cells.values()))
    if not summary.facts:
        raise NotGraphError(lacking(cell.fact for column in columns for cell in column.cells))
    indices = sorted({*named.values(), *(index for _, index in cells)})
    parts: list[ReportRows] = []
    waiting = 0
    texts = {named[name] for name in (_NAME, _USER_ID) if name in named}
    for batch in _merged_blocks(_batches(file, len(headers), indices, texts)):
        parts.append(_part(batch, columns, cells, named, summary))
        waiting += len(parts[-1].names)
        if waiting >= _ROWS_PER_CALL:
            add_rows(_joined(parts))
            parts, waiting = [], 0
    if waiting:
        add_rows(_joined(parts))
    return summary


def lacking(facts: Iterable[str]) -> Message:
    """Return the message that a report does not have the columns of these facts."""
    return Message("the report has no columns for {names}", names=", ".join(sorted(facts)))


def _joined(parts: list[ReportRows]) -> ReportRows:
    first = parts[0]
    return ReportRows(
        names=pa.concat_arrays([part.names for part in parts]),
        ids=None if first.ids is None else pa.concat_arrays([part.ids for part in parts]),
        values={name: np.concatenate([part.values[name] for part in parts]) for name in first.values},
        unreadable={name: np.concatenate([part.unreadable[name] for part in parts]) for name in first.unreadable},
    )


def _headers(file: BinaryIO) -> list[str]:
    """Return the headers in lower case. Raises NotGraphError for a file that does not begin with some."""
    file.seek(0)
    start = file.read(_MAX_HEADER)
    file.seek(0)
    text = start.decode("utf-8-sig", "replace")
    if not text.strip():
        raise NotGraphError(Message("it is empty"))
    if text.lstrip()[0] in "<{[":
        raise NotGraphError(Message("it is not CSV"))
    try:
        headers = next(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise NotGraphError(Message("it is not CSV")) from error
    return [" ".join(header.split()).lower() for header in headers]


def _batches(file: BinaryIO, width: int, indices: list[int], texts: set[int]) -> Iterator[pa.RecordBatch]:
    """Yield the rows block by block: the columns of these indices, those of `texts` as text, others as dictionaries."""
    names = [str(index) for index in range(width)]
    file.seek(0)
    if not re.search(rb"[\r\n]", file.read(_MAX_HEADER)):
        return  # Arrow takes headers alone for an error
    file.seek(0)
    try:
        yield from arrow_csv.open_csv(
            file,
            read_options=arrow_csv.ReadOptions(
                use_threads=False, block_size=_BLOCK_BYTES, column_names=names, skip_rows_after_names=1
            ),
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(
                include_columns=[str(index) for index in indices],
                column_types={str(index): pa.string() if index in texts else _REPEATED for index in indices},
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        # Arrow quotes the row, which names people.
        match = _ROW.search(str(error))
        if match is None:
            raise NotGraphError(Message("it is damaged")) from None
        raise NotGraphError(
            Message("row {row} has {count} of {width} columns", row=match[1], count=match[3], width=match[2])
        ) from None


def _merged_blocks(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the rows of several blocks as one batch, whose dictionaries have each text once."""
    while blocks := list(islice(batches, _BLOCKS_READ)):
        yield from pa.Table.from_batches(blocks).combine_chunks().to_batches()


def _part(
    batch: pa.RecordBatch,
    columns: Sequence[ReportColumn],
    cells: dict[tuple[str, int], Cell],
    named: dict[str, int],
    summary: ReportSummary,
) -> ReportRows:
    """Return the rows of a block, and add what they say about the report. Raises ConcealedNamesError."""
    names = folded(pc.utf8_trim_whitespace(batch.column(str(named[_NAME]))))
    # Pseudonyms have no domain; they stand in every row, those of deleted people included.
    if not pc.all(pc.match_substring(names, "@"), min_count=0).as_py():
        raise ConcealedNamesError
    if _REFRESHED in named:
        numbers, unreadable = _numbers(batch.column(str(named[_REFRESHED])), days)
        dates = numbers[~unreadable & (numbers != NOTHING)]
        if len(dates):
            refreshed = date.fromordinal(int(dates.min()) + _EPOCH)
            summary.refresh_date = min(refreshed, summary.refresh_date or refreshed)
    if _DELETED in named:
        deleted, unreadable = _numbers(batch.column(str(named[_DELETED])), flags)
        mask = pa.array((deleted != 1) | unreadable)
        batch, names = batch.filter(mask), names.filter(mask)
    part = ReportRows(names=names)
    if _USER_ID in named:
        part.ids = folded(pc.utf8_trim_whitespace(batch.column(str(named[_USER_ID]))))
    summary.count += len(names)
    for column in columns:
        column_cells = [(index, cell) for (name, index), cell in cells.items() if name == column.name]
        values = np.full(batch.num_rows, column.start, column.storage)
        wrong = np.zeros(batch.num_rows, np.bool_)
        for index, cell in column_cells:
            numbers, unreadable = _numbers(batch.column(str(index)), cell.numbers, column.storage)
            column.merge(values, numbers, out=values)
            wrong |= unreadable
        if column_cells:
            part.values[column.name], part.unreadable[column.name] = values, wrong
    return part


def _numbers(
    texts: pa.DictionaryArray, numbers: Reader, storage: type[np.integer[Any]] = np.int32
) -> tuple[Numbers, Flags]:
    """Return the numbers that the texts of a column stand for; each distinct text is read once."""
    values, unreadable = numbers(texts.dictionary)
    indices = texts.indices.to_numpy()
    return values.astype(storage).take(indices), unreadable.take(indices)


def folded(texts: pa.Array) -> pa.Array:
    """Return texts in lower case; ASCII alone, as most names are, takes a third of the time, checking included."""
    return pc.ascii_lower(texts) if pc.all(pc.string_is_ascii(texts), min_count=0).as_py() else pc.utf8_lower(texts)
