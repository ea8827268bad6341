"""Reads the CSV file of a usage report into columns of numbers, one row per person, without Python objects per row."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from fnmatch import fnmatchcase
from typing import Any, BinaryIO, Final, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from auditor.domain.message import Message
from auditor.graph.client import NotGraphError

Numbers: TypeAlias = npt.NDArray[Any]
_BLOCK_BYTES: Final = 4 << 20
"""Bytes that are parsed at once; no row may be longer."""
_MAX_HEADER: Final = 1 << 16
_NAME: Final = "user principal name"
_USER_ID: Final = "user id"
_DELETED: Final = "is deleted"
_REFRESHED: Final = "report refresh date"
_OWN: Final = (_NAME, _USER_ID, _DELETED, _REFRESHED)
_EPOCH: Final = date(1970, 1, 1).toordinal()
_DAY: Final = re.compile(r"(\d{4}-\d\d-\d\d)(T[\d:.]*Z?)?", re.ASCII)
_NUMBER: Final = re.compile(r"\d{1,15}", re.ASCII)
_BOOLEANS: Final = {"true": True, "yes": True, "false": False, "no": False}
_ROW: Final = re.compile(r"Row #(\d+): Expected (\d+) columns, got (\d+)")


class ConcealedNamesError(Exception):
    """Raised for a report that shows pseudonyms in place of user principal names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """A column of a report."""

    fact: str
    """What it tells: the name of the column that it fills, or that and a part of it."""
    header: str
    """A glob over headers in lower case."""
    number: Callable[[str], int]
    """Returns the number that stands for a text. Raises ValueError for a text that is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportColumn:
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


@dataclass(slots=True, kw_only=True)
class ReportRows:
    """The rows of a report, except those of deleted people."""

    facts: frozenset[str]
    """The facts whose columns the report has."""
    names: pa.Array
    """User principal names in lower case."""
    ids: pa.Array | None
    """Object ids in lower case, if the report has such a column."""
    values: dict[str, Numbers] = field(default_factory=dict)
    """For each column that the report has, a number for each row."""
    unreadable: dict[str, npt.NDArray[np.bool_]] = field(default_factory=dict)
    """For each of them, whether the row has a text that is no such number."""
    count: int = 0
    """Rows, those of deleted people left out."""
    refresh_date: date | None = None
    """The earliest refresh date of a row."""


NOTHING: Final = int(np.iinfo(np.int32).min)
"""Stands for no value, such as a blank date."""


def day(text: str) -> int:
    """Return a date as days since 1970, NOTHING for a blank one. Raises ValueError for anything else."""
    if not text:
        return NOTHING
    match = _DAY.fullmatch(text)
    days = date.fromisoformat(match[1]).toordinal() - _EPOCH if match else -1
    if days < 0:
        raise ValueError(text)
    return days


def flag(text: str) -> int:
    """Return 1 or 0 for True, Yes, False or No. Raises ValueError for anything else, blank included."""
    value = _BOOLEANS.get(text.lower())
    if value is None:
        raise ValueError(text)
    return int(value)


def size(text: str) -> int:
    """Return a number of bytes. Raises ValueError for anything else, blank included."""
    if not _NUMBER.fullmatch(text):
        raise ValueError(text)
    return int(text)


def report_rows(file: BinaryIO, columns: Sequence[ReportColumn]) -> ReportRows:
    """Read a report. Raises NotGraphError for a damaged file, and ConcealedNamesError.

    Columns are found by their headers, whose order and letter case do not matter; other columns are ignored.
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
    indices = sorted({*named.values(), *(index for _, index in cells)})
    texts = {index for name, index in named.items() if name in {_NAME, _USER_ID}}
    parts = [_part(batch, columns, cells, named) for batch in _batches(file, len(headers), indices, texts)]
    days = [part.refresh_date for part in parts if part.refresh_date is not None]
    whole = ReportRows(
        facts=frozenset(cell.fact for cell in cells.values()),
        names=pa.concat_arrays([pa.array([], pa.string()), *(part.names for part in parts)]),
        ids=pa.concat_arrays([part.ids for part in parts]) if parts and _USER_ID in named else None,
        count=sum(part.count for part in parts),
        refresh_date=min(days, default=None),
    )
    for column in columns:
        if any(name == column.name for name, _ in cells):
            values = [part.values.pop(column.name) for part in parts]
            whole.values[column.name] = np.concatenate([np.empty(0, column.storage), *values])
            unreadable = [part.unreadable.pop(column.name) for part in parts]
            whole.unreadable[column.name] = np.concatenate([np.empty(0, np.bool_), *unreadable])
    return whole


