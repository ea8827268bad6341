"""Escapes text so that the log of a CI job finds no command in it.

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


def spaced(character: str) -> str:
    """Return the character after a blank, which keeps text readable."""
    return f" {character}"


def _in_json(character: str) -> str:
    return f"\\u{ord(character):04x}"


def _in_markup(character: str) -> str:
    return f"&#{ord(character)};"


_ESCAPES: Final[Mapping[str, Escape]] = {
    **dict.fromkeys(("json", "ndjson", "sarif"), _in_json),
    **dict.fromkeys(("html", "junit", "markdown"), _in_markup),
}
"""Format → escape of a character that keeps the meaning; other text formats get a blank before it."""
_BINARY: Final = frozenset({"parquet", "xlsx"})


class CommandEscaper:
    """Escapes what a job's log would read as a command, also across pieces of text."""

    def __init__(self, *, at_start: bool, escape: Escape = spaced) -> None:
        self._at_start = at_start
        self._escape = escape
        self._tail = ""
        """The end of the line that is not ended yet, as it was written."""

    @property
    def fresh(self) -> bool:
        """Whether the next character begins a line."""
        return not self._tail

    def feed(self, text: str) -> str:
        """Return the next piece of a text with every command escaped."""
        tail_length = len(self._tail)
        whole = self._tail + text
        breaks = {match.start() + 1 for match in _ANYWHERE.finditer(whole)}
        if self._at_start:
            breaks |= {match.end() for match in _AT_START.finditer(whole)}
        pieces, done = [], tail_length
        for offset in sorted(max(offset, tail_length) for offset in breaks):
            if offset >= done:
                pieces += [whole[done:offset], self._escape(whole[offset])]
                done = offset + 1
        broken = "".join([*pieces, whole[done:]])
        self._tail = _tail(self._tail + broken)
        return broken


def _tail(text: str) -> str:
    """Return the part of the current line that decides about the next piece."""
    line = text[max(text.rfind("\n"), text.rfind("\r")) + 1 :]
    rest = line[_BLANK.match(line).end() :]  # type: ignore[union-attr]  # it matches the empty text too
    if not rest:
        return line[-1:]
    return rest if len(rest) <= _MAX_TAIL else "x" + rest[-_MAX_TAIL:]


def harmless(pieces: Iterable[bytes], form: str) -> Iterator[bytes]:
    """Yield a document in which a job's log finds no command; binary formats are yielded unchanged."""
    if form in _BINARY:
        yield from pieces
        return
    breaker, decoder = (
        CommandEscaper(at_start=True, escape=_ESCAPES.get(form, spaced)),
        codecs.getincrementaldecoder("utf-8")("surrogateescape"),
    )
    for piece in pieces:
        yield breaker.feed(decoder.decode(piece)).encode("utf-8", "surrogateescape")
    yield breaker.feed(decoder.decode(b"", final=True)).encode("utf-8", "surrogateescape")
