"""Reads the CSV file of a usage report into columns of numbers, one row per user, without Python objects per row."""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import Any, BinaryIO, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct, field
from pyarrow import csv as arrow_csv

from auditor.arrays.columns import Flags
from auditor.domain.message import Message
from auditor.graph.client import NotGraphError

Numbers: TypeAlias = npt.NDArray[Any]
Reader: TypeAlias = Callable[[pa.Array], tuple[Numbers, Flags]]
_BLOCK_BYTES: Final = 512 << 10
"""Bytes that are parsed at once; no row may be longer. Arrow reads up to 32 blocks ahead."""
_MAX_HEADER: Final = 1 << 16
_MAX_DIGITS: Final = 15
_ROWS_PER_CALL: Final = 131_072
"""Rows that are converted and joined at once: with fewer, the calls take longer than the conversion."""
_NAME_HEADER: Final = "user principal name"
_USER_ID_HEADER: Final = "user id"
_DELETED_HEADER: Final = "is deleted"
_REFRESH_DATE_HEADER: Final = "report refresh date"
_DICTIONARY: Final = pa.dictionary(pa.int32(), pa.string())
"""The type of columns with repeated texts."""
_KEY_HEADERS: Final = (_NAME_HEADER, _USER_ID_HEADER, _DELETED_HEADER, _REFRESH_DATE_HEADER)
_EPOCH: Final = date(1970, 1, 1).toordinal()
_DAY: Final = re.compile(r"(\d{4}-\d\d-\d\d)(T[\d:.]*Z?)?", re.ASCII)
_BOOLEANS: Final = {"true": True, "yes": True, "false": False, "no": False}
_ROW_ERROR: Final = re.compile(r"Row #(\d+): Expected (\d+) columns, got (\d+)")


class ConcealedNamesError(Exception):
    """Raised for a report that shows pseudonyms in place of user principal names."""


class Cell(Struct, frozen=True, kw_only=True):
    """A column of a report."""

    fact: str
    """What it contains: the name of the column that it fills, with a suffix if it fills only a part of it."""
    header: str
    """A glob over headers in lower case."""
    numbers: Reader
    """Converts texts to numbers; also returns which texts are unreadable."""


class ReportColumn(Struct, frozen=True, kw_only=True):
    """A column of users.parquet, which is filled from one or more columns of a report."""

    name: str
    cells: tuple[Cell, ...]
    merge: np.ufunc
    """Merges the cells of a row, and the rows of one user."""
    start: int
    """The number for a missing value; the identity of `merge`."""
    storage: type[np.integer[Any]] = np.int32

    def read_facts(self, facts: frozenset[str]) -> tuple[str, ...]:
        """Return what coverage lists as read: the column, or its parts in `facts` if these are not all."""
        parts = tuple(cell.fact for cell in self.cells if cell.fact in facts)
        return (self.name,) if len(parts) == len(self.cells) else parts


class ReportRows(Struct, kw_only=True):
    """Some rows of a report, without those of deleted users."""

    names: pa.Array
    """User principal names in lower case."""
    ids: pa.Array | None = None
    """Object ids in lower case, if the report has such a column."""
    values: dict[str, Numbers] = field(default_factory=dict)
    """Column that the report has → a number for each row."""
    unreadable: dict[str, Flags] = field(default_factory=dict)
    """Column that the report has → whether the text of each row is unreadable."""


class ReportSummary(Struct, kw_only=True):
    """Facts about a whole report."""

    facts: frozenset[str]
    """The facts whose columns the report has."""
    count: int = 0
    """Number of rows, without those of deleted users."""
    refresh_date: date | None = None
    """The earliest refresh date of a row."""


NOTHING: Final = int(np.iinfo(np.int32).min)
"""The number for a missing value, such as a blank date."""


def days(texts: pa.Array) -> tuple[Numbers, Flags]:
    """Convert dates to days since 1970; a blank text becomes NOTHING."""
    return _convert_each(_day, texts)


def flags(texts: pa.Array) -> tuple[Numbers, Flags]:
    """Convert True and Yes to 1, False and No to 0; a blank text is unreadable."""
    return _convert_each(lambda text: _BOOLEANS.get(text.lower()), texts)


def sizes(texts: pa.Array) -> tuple[Numbers, Flags]:
    """Convert numbers of bytes; a blank text is unreadable."""
    texts = pc.utf8_trim_whitespace(texts)
    readable = pc.and_(pc.ascii_is_decimal(texts), pc.less_equal(pc.binary_length(texts), _MAX_DIGITS))
    numbers = pc.if_else(readable, texts, "0").cast(pa.int64()).to_numpy()
    return numbers, ~readable.to_numpy(zero_copy_only=False)


def or_nothing(numbers: Reader, texts: pa.Array) -> tuple[Numbers, Flags]:
    """Convert texts with `numbers`, but blank texts to NOTHING, because they are like a missing column."""
    values, unreadable = numbers(texts)
    blank = pc.equal(pc.utf8_trim_whitespace(texts), "").to_numpy(zero_copy_only=False)
    return np.where(blank, NOTHING, values), unreadable & ~blank


def _convert_each(number: Callable[[str], int | None], texts: pa.Array) -> tuple[Numbers, Flags]:
    """Convert each text with `number`; if that returns None, the number is 0 and the text is unreadable."""
    numbers = [number(text.strip()) for text in texts.to_pylist()]
    unreadable = np.array([value is None for value in numbers], np.bool_)
    return np.array([value or 0 for value in numbers], np.int64), unreadable