def _headers(file: BinaryIO) -> list[str]:
    """Return the headers in lower case. Raises NotGraphError for a file that does not begin with some."""
    file.seek(0)
    start = file.read(_MAX_HEADER)
    file.seek(0)
    text = start.decode("utf-8-sig", "replace")
    if not text.strip():
        raise NotGraphError(Message("it is empty"))
    if text.lstrip()[0] in "<{[":
        raise NotGraphError(Message("it is no CSV"))
    try:
        headers = next(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise NotGraphError(Message("it is no CSV")) from error
    return [" ".join(header.split()).lower() for header in headers]


def _batches(file: BinaryIO, width: int, indices: list[int], texts: set[int]) -> Iterator[pa.RecordBatch]:
    """Yield the rows block by block, with the columns of these indices; all but `texts` are dictionary-coded."""
    code = pa.dictionary(pa.int32(), pa.string())
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
                column_types={str(index): pa.string() if index in texts else code for index in indices},
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


def _part(
    batch: pa.RecordBatch,
    columns: Sequence[ReportColumn],
    cells: dict[tuple[str, int], Cell],
    named: dict[str, int],
) -> ReportRows:
    """Return the rows of a block. Raises ConcealedNamesError."""
    names = pc.utf8_lower(pc.utf8_trim_whitespace(batch.column(str(named[_NAME]))))
    # Pseudonyms have no domain; they stand in every row, those of deleted people included.
    if not pc.all(pc.match_substring(names, "@"), min_count=0).as_py():
        raise ConcealedNamesError
    part = ReportRows(facts=frozenset(), names=names, ids=None)
    if _REFRESHED in named:
        numbers, unreadable = _numbers(batch.column(str(named[_REFRESHED])), day)
        known = numbers[~unreadable & (numbers != NOTHING)]
        part.refresh_date = date.fromordinal(int(known.min()) + _EPOCH) if len(known) else None
    kept: Numbers | slice = slice(None)
    if _DELETED in named:
        deleted, unreadable = _numbers(batch.column(str(named[_DELETED])), flag)
        kept = np.flatnonzero(~((deleted == 1) & ~unreadable))
        part.names = names.take(pa.array(kept))
    if _USER_ID in named:
        ids = pc.utf8_lower(pc.utf8_trim_whitespace(batch.column(str(named[_USER_ID]))))
        part.ids = ids if isinstance(kept, slice) else ids.take(pa.array(kept))
    part.count = len(part.names)
    for column in columns:
        own = [(index, cell) for (name, index), cell in cells.items() if name == column.name]
        values = np.full(batch.num_rows, column.start, column.storage)
        unreadable = np.zeros(batch.num_rows, np.bool_)
        for index, cell in own:
            numbers, wrong = _numbers(batch.column(str(index)), cell.number)
            column.merge(values, numbers, out=values, casting="same_kind")
            unreadable |= wrong
        part.values[column.name], part.unreadable[column.name] = values[kept], unreadable[kept]
    return part


def _numbers(texts: pa.DictionaryArray, number: Callable[[str], int]) -> tuple[Numbers, npt.NDArray[np.bool_]]:
    """Return the numbers that texts stand for, and which stand for none: these are 0."""
    values = np.zeros(len(texts.dictionary), np.int64)
    unreadable = np.zeros(len(values), np.bool_)
    for index, text in enumerate(texts.dictionary.to_pylist()):
        try:
            values[index] = number(text.strip())
        except ValueError:
            unreadable[index] = True
    indices = texts.indices.to_numpy()
    return values[indices], unreadable[indices]
