"""Renders Markdown for the terminal, wrapped to its width."""

import re
import shutil
import textwrap
from collections.abc import Iterator
from typing import Final

from auditor.domain.errors import printable

_ESCAPE: Final = re.compile(r"\\([!-/:-@\[-`{-~])")
_LINK: Final = re.compile(r"(?<!\\)\[((?:[^\]\\]|\\.)+)\]\(([^)\s]+)\)")
_STRONG: Final = re.compile(r"(?<!\\)\*\*(.+?)(?<!\\)\*\*")
_ITEM: Final = re.compile(r"(\s*(?:[-*]|\d+\.) )(.*)")
_NO_BREAK_SPACE: Final = "\u00a0"
_NARROW_SPACE: Final = "\u202f"
_BOLD, _PLAIN = "\x1b[1m", "\x1b[0m"


def render(markdown: str, *, colour: bool) -> str:
    """Render Markdown, wrapped to the terminal's width, except code and addresses."""
    return "\n".join(_lines(markdown, colour=colour)) + "\n"


def wrapped_text(text: str, *, first: str = "", rest: str = "", width: int | None = None) -> str:
    """Return a printable text wrapped to the terminal's width, with prefixes for the first and the other lines.

    Lines do not break within amounts; the no-break spaces of amounts are printed as ordinary spaces.
    """
    return textwrap.fill(
        _printable(text),
        width or shutil.get_terminal_size().columns,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    ).replace(_NO_BREAK_SPACE, " ")


def _lines(markdown: str, *, colour: bool) -> Iterator[str]:
    in_code = False
    for raw in markdown.rstrip("\n").split("\n"):
        line = _printable(raw)
        if line.startswith("```"):
            in_code = not in_code
        elif in_code:
            yield f"    {line}".replace(_NO_BREAK_SPACE, " ")
        elif line.startswith("#"):
            text = wrapped_text(_strip_syntax(line.lstrip("# ")))
            yield f"{_BOLD}{text}{_PLAIN}" if colour else text
        elif (item := _ITEM.fullmatch(line)) is not None:
            yield wrapped_text(_strip_syntax(item[2]), first=item[1], rest=" " * len(item[1]))
        else:
            yield wrapped_text(_strip_syntax(line))


def _printable(text: str) -> str:
    """Return `text` as `printable` does, but with the no-break spaces of amounts, between which lines do not break."""
    parts = text.replace(_NARROW_SPACE, _NO_BREAK_SPACE).split(_NO_BREAK_SPACE)
    return _NO_BREAK_SPACE.join(map(printable, parts))


def _strip_syntax(text: str) -> str:
    """Return a line without Markdown syntax."""
    text = _STRONG.sub(r"\1", text)
    text = _LINK.sub(lambda match: f"{match[1]} ({match[2]})", text)
    return _ESCAPE.sub(r"\1", text)
