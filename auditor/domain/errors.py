"""Defines errors and diagnostics: what is wrong, where, why and how to correct it, and their text."""

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import Final

from msgspec import Struct

from auditor.domain.message import Message

_TAB_WIDTH: Final = 4
_MAX_COLUMNS: Final = 100
"""Maximum number of columns of a source line in a diagnostic; a longer line is cut around its caret."""


class Level(StrEnum):
    """Whether a diagnostic stops the program."""

    ERROR = "error"
    WARNING = "warning"


class Span(Struct, frozen=True, kw_only=True):
    """A location in a text file; lines and columns count characters from 1."""

    file: str
    line: int
    column: int
    end_column: int | None = None
    """The column after the last character of the location, on the same line."""
    text: str = ""
    """The complete source line, without its line break."""


class Diagnostic(Struct, frozen=True, kw_only=True):
    """One error or warning."""

    slug: str
    """Its section in docs/messages.md."""
    message: Message
    span: Span | None = None
    hint: Message | None = None
    """How to fix it."""
    level: Level = Level.ERROR


Warn = Callable[[Diagnostic], None]
"""Called with each diagnostic that does not stop the program."""


class AuditorError(Exception):
    """An expected failure, with an explanation for the user; any other exception is a bug."""

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
        """The message of the first diagnostic."""
        return self.diagnostics[0].message

    @property
    def hint(self) -> Message | None:
        """The hint of the first diagnostic."""
        return self.diagnostics[0].hint

    @property
    def span(self) -> Span | None:
        """The location of the first diagnostic."""
        return self.diagnostics[0].span

    def __str__(self) -> str:
        first, *others = self.diagnostics
        return one_line(first) + (f" (and {len(others)} more)" if others else "")


class UsageError(AuditorError):
    """The command line names something that does not exist, or its arguments contradict each other (exit 2)."""


class SettingsError(AuditorError):
    """A tenants file or an environment variable is wrong (exit 2)."""


class InputError(AuditorError):
    """One or more mistakes in files that people write: policies, tests, tenants (exit 2).

    The diagnostics keep their order. Raises ValueError if there are none.
    """

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        items = tuple(diagnostics)
        if not items:
            raise ValueError("an InputError without a diagnostic says nothing")
        super().__init__(items[0].slug, items[0].message)
        self.args = (items,)
        self.diagnostics = items


class SnapshotError(AuditorError):
    """A saved snapshot or result is missing, damaged or of another version (exit 2)."""


class GraphError(AuditorError):
    """Microsoft Graph or its sign-in service refused a request or failed (exit 3)."""


class DeliveryError(AuditorError):
    """A report was made but could not be written or sent (exit 3)."""


def printable(text: str) -> str:
    r"""Return `text` with control characters, format characters and unusual spaces escaped: `\x1b`, `\u202e`."""
    return text if text.isprintable() else "".join(map(_escape, text))


def printable_line(text: str) -> str:
    """Like `printable`, but replace the no-break spaces that some languages write in amounts by ordinary spaces."""
    return printable(text.replace("\u00a0", " ").replace("\u202f", " "))


def one_line(diagnostic: Diagnostic) -> str:
    """Return `file:line:column: message`, or the message alone if no location is known."""
    return f"{_location(diagnostic.span)}{printable_line(diagnostic.message)}"


def format_diagnostic(diagnostic: Diagnostic, *, level: str | None = None, hint_label: str = "help") -> str:
    """Return a diagnostic as lines of text: location and message, the source line with carets, the hint.

    `level` and `hint_label` are the words for its level and for its hint, in the language of the message.
    """
    span = diagnostic.span
    lines = [f"{_location(span)}{level or diagnostic.level}[{diagnostic.slug}]: {printable_line(diagnostic.message)}"]
    if span is not None and span.text.strip():
        source, caret = _excerpt(span)
        lines += [f"   | {source}".rstrip(), f"   | {caret}"]
    if diagnostic.hint is not None:
        lines.append(f"   = {hint_label}: {printable_line(diagnostic.hint)}")
    return "\n".join(lines)


def _location(span: Span | None) -> str:
    return "" if span is None else f"{printable(span.file)}:{span.line}:{span.column}: "


def _escape(character: str) -> str:
    if character.isprintable():
        return character
    point = ord(character)
    if point <= 0xFF:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point <= 0xFFFF else f"\\U{point:08x}"


def _width(text: str) -> int:
    """Return the number of terminal columns of a text."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.category(c) in {"Mn", "Me"} else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


@lru_cache(maxsize=1)
def _cells(text: str) -> Sequence[tuple[str, int]]:
    """Return the displayed text of each character of `text`, and its width in columns.

    Many diagnostics can be about one long line, as in a file that a program wrote.
    """
    cells: list[tuple[str, int]] = []
    column = 0
    for character in text:
        shown = " " * (_TAB_WIDTH - column % _TAB_WIDTH) if character == "\t" else _escape(character)
        width = _width(shown)
        cells.append((shown, width))
        column += width
    return cells


def _excerpt(span: Span) -> tuple[str, str]:
    """Return the source line of `span`, cut to `_MAX_COLUMNS`, and the line of carets below it."""
    cells = _cells(span.text)
    start = min(max(span.column - 1, 0), len(cells))
    end = len(cells) if span.end_column is None and start == len(cells) else (span.end_column or span.column + 1) - 1
    end = min(max(end, start), len(cells))
    first, last = _window(cells, start)
    before = sum(width for _, width in cells[first:start])
    carets = sum(width for _, width in cells[start : min(end, last)])
    head, tail = "…" if span.text[:first].strip() else "", "…" if last < len(cells) else ""
    source = head + "".join(shown for shown, _ in cells[first:last]) + tail
    return source, " " * (before + len(head)) + "^" * max(carets, 1)


def _window(cells: Sequence[tuple[str, int]], start: int) -> tuple[int, int]:
    """Return the slice of `cells` to show: a short line without its indentation, or as much as fits around `start`."""
    indent = next((index for index, (shown, _) in enumerate(cells) if index == start or not shown.isspace()), 0)
    last = _fitting(cells, indent)
    if last == len(cells):
        return indent, last
    first, width = start, _MAX_COLUMNS // 3
    while first > indent and width >= cells[first - 1][1]:
        first -= 1
        width -= cells[first][1]
    return first, _fitting(cells, first)


def _fitting(cells: Sequence[tuple[str, int]], first: int) -> int:
    """Return the end of the cells from `first` that fit into `_MAX_COLUMNS`."""
    last, width = first, _MAX_COLUMNS
    while last < len(cells) and width >= cells[last][1]:
        width -= cells[last][1]
        last += 1
    return last
