"""Defines errors and diagnostics: what is wrong, where, why and how to correct it, and their text."""

import unicodedata
from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from msgspec import Struct

from auditor.domain.message import Message

_TAB: Final = 4
_WIDEST: Final = 100
"""Columns of a source line that are shown; a longer line is cut around its caret."""


class Level(StrEnum):
    """Whether a diagnostic stops the program."""

    ERROR = "error"
    WARNING = "warning"


class Span(Struct, frozen=True, kw_only=True):
    """A place in a text file; lines and columns count characters from 1."""

    file: str
    line: int
    column: int
    end_column: int | None = None
    """The column after the last character of the place, on the same line."""
    text: str = ""
    """The whole source line, without its line break."""


class Diagnostic(Struct, frozen=True, kw_only=True):
    """One thing that is wrong."""

    slug: str
    """Its section in docs/messages.md."""
    message: Message
    span: Span | None = None
    hint: Message | None = None
    """How to mend it."""
    level: Level = Level.ERROR


class AuditorError(Exception):
    """A failure that the program foresaw and can explain; any other exception is a bug."""

    diagnostics: tuple[Diagnostic, ...]

    def __init__(self, slug: str, message: Message, *, hint: Message | None = None, span: Span | None = None) -> None:
        super().__init__(slug, message)
        self.diagnostics = (Diagnostic(slug=slug, message=message, span=span, hint=hint),)

    @property
    def slug(self) -> str:
        """The section of the first diagnostic in docs/messages.md."""
        return self.diagnostics[0].slug

    @property
    def message(self) -> Message:
        """What the first diagnostic says."""
        return self.diagnostics[0].message

    @property
    def hint(self) -> Message | None:
        """How to mend the first diagnostic."""
        return self.diagnostics[0].hint

    @property
    def span(self) -> Span | None:
        """Where the first diagnostic points."""
        return self.diagnostics[0].span

    def __str__(self) -> str:
        first, *others = self.diagnostics
        return one_line(first) + (f" (and {len(others)} more)" if others else "")


class UsageError(AuditorError):
    """The command line asks for something that does not exist or does not fit together (exit 2)."""


class SettingsError(AuditorError):
    """A tenants file or an environment variable is wrong (exit 2)."""


class InputError(AuditorError):
    """One or more mistakes in files that people write: policies, tests, tenants (exit 2).

    The diagnostics keep the order in which they are given; at least one is needed.
    """

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        listed = tuple(diagnostics)
        if not listed:
            raise ValueError("an InputError without a diagnostic says nothing")
        super().__init__(listed[0].slug, listed[0].message)
        self.args = (listed,)
        self.diagnostics = listed


class SnapshotError(AuditorError):
    """A saved snapshot or result is missing, damaged or of another version (exit 2)."""


class GraphError(AuditorError):
    """Microsoft Graph or its sign-in service refused or failed (exit 3)."""


class DeliveryError(AuditorError):
    """A report was made but could not be written or sent (exit 3)."""


def printable(text: str) -> str:
    r"""Return `text` with every control, format and odd space character made visible, as `\x1b` or `\u202e`."""
    return text if text.isprintable() else "".join(map(_visible, text))


def printable_line(text: str) -> str:
    """Return a printable text with ordinary spaces for those that languages write in amounts and do not break."""
    return printable(text.replace("\u00a0", " ").replace("\u202f", " "))


def one_line(diagnostic: Diagnostic) -> str:
    """Return `file:line:column: message`, or the message alone where no place is known."""
    return f"{_place(diagnostic.span)}{printable(diagnostic.message)}"


def format_diagnostic(diagnostic: Diagnostic, *, level: str | None = None, mend: str = "help") -> str:
    """Return the block a person reads: place and message, the source line with its caret, the way to mend it.

    `level` and `mend` are the words for its level and for its hint, in the language of the message.
    """
    span = diagnostic.span
    lines = [f"{_place(span)}{level or diagnostic.level}[{diagnostic.slug}]: {printable(diagnostic.message)}"]
    if span is not None and span.text.strip():
        source, caret = _excerpt(span)
        lines += [f"   | {source}".rstrip(), f"   | {caret}"]
    if diagnostic.hint is not None:
        lines.append(f"   = {mend}: {printable(diagnostic.hint)}")
    return "\n".join(lines)


def _place(span: Span | None) -> str:
    return "" if span is None else f"{printable(span.file)}:{span.line}:{span.column}: "


def _visible(character: str) -> str:
    if character.isprintable():
        return character
    point = ord(character)
    if point <= 0xFF:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"


def _width(shown: str) -> int:
    """Return the columns of a terminal that `shown` takes."""
    return sum(
        0 if unicodedata.category(c) in {"Mn", "Me"} else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in shown
    )


def _cells(text: str) -> list[tuple[str, int]]:
    """Return what is shown for each character of `text`, and the columns that takes."""
    cells: list[tuple[str, int]] = []
    column = 0
    for character in text:
        shown = " " * (_TAB - column % _TAB) if character == "\t" else _visible(character)
        width = _width(shown)
        cells.append((shown, width))
        column += width
    return cells


def _excerpt(span: Span) -> tuple[str, str]:
    """Return the source line of `span`, cut to a readable width, and the carets that go under it."""
    cells = _cells(span.text)
    start = min(max(span.column - 1, 0), len(cells))
    end = len(cells) if span.end_column is None and start == len(cells) else (span.end_column or span.column + 1) - 1
    end = min(max(end, start), len(cells))
    first, last = _window(cells, start)
    before = sum(width for _, width in cells[first:start])
    marked = sum(width for _, width in cells[start : min(end, last)])
    head, tail = "…" if span.text[:first].strip() else "", "…" if last < len(cells) else ""
    source = head + "".join(shown for shown, _ in cells[first:last]) + tail
    return source, " " * (before + len(head)) + "^" * max(marked, 1)


def _window(cells: list[tuple[str, int]], start: int) -> tuple[int, int]:
    """Return the slice of `cells` to show: a short line without its indentation, else what fits around `start`."""
    indent = next((index for index, (shown, _) in enumerate(cells) if index == start or not shown.isspace()), 0)
    if sum(width for _, width in cells[indent:]) <= _WIDEST:
        return indent, len(cells)
    first, width = start, _WIDEST // 3
    while first > indent and width >= cells[first - 1][1]:
        first -= 1
        width -= cells[first][1]
    last, width = first, _WIDEST
    while last < len(cells) and width >= cells[last][1]:
        width -= cells[last][1]
        last += 1
    return first, last
