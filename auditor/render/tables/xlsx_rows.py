"""The flat table into rows of a worksheet's XML: what xlsxwriter would take minutes to write, cell by cell.

A cell is `<c t="inlineStr"><is><t>text</t></is></c>`, or `<c t="s"><v>5</v></c>` with the number of a text that the
workbook's sheets share (ECMA-376, 18.3.1.4 and 18.4). Only the first cell of a row names its place, the others stand
behind one another: cells that repeat together are one piece of text for every row. Nothing is a formula or a link.
"""

from decimal import Decimal
from re import compile as pattern
from re import sub
from typing import Final

from auditor.render.tables.bulk_escape import BulkEscaper, ValueFormatter, interleaved
from auditor.render.tables.flat import COLUMNS, Cell, RepeatedColumns, Row, RowBatch, TextColumn
from auditor.render.text.sanitize import visible

UNITS: Final = 32_000
"""UTF-16 units of a cell; Excel ends at 32,767."""
_ESCAPE: Final = pattern(r"_(?=x[0-9A-Fa-f]{4}_)")
"""Excel reads `_x0041_` as a letter; an escaped underscore in front makes it text again."""


def plain(text: str) -> str:
    """Return a text as a cell shows it: controls and direction marks written out, and not too long for Excel."""
    shown = visible(text, keep="\n")
    if len(shown) * 2 <= UNITS:
        return shown
    return shown.encode("utf-16-le")[: UNITS * 2].decode("utf-16-le", "ignore")


def letters(index: int) -> str:
    """Return the letters of a column, counted from 0."""
    high, low = divmod(index, 26)
    return (chr(64 + high) if high else "") + chr(65 + low)


class Shared:
    """Texts that cells refer to by number, the first of them behind those that the workbook has already."""

    def __init__(self, offset: int) -> None:
        self._offset = offset
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        """Return the number of a text."""
        return self._numbers.setdefault(text, self._offset + len(self._numbers))

    def added(self, xml: str) -> str:
        """Return the workbook's table of texts with these behind its own."""
        items = "".join(f'<si><t xml:space="preserve">{_inner(text)}</t></si>' for text in self._numbers)
        count = self._offset + len(self._numbers)
        head = sub(
            r'<sst ([^>]*?) count="[0-9]+" uniqueCount="[0-9]+"', rf'<sst \1 uniqueCount="{count}"', xml, count=1
        )
        return head.replace("</sst>", f"{items}</sst>")


class RowWriter:
    """Writes batches as rows; `money` and `blank` are numbers of cell formats: of amounts, and of empty cells."""

    def __init__(self, shared: Shared, money: int, blank: int) -> None:
        self._shared = shared
        self._money = money
        # There are readers that pass over an empty cell unless it has a format.
        self._empty = f'<c s="{blank}"/>'
        self._cells = ValueFormatter(self._written)
        self._escaper = BulkEscaper(_inner, anywhere=b"&<>_", longest=UNITS // 2)

    def xml(self, batch: RowBatch, first: int) -> bytes:
        """Return the rows of a batch; the first of them has that number, from 1."""
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
                    pieces.append(self._cells.texts(part))
        return interleaved([*pieces, "</row>"])

    def _written(self, columns: tuple[str, ...], cells: Row) -> str:
        """Return the cells of some columns; empty ones stand there too, but for those at the end of a row.

        The first cell of a row is begun already.
        """
        written = [self._cell(cell) for cell in cells]
        while columns[-1] == COLUMNS[-1] and written and written[-1] == self._empty:
            written.pop()
        xml = "".join(written)
        return xml.removeprefix("<c") if columns[0] == COLUMNS[0] else xml

    def _cell(self, cell: Cell) -> str:
        match cell:
            case None | "":
                return self._empty
            case str(text):
                return f'<c t="s"><v>{self._shared.number(text)}</v></c>'
            case Decimal() as worth:
                return f'<c s="{self._money}"><v>{worth}</v></c>'
            case number:
                return f"<c><v>{number}</v></c>"


def _inner(text: str) -> str:
    shown = plain(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _ESCAPE.sub("_x005F_", shown) if "_x" in shown else shown


_OPEN: Final = '<c t="inlineStr"><is><t xml:space="preserve">'
_CLOSE: Final = "</t></is></c>"
