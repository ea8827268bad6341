"""Escapes text so that the log of a CI job does not interpret it as a command.

GitHub's runner reads `##[name]` anywhere in a line, and `::name::` after blanks at the start of a line, on stdout and
stderr (actions/runner, ActionCommand.cs); Azure's agent reads `##vso[name]`. Names of tenants, users, groups, policies
and files can contain either, and wrapping can move a `::` to the start of a line.
"""

import codecs
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

_ANYWHERE: Final = re.compile(r"##(?=\[|vso\[)", re.IGNORECASE)
_AT_START: Final = re.compile(r"(?:\A|(?<=[\r\n]))[\s\ufeff]*:(?=:)")
_BLANK: Final = re.compile(r"[\s\ufeff]*")
_MAX_TAIL: Final = len("##vso[")

Escape = Callable[[str], str]
"""Maps a character to its escape."""
_WITH_SPACE: Final = " {}".format
"""Puts a blank before a character, so that text stays readable."""


def in_github_actions(environ: Mapping[str, str]) -> bool:
    """Return whether the program runs in a job of GitHub Actions."""
    return environ.get("GITHUB_ACTIONS") == "true"


_ESCAPES: Final[Mapping[str, Escape]] = {
    **dict.fromkeys(("json", "ndjson", "sarif"), lambda character: f"\\u{ord(character):04x}"),
    **dict.fromkeys(("html", "junit", "markdown"), lambda character: f"&#{ord(character)};"),
}
"""Format → escape that keeps the meaning of the text; in other text formats, a blank is inserted."""
_BINARY: Final = frozenset({"parquet", "xlsx"})


class CommandEscaper:
    """Escapes workflow commands in a text that arrives in pieces; a command can span several pieces."""

    def __init__(self, *, at_start: bool, escape: Escape = _WITH_SPACE) -> None:
        self._at_start = at_start
        self._escape = escape
        self._tail = ""
        """The end of the unfinished line, as it was returned."""

    @property
    def at_line_start(self) -> bool:
        """Whether the next character begins a new line."""
        return not self._tail

    def escape_next(self, text: str) -> str:
        """Return the next piece of a text with every command escaped."""
        tail_length = len(self._tail)
        line = self._tail + text
        offsets = {match.start() + 1 for match in _ANYWHERE.finditer(line)}
        if self._at_start:
            offsets |= {match.end() for match in _AT_START.finditer(line)}
        pieces, end = [], tail_length
        for offset in sorted(max(offset, tail_length) for offset in offsets):
            if offset >= end:
                pieces += [line[end:offset], self._escape(line[offset])]
                end = offset + 1
        escaped = "".join([*pieces, line[end:]])
        self._tail = _tail(self._tail + escaped)
        return escaped


def _tail(text: str) -> str:
    """Return the end of the current line that is needed to find commands in the next piece."""
    line = text[max(text.rfind("\n"), text.rfind("\r")) + 1 :]
    content = line[_BLANK.match(line).end() :]  # type: ignore[union-attr]  # it also matches an empty text
    if not content:
        return line[-1:]
    return content if len(content) <= _MAX_TAIL else "x" + content[-_MAX_TAIL:]


def escape_commands(pieces: Iterable[bytes], format_name: str) -> Iterator[bytes]:
    """Yield a document in which commands are escaped for the log of a CI job; binary formats are not changed."""
    if format_name in _BINARY:
        yield from pieces
        return
    escaper, decoder = (
        CommandEscaper(at_start=True, escape=_ESCAPES.get(format_name, _WITH_SPACE)),
        codecs.getincrementaldecoder("utf-8")("surrogateescape"),
    )
    for piece in pieces:
        yield escaper.escape_next(decoder.decode(piece)).encode("utf-8", "surrogateescape")
    yield escaper.escape_next(decoder.decode(b"", final=True)).encode("utf-8", "surrogateescape")