@lru_cache(maxsize=4096)
def _day(text: str) -> int | None:
    """Convert a date to days since 1970; cached, because a report repeats the same few hundred days."""
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
    """Read a report, and call `add_rows` with about 131,000 rows at a time.

    Columns are found by their headers, whose order and letter case do not matter; other columns are ignored. Raises
    NotGraphError for a damaged file, and ConcealedNamesError; rows before the error have been passed to `add_rows`.
    """
    headers = _headers(file)
    if _NAME_HEADER not in headers:
        raise NotGraphError(Message("it has no column {name}", name="User Principal Name"))
    cells = {
        (column.name, index): cell
        for column in columns
        for cell in column.cells
        for index, header in enumerate(headers)
        if fnmatchcase(header, cell.header)
    }
    key_columns: dict[str, int] = {name: headers.index(name) for name in _KEY_HEADERS if name in headers}
    summary = ReportSummary(facts=frozenset(cell.fact for cell in cells.values()))
    if not summary.facts:
        raise NotGraphError(missing_columns(cell.fact for column in columns for cell in column.cells))
    indices = sorted({*key_columns.values(), *(index for _, index in cells)})
    text_columns = {key_columns[name] for name in (_NAME_HEADER, _USER_ID_HEADER) if name in key_columns}
    for batch in _merged_blocks(_batches(file, len(headers), indices, text_columns)):
        add_rows(_parse_rows(batch, columns, cells, key_columns, summary))
    return summary


def missing_columns(facts: Iterable[str]) -> Message:
    """Return the message that a report does not have the columns of these facts."""
    return Message("the report has no columns for {names}", names=", ".join(sorted(facts)))


def _headers(file: BinaryIO) -> list[str]:
    """Return the headers in lower case. Raises NotGraphError for a file that does not begin with headers."""
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
    """Yield the columns `indices` block by block: those in `texts` as text, the others as dictionaries."""
    names = [str(index) for index in range(width)]
    file.seek(0)
    if not re.search(rb"[\r\n]", file.read(_MAX_HEADER)):
        return  # Arrow raises an error for a file with headers only
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
                column_types={str(index): pa.string() if index in texts else _DICTIONARY for index in indices},
                strings_can_be_null=False,
            ),
        )
    except pa.ArrowInvalid as error:
        # Do not pass on Arrow's message, which quotes the row with names of people.
        match = _ROW_ERROR.search(str(error))
        if match is None:
            raise NotGraphError(Message("it is damaged")) from None
        raise NotGraphError(
            Message("row {row} has {count} of {width} columns", row=match[1], count=match[3], width=match[2])
        ) from None


def _merged_blocks(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the rows of several blocks as one batch, with unified dictionaries."""
    while True:
        blocks: list[pa.RecordBatch] = []
        for block in batches:
            blocks.append(block)
            if sum(part.num_rows for part in blocks) >= _ROWS_PER_CALL:
                break
        if not blocks:
            return
        table = pa.Table.from_batches(blocks).combine_chunks()
        del blocks, block  # the rows are in memory once while they are joined
        yield from table.to_batches()


def _parse_rows(
    batch: pa.RecordBatch,
    columns: Sequence[ReportColumn],
    cells: dict[tuple[str, int], Cell],
    key_columns: dict[str, int],
    summary: ReportSummary,
) -> ReportRows:
    """Return the rows of a batch, and update the summary of the report. Raises ConcealedNamesError."""
    names = folded(pc.utf8_trim_whitespace(batch.column(str(key_columns[_NAME_HEADER]))))
    # Pseudonyms have no domain; a report with pseudonyms has them in every row, also in those of deleted users.
    if not pc.all(pc.match_substring(names, "@"), min_count=0).as_py():
        raise ConcealedNamesError
    if _REFRESH_DATE_HEADER in key_columns:
        numbers, unreadable = _numbers(batch.column(str(key_columns[_REFRESH_DATE_HEADER])), days)
        dates = numbers[~unreadable & (numbers != NOTHING)]
        if len(dates):
            earliest = date.fromordinal(int(dates.min()) + _EPOCH)
            summary.refresh_date = min(earliest, summary.refresh_date or earliest)
    if _DELETED_HEADER in key_columns:
        deleted, unreadable = _numbers(batch.column(str(key_columns[_DELETED_HEADER])), flags)
        mask = pa.array((deleted != 1) | unreadable)
        batch, names = batch.filter(mask), names.filter(mask)
    rows = ReportRows(names=names)
    if _USER_ID_HEADER in key_columns:
        rows.ids = folded(pc.utf8_trim_whitespace(batch.column(str(key_columns[_USER_ID_HEADER]))))
    summary.count += len(names)
    for column in columns:
        column_cells = [(index, cell) for (name, index), cell in cells.items() if name == column.name]
        values = np.full(batch.num_rows, column.start, column.storage)
        is_unreadable = np.zeros(batch.num_rows, np.bool_)
        for index, cell in column_cells:
            numbers, unreadable = _numbers(batch.column(str(index)), cell.numbers, column.storage)
            column.merge(values, numbers, out=values)
            is_unreadable |= unreadable
        if column_cells:
            rows.values[column.name], rows.unreadable[column.name] = values, is_unreadable
    return rows


def _numbers(
    texts: pa.DictionaryArray, numbers: Reader, storage: type[np.integer[Any]] = np.int32
) -> tuple[Numbers, Flags]:
    """Convert the texts of a column to numbers; each distinct text is converted once."""
    values, unreadable = numbers(texts.dictionary)
    indices = texts.indices.to_numpy()
    return values.astype(storage).take(indices), unreadable.take(indices)


def folded(texts: pa.Array) -> pa.Array:
    """Convert texts to lower case; ASCII, as most names are, takes a third of the time, including the check."""
    return pc.ascii_lower(texts) if pc.all(pc.string_is_ascii(texts), min_count=0).as_py() else pc.utf8_lower(texts)
