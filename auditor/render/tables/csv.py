"""A Result's findings into one flat table for Excel and for scripts, a finding a row."""

from collections.abc import Iterator
from itertools import pairwise
from re import compile as pattern
from typing import Final

from auditor.domain.result import Result
from auditor.render.artifact import Artifact
from auditor.render.formats import RenderOptions
from auditor.render.tables.bulk_escape import CONTROLS, LEADS, Screen, narrow
from auditor.render.tables.flat import COLUMNS, TEXT_PLACES, TEXTS, WIDTH, Cell, Shown, pages
from auditor.render.text.sanitize import visible

_SIGNS: Final = r"[=+\-@\uff1d\uff0b\uff0d\uff20\u2212\ufe62\ufe63\ufe66\ufe6b]"
"""With what a formula begins; full-width and small forms too, which East Asian Excel reads alike."""
_FORMULA: Final = pattern(rf"[\t\r]|\s*{_SIGNS}")
"""What a spreadsheet may take for a formula at the beginning of a cell."""
_SPLIT: Final = pattern(rf"([;\t\r\n])(?=[\s\"]*{_SIGNS})")
"""Where a cell with a formula may begin inside a text: a spreadsheet whose list separator is no comma splits a line at
semicolons or tabs, and at the line ends of a quoted field whose quote then stands inside a cell."""
_QUOTED: Final = pattern(r'[",\r\n]')
_SPACES: Final = (0x20, 0xE1, 0xE2, 0xE3, 0xC2)
"""First bytes of what counts as white space, behind which a formula may stand."""

_BEHIND_TEXTS: Final = frozenset(column for before, column in pairwise(COLUMNS) if before in TEXTS)
_ROWS: Final = 1024
"""Findings that are written at once: few enough to stay in the processor's nearest cache."""


def render(result: Result, options: RenderOptions) -> Artifact:
    """Write every finding, a row each.

    Lines end with CR LF; what holds a comma, a quote or a line end is quoted (RFC 4180). The header and the values of
    closed vocabularies are the same in every locale.
    """
    return Artifact(
        name="findings.csv", media_type="text/csv; charset=utf-8", body=_pages(result, bom=options.byte_order_mark)
    )


def escaped_cell(text: str) -> str:
    """Return a cell that a spreadsheet shows instead of computing, and that hides no control character."""
    if text[:1].isalnum() and ";" not in text and text.isprintable():
        return text
    shown = _SPLIT.sub(r"\1'", visible(text, keep="\t\r\n"))
    return f"'{shown}" if _FORMULA.match(text) else shown


def _pages(result: Result, *, bom: bool) -> Iterator[bytes]:
    yield ("\ufeff" if bom else "").encode() + ",".join(COLUMNS).encode() + b"\r\n"
    for page in pages(result, Shown.of(_fields, between=","), _ROWS):
        for place in TEXT_PLACES:
            texts = page[place::WIDTH]
            shown = _SCREEN.narrow(texts)
            if shown is not texts:
                page[place::WIDTH] = shown
        yield "".join(page).encode("latin-1")


def _field(text: str) -> str:
    safe = escaped_cell(text)
    return '"' + safe.replace('"', '""') + '"' if _QUOTED.search(safe) else safe


def _fields(columns: tuple[str, ...], cells: tuple[Cell, ...]) -> str:
    """Return the fields of some columns, with the commas beside them; the last ones end the line."""
    fields = ["" if cell is None else _field(cell) if isinstance(cell, str) else str(cell) for cell in cells]
    before = "," if columns[0] in _BEHIND_TEXTS else ""
    behind = "\r\n" if columns[-1] == COLUMNS[-1] else ","
    return narrow(f"{before}{','.join(fields)}{behind}")


_SCREEN: Final = Screen.of(
    (*CONTROLS, *LEADS, *b'",;'),
    _field,
    first=bytes(_SPACES) + b"=+-@",
)
