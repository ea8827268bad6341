"""Columns of a table into text of one character a byte, with only those cells changed that hold what must not be there.

Texts of a column are looked through together, as one run of UTF-8; as a rule a search for each byte that matters tells
that there is nothing to do. What is written stands in strings in which every character is one byte of UTF-8: Python
joins those, and turns them into bytes, without looking at a single character.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from re import Pattern, escape, finditer
from re import compile as pattern
from typing import Final, cast

import orjson

from auditor.render.tables.flat import Block, Cell, Values

LEADS = frozenset((0xC2, 0xD8, 0xE2, 0xEF))
"""First bytes of every character beyond ASCII that `visible` writes out; few of those that begin so are among them."""
CONTROLS = frozenset((*range(0x20), 0x7F))
_BEFORE: Final = "~"
"""What stands before each text of a run: harmless to every format, so that a text may hold it too."""
_ANYWHERE: Final = 1
_IN_FRONT: Final = 2
_ESCAPED: Final = frozenset((*range(0x20), *b'"\\'))
"""What JSON escapes."""
_MARK: Final = bytes((_ANYWHERE,))
# A pattern is found sooner than the same two bytes with `in`.
_FIRST: Final = pattern(_BEFORE.encode() + bytes((_IN_FRONT,)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """Which texts a format has to look at, told by single bytes of their UTF-8, and what it does to those."""

    marks: bytes
    """256 bytes, for each byte: 1 where it is harmless nowhere, 2 where it is not in front of a text."""
    plain: tuple[bytes, ...]
    """Those of ASCII that are harmless nowhere, save what JSON escapes."""
    beyond: tuple[bytes, ...]
    """Those beyond ASCII that are harmless nowhere."""
    front: tuple[tuple[bytes, Pattern[bytes]], ...]
    """Those that matter in front only, and what finds them there."""
    holds: Pattern[bytes] | None
    """What else must be looked at in a run."""
    longest: int
    """Characters beyond which a text is looked at."""
    mend: Callable[[str], str]

    @classmethod
    def of(
        cls,
        marks: Iterable[int],
        mend: Callable[[str], str],
        *,
        first: bytes = b"",
        holds: bytes = b"",
        longest: int = 1 << 31,
    ) -> "Screen":
        """Return a screen for bytes that are not harmless anywhere, or only in front, and for what a text may hold."""
        marks = frozenset(marks)
        table = bytearray(256)
        table[ord(_BEFORE)] = ord(_BEFORE)
        for mark, these in ((_IN_FRONT, first), (_ANYWHERE, marks)):
            for byte in these:
                table[byte] = mark
        front = set(first) - marks
        return cls(
            marks=bytes(table),
            plain=tuple(bytes((mark,)) for mark in sorted(marks - _ESCAPED) if mark < 0x80),
            beyond=tuple(bytes((mark,)) for mark in sorted(marks) if mark >= 0x80),
            front=tuple((bytes((mark,)), pattern(_BEFORE.encode() + escape(bytes((mark,))))) for mark in sorted(front)),
            holds=pattern(escape(holds)) if holds else None,
            longest=longest,
            mend=mend,
        )

    def mended(self, values: Sequence[str | None]) -> Sequence[str]:
        """Return the texts as they may be written, None as an empty one."""
        return self._looked_through(values)[0]

    def narrow(self, values: Sequence[str | None]) -> Sequence[str]:
        """Return the texts as they may be written, in characters that are bytes of UTF-8."""
        texts, run = self._looked_through(values)
        if run is None:
            run = _run(texts)
        if run.isascii():
            return texts
        pieces = run.decode("latin-1").split(_BEFORE)
        if len(pieces) > len(texts) + 1:
            return [narrow(text) for text in texts]
        return pieces[1:]

    def _looked_through(self, values: Sequence[str | None]) -> tuple[Sequence[str], bytes | None]:
        """Return the texts as they may be written, and their run if none had to be changed."""
        texts = cast("Sequence[str]", values)
        try:
            line = orjson.dumps(_BEFORE + _BEFORE.join(texts))
        except TypeError:
            texts = [text or "" for text in values]
            try:
                line = orjson.dumps(_BEFORE + _BEFORE.join(texts))
            except orjson.JSONEncodeError:
                # Half of a surrogate pair, which a saved result may hold.
                return [self.mend(text) for text in texts], None
        # JSON escapes controls, quotes and backslashes: without one of its own, none of them is there.
        if b"\\" in line:
            run = _run(texts)
        else:
            run = line[1:-1]
            if not self._doubtful(texts, run):
                return texts, run
        rows = self._rows(texts, run)
        if not rows:
            return texts, run
        texts = list(texts)
        for row in rows:
            texts[row] = self.mend(texts[row])
        return texts, None

    def _doubtful(self, texts: Sequence[str], run: bytes) -> bool:
        """Tell whether a run in which JSON escapes nothing may hold a text to look at."""
        marks = self.plain if run.isascii() else self.plain + self.beyond
        return (
            any(map(run.__contains__, marks))
            or any(mark in run and front.search(run) for mark, front in self.front)
            or (self.holds is not None and self.holds.search(run) is not None)
            or (len(run) > self.longest and max(map(len, texts)) > self.longest)
        )

    def _rows(self, texts: Sequence[str], run: bytes) -> set[int]:
        """Return which of the texts to look at."""
        rows: set[int] = set()
        marked = run.translate(self.marks)
        if _MARK in marked or (self.front and _FIRST.search(marked)) or (self.holds and self.holds.search(run)):
            sure = run.count(_BEFORE.encode()) == len(texts)
            rows.update(self._places(run, marked) if sure else range(len(texts)))
        if len(run) > self.longest:
            rows.update(row for row, text in enumerate(texts) if len(text) > self.longest)
        return rows

    def _places(self, run: bytes, marked: bytes) -> Iterator[int]:
        """Yield the texts in which something stands that must be looked at."""
        found = [finditer(_MARK, marked), _FIRST.finditer(marked)]
        if self.holds is not None:
            found.append(self.holds.finditer(run))
        row, behind = -1, 0
        for place in sorted(each.end() for each in chain.from_iterable(found)):
            row += run.count(_BEFORE.encode(), behind, place)
            behind = place
            yield row


def _run(texts: Sequence[str]) -> bytes:
    return (_BEFORE + _BEFORE.join(texts)).encode()


def woven(pieces: Sequence[Sequence[str] | str], count: int) -> bytes:
    """Return the pieces of so many rows, row by row; a piece that is one text stands in each.

    Every character is a byte. A list into which the columns are put is joined sooner than what walks from row to row.
    """
    page = [""] * (count * len(pieces))
    for place, texts in enumerate(pieces):
        page[place :: len(pieces)] = [texts] * count if isinstance(texts, str) else texts
    return "".join(page).encode("latin-1")


def narrow(text: str) -> str:
    """Return a text in which every character is a byte of this one's UTF-8."""
    return text if text.isascii() else text.encode().decode("latin-1")


class Dressing:
    """Turns the distinct values of blocks into a format's own texts, each once."""

    def __init__(self, dress: Callable[[tuple[str, ...], tuple[Cell, ...]], str]) -> None:
        self._dress = dress
        """Columns and their values → what stands in the file."""
        self._made: dict[tuple[str, ...], tuple[Values, list[str]]] = {}

    def texts(self, block: Block) -> Sequence[str]:
        """Return what stands for the block in each row, in characters that are bytes of UTF-8."""
        values, made = self._made.get(block.columns, (None, []))
        if values is not block.values:
            made = []
            self._made[block.columns] = block.values, made
        span = slice(block.first, block.first + len(block.columns))
        made += [narrow(self._dress(block.columns, row[span])) for row in block.values.known[len(made) :]]
        # A loop that Python does not see, for very many.
        return (
            itemgetter(*block.numbers)(made) if len(block.numbers) > 1 else [made[number] for number in block.numbers]
        )
