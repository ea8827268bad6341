"""Writes the flat table as rows of a worksheet's XML, which would take minutes cell by cell with xlsxwriter.

A cell is `<c t="inlineStr"><is><t>text</t></is></c>`, or `<c t="s"><v>5</v></c>` with the number of a text that the
workbook's sheets share (ECMA-376, 18.3.1.4 and 18.4). Only the first cell of a row has a reference, the position of the
others follows from their order: so cells that repeat together are the same text in every row. No cell is a formula or
a link.
"""

from decimal import Decimal
from re import compile as pattern
from re import sub
from typing import Final

from auditor.render.tables.bulk_escape import BulkEscaper, ValueFormatter, concatenated_rows
from auditor.render.tables.flat_rows import COLUMNS, Cell, RepeatedColumns, Row, RowBatch, TextColumn
from auditor.render.text.sanitize import visible

MAX_UNITS: Final = 32_000
"""Maximum UTF-16 code units of a cell; the limit of Excel is 32,767."""
_ESCAPE: Final = pattern(r"_(?=x[0-9A-Fa-f]{4}_)")
"""Excel decodes `_x0041_` to a letter, unless the first underscore is escaped."""


def plain(text: str) -> str:
    """Return the text of a cell, with control and direction characters escaped, and cut to the limit of Excel."""
    escaped = visible(text, keep="\n")
    if len(escaped) * 2 <= MAX_UNITS:
        return escaped
    return escaped.encode("utf-16-le")[: MAX_UNITS * 2].decode("utf-16-le", "ignore")


def column_letters(index: int) -> str:
    """Return the letters of a column; `index` starts at 0."""
    high, low = divmod(index, 26)
    return (chr(64 + high) if high else "") + chr(65 + low)


class SharedStrings:
    """Texts that cells refer to by number; numbering continues after the `offset` texts of the workbook's table."""

    def __init__(self, offset: int) -> None:
        self._offset = offset
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        """Return the number of a text."""
        return self._numbers.setdefault(text, self._offset + len(self._numbers))

    def appended_to(self, xml: str) -> str:
        """Return the workbook's table of shared strings with these texts appended."""
        items = "".join(f'<si><t xml:space="preserve">{_escaped(text)}</t></si>' for text in self._numbers)
        count = self._offset + len(self._numbers)
        head = sub(
            r'<sst ([^>]*?) count="[0-9]+" uniqueCount="[0-9]+"', rf'<sst \1 uniqueCount="{count}"', xml, count=1
        )
        return head.replace("</sst>", f"{items}</sst>")


class RowWriter:
    """Writes batches as rows; `money` and `blank` are the numbers of the cell formats of amounts and of empty cells."""

    def __init__(self, shared: SharedStrings, money: int, blank: int) -> None:
        self._shared = shared
        self._money = money
        # Some readers skip empty cells without a format.
        self._empty = f'<c s="{blank}"/>'
        self._formatter = ValueFormatter(self._cells_xml)
        self._escaper = BulkEscaper(_escaped, anywhere=b"&<>_", max_length=MAX_UNITS // 2)

    def xml(self, batch: RowBatch, first: int) -> bytes:
        """Return the XML of a batch; `first` is the number of its first row, from 1."""
        import pyarrow as pa  # noqa: PLC0415 - heavy
        import pyarrow.compute as pc  # noqa: PLC0415 - heavy

        numbers = pa.array(range(first, first + batch.count), pa.int32()).cast(pa.string())
        pieces: list[pa.StringArray | str] = ['<row r="', numbers, '"><c r="A', numbers, '"']
        for part in batch.parts:
            match part:
                case TextColumn():
                    cells = pc.binary_join_element_wise(_OPEN, self._escaper.escaped(part.texts), _CLOSE, "")
                    pieces.append(cells.fill_null(self._empty) if cells.null_count else cells)
                case RepeatedColumns():
                    pieces.append(self._formatter.texts(part))
        return concatenated_rows([*pieces, "</row>"])

    def _cells_xml(self, columns: tuple[str, ...], cells: Row) -> str:
        """Return the XML of adjacent cells; empty cells are written, except at the end of a row.

        The start of the tag of the first cell is left out: `xml` writes it, with the reference.
        """
        fragments = [self._cell(cell) for cell in cells]
        while columns[-1] == COLUMNS[-1] and fragments and fragments[-1] == self._empty:
            fragments.pop()
        xml = "".join(fragments)
        return xml.removeprefix("<c") if columns[0] == COLUMNS[0] else xml

    def _cell(self, cell: Cell) -> str:
        match cell:
            case None | "":
                return self._empty
            case str(text):
                return f'<c t="s"><v>{self._shared.number(text)}</v></c>'
            case Decimal() as amount:
                return f'<c s="{self._money}"><v>{amount}</v></c>'
            case number:
                return f"<c><v>{number}</v></c>"


def _escaped(text: str) -> str:
    escaped = plain(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _ESCAPE.sub("_x005F_", escaped) if "_x" in escaped else escaped


_OPEN: Final = '<c t="inlineStr"><is><t xml:space="preserve">'
_CLOSE: Final = "</t></is></c>"
