"""Renders findings as a flat CSV table for Excel and scripts, one finding per row."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from re import compile as pattern
from typing import Final

from auditor.domain.result.model import Result
from auditor.render.formats import RenderOptions
from auditor.render.tables.bulk_escape import BulkEscaper, ValueFormatter, concatenated_rows
from auditor.render.tables.flat_rows import COLUMNS, Row, TextColumn, row_batches
from auditor.render.text.sanitize import visible

_FORMULA_SIGNS: Final = r"[=+\-@\uff1d\uff0b\uff0d\uff20\u2212\ufe62\ufe63\ufe66\ufe6b]"
"""Characters that begin a formula, including the full-width and small forms that East Asian versions of Excel read."""
_FORMULA: Final = pattern(rf"[\t\r]|\s*{_FORMULA_SIGNS}")
"""The beginning of a cell that a spreadsheet may interpret as a formula."""
_CELL_START: Final = pattern(rf"([;\t\r\n])(?=[\s\"]*{_FORMULA_SIGNS})")
"""Positions inside a text at which a cell with a formula may begin.

A spreadsheet whose list separator is not a comma splits lines at semicolons or tabs, and also at the line ends of a
quoted field, because the quote is then inside a cell.
"""
_START_BYTES: Final = b" =+-@\xe1\xe3"
"""First bytes of texts that _FORMULA matches and `visible` does not change: signs, and white space before them."""
_NEEDS_QUOTES: Final = pattern(r'[",\r\n]')
_LINE_END: Final = "\r\n"


def render(result: Result, options: RenderOptions) -> Iterable[bytes]:
    """Render all findings, one per row.

    Lines end with CR LF; fields with a comma, a quote or a line end are quoted (RFC 4180). The header and enumeration
    values do not depend on the locale.
    """
    return _chunks(result, byte_order_mark=options.byte_order_mark)


def escaped_cell(text: str) -> str:
    """Return a cell that spreadsheets do not interpret as a formula, with control characters escaped."""
    if text[:1].isalnum() and ";" not in text and text.isprintable():
        return text
    escaped = _CELL_START.sub(r"\1'", visible(text, keep="\t\r\n"))
    return f"'{escaped}" if _FORMULA.match(text) else escaped


def spreadsheet(rows: Iterable[Sequence[object]], *, byte_order_mark: bool = True) -> bytes:
    """Return rows as CSV; texts are escaped, None becomes empty. With the byte order mark, Excel detects UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=_LINE_END)
    writer.writerows([escaped_cell(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig" if byte_order_mark else "utf-8", "replace")


def _chunks(result: Result, *, byte_order_mark: bool) -> Iterator[bytes]:
    yield (("\ufeff" if byte_order_mark else "") + ",".join(COLUMNS) + _LINE_END).encode()
    values, escaper = ValueFormatter(_fields), BulkEscaper(_field, anywhere=b'",;', at_start=_START_BYTES)
    for batch in row_batches(result):
        parts = [
            escaper.escaped(part.texts) if isinstance(part, TextColumn) else values.texts(part) for part in batch.parts
        ]
        yield concatenated_rows(parts, separator=",")


def _field(text: str) -> str:
    safe = escaped_cell(text)
    return '"' + safe.replace('"', '""') + '"' if _NEEDS_QUOTES.search(safe) else safe


def _fields(columns: tuple[str, ...], cells: Row) -> str:
    """Return the fields of adjacent columns; a line end follows the last column of the table."""
    fields = ["" if cell is None else _field(cell) if isinstance(cell, str) else str(cell) for cell in cells]
    return ",".join(fields) + (_LINE_END if columns[-1] == COLUMNS[-1] else "")
