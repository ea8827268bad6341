"""A Result's findings into one flat table for Excel and for scripts, a finding a row."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from re import compile as pattern
from typing import Final

from auditor.domain.result.model import Result
from auditor.render.artifact import Artifact
from auditor.render.formats import RenderOptions
from auditor.render.tables.bulk_escape import BulkEscaper, ValueFormatter, interleaved
from auditor.render.tables.flat import COLUMNS, Row, TextColumn, row_batches
from auditor.render.text.sanitize import visible

_SIGNS: Final = r"[=+\-@\uff1d\uff0b\uff0d\uff20\u2212\ufe62\ufe63\ufe66\ufe6b]"
"""With what a formula begins; full-width and small forms too, which East Asian Excel reads alike."""
_FORMULA: Final = pattern(rf"[\t\r]|\s*{_SIGNS}")
"""What a spreadsheet may take for a formula at the beginning of a cell."""
_SPLIT: Final = pattern(rf"([;\t\r\n])(?=[\s\"]*{_SIGNS})")
"""Where a cell with a formula may begin inside a text: a spreadsheet whose list separator is no comma splits a line at
semicolons or tabs, and at the line ends of a quoted field whose quote then stands inside a cell."""
_FRONT: Final = b" =+-@\xe1\xe3"
"""First bytes of what _FORMULA finds and `visible` leaves alone: signs, and white space before them."""
_QUOTED: Final = pattern(r'[",\r\n]')
_LINE_END: Final = "\r\n"


def render(result: Result, options: RenderOptions) -> Artifact:
    """Write every finding, a row each.

    Lines end with CR LF; what holds a comma, a quote or a line end is quoted (RFC 4180). The header and the values of
    closed vocabularies are the same in every locale.
    """
    body = _chunks(result, byte_order_mark=options.byte_order_mark)
    return Artifact(name="findings.csv", media_type="text/csv; charset=utf-8", body=body)


def escaped_cell(text: str) -> str:
    """Return a cell that a spreadsheet shows instead of computing, and that hides no control character."""
    if text[:1].isalnum() and ";" not in text and text.isprintable():
        return text
    shown = _SPLIT.sub(r"\1'", visible(text, keep="\t\r\n"))
    return f"'{shown}" if _FORMULA.match(text) else shown


def spreadsheet(rows: Iterable[Sequence[object]]) -> bytes:
    """Return rows as CSV with a byte order mark, so that Excel detects UTF-8; texts are escaped, None is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator=_LINE_END)
    writer.writerows([escaped_cell(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig", "replace")


def _chunks(result: Result, *, byte_order_mark: bool) -> Iterator[bytes]:
    yield (("\ufeff" if byte_order_mark else "") + ",".join(COLUMNS) + _LINE_END).encode()
    values, escaper = ValueFormatter(_fields), BulkEscaper(_field, anywhere=b'",;', front=_FRONT)
    for batch in row_batches(result):
        parts = [
            escaper.escaped(part.texts) if isinstance(part, TextColumn) else values.texts(part) for part in batch.parts
        ]
        yield interleaved(parts, separator=",")


def _field(text: str) -> str:
    safe = escaped_cell(text)
    return '"' + safe.replace('"', '""') + '"' if _QUOTED.search(safe) else safe


def _fields(columns: tuple[str, ...], cells: Row) -> str:
    """Return the fields of some columns; the last column ends the line."""
    fields = ["" if cell is None else _field(cell) if isinstance(cell, str) else str(cell) for cell in cells]
    return ",".join(fields) + (_LINE_END if columns[-1] == COLUMNS[-1] else "")
