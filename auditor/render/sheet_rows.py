"""The flat table into rows of a worksheet's XML: what xlsxwriter would take minutes to write, cell by cell.

A cell is `<c r="B7" t="inlineStr"><is><t>text</t></is></c>`, or `<c r="B7" t="s"><v>5</v></c>` with the number of a
text that the workbook's sheets share (ECMA-376, 18.3.1.4 and 18.4); nothing here is a formula or a link.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from re import compile as pattern
from re import sub
from typing import Any, Final

from auditor.render.bytewise import CONTROLS, LEADS, Dressing, Screen, places_of, text_array
from auditor.render.table import COLUMNS, Block, Cell, Stretch, Texts
from auditor.render.visible import visible

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


def letters(place: int) -> str:
    """Return the letters of a column, counted from 0."""
    high, low = divmod(place, 26)
    return (chr(64 + high) if high else "") + chr(65 + low)


class Shared:
    """Texts that cells refer to by number, the first of them behind those that the workbook has already."""

    def __init__(self, known: int) -> None:
        self._known = known
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        """Return the number of a text."""
        return self._numbers.setdefault(text, self._known + len(self._numbers))

    def added(self, xml: str) -> str:
        """Return the workbook's table of texts with these behind its own."""
        items = "".join(f'<si><t xml:space="preserve">{_inner(text)}</t></si>' for text in self._numbers)
        count = self._known + len(self._numbers)
        head = sub(
            r'<sst ([^>]*?) count="[0-9]+" uniqueCount="[0-9]+"', rf'<sst \1 uniqueCount="{count}"', xml, count=1
        )
        return head.replace("</sst>", f"{items}</sst>")


class Rows:
    """Writes stretches as rows; `money` is the number of the cell format of amounts."""

    def __init__(self, shared: Shared, money: int) -> None:
        self._shared = shared
        self._money = money
        self._columns = {name: Dressing(self._tail) for name in COLUMNS}

    def xml(self, stretch: Stretch, first: int) -> bytes:
        """Return the rows of a stretch; the first of them has that number, from 1."""
        import pyarrow as pa  # noqa: PLC0415 - heavy
        import pyarrow.compute as pc  # noqa: PLC0415 - heavy

        numbers = pc.cast(pa.array(range(first, first + stretch.count), pa.int64()), pa.string())
        parts: list[Any] = ['<row r="', numbers, '">']
        for column, before, tails, behind in self._tails(stretch):
            begin = f'<c r="{letters(column)}'
            if not tails.null_count:
                parts[-1:] = _after(parts[-1], begin)
                parts += [numbers, before, tails, behind] if before else [numbers, tails]
            elif tails.null_count < len(tails):
                parts.append(pc.binary_join_element_wise(begin, numbers, before, tails, behind, ""))
        parts[-1:] = _after(parts[-1], "</row>")
        rows = pc.binary_join_element_wise(*parts, "", null_handling="replace", null_replacement="")
        body: bytes = rows.buffers()[2].to_pybytes()
        return body

    def _tails(self, stretch: Stretch) -> Iterator[tuple[int, str, Any, str]]:
        """Yield what follows the number of the row in each cell, in three parts behind the place of its column.

        The middle one is an array, in which null is no cell.
        """
        places = places_of(stretch)
        place = 0
        for part in stretch.parts:
            match part:
                case Texts():
                    texts = text_array(
                        Texts(column=part.column, values=[text or None for text in part.values]), _SCREEN
                    )
                    yield place, _OPEN, texts, _CLOSE
                    place += 1
                case Block():
                    for offset, name in enumerate(part.columns):
                        one = Block(
                            columns=(name,), first=part.first + offset, numbers=part.numbers, values=part.values
                        )
                        yield place, "", self._columns[name].array(one, places), ""
                        place += 1

    def _tail(self, columns: Sequence[str], cells: tuple[Cell, ...]) -> str | None:
        del columns
        match cells[0]:
            case None | "":
                return None
            case str(text):
                return f'" t="s"><v>{self._shared.number(text)}</v></c>'
            case Decimal() as sum_:
                return f'" s="{self._money}"><v>{sum_}</v></c>'
            case number:
                return f'"><v>{number}</v></c>'


def _after(part: Any, text: str) -> list[Any]:
    """Return a part and a text behind it; two texts become one."""
    return [part + text] if isinstance(part, str) else [part, text]


def _inner(text: str) -> str:
    shown = plain(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _ESCAPE.sub("_x005F_", shown) if "_x" in shown else shown


_OPEN: Final = '" t="inlineStr"><is><t xml:space="preserve">'
_CLOSE: Final = "</t></is></c>"
_SCREEN: Final = Screen.of((*CONTROLS, *LEADS, *b"&<>"), _inner, holds=b"_x", longest=UNITS)
