"""Columns of a table into text of one character a byte, with only those cells changed that hold what must not be there.

Texts of a column are looked through together, as one run of UTF-8. What is written stands in strings in which every
character is one byte of UTF-8: Python joins those, and turns them into bytes, without looking at a single character.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from re import Pattern, escape, finditer
from re import compile as pattern
from typing import Final, cast

from auditor.render.table import Block, Cell, Values, chosen

LEADS = frozenset((0xC2, 0xD8, 0xE2, 0xEF))
"""First bytes of every character beyond ASCII that `visible` writes out; few of those that begin so are among them."""
CONTROLS = frozenset((*range(0x20), 0x7F))
_BEFORE: Final = "~"
"""What stands before each text of a run: harmless to every format, so that a text may hold it too."""
_MARK: Final = b"\x01"


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """Which texts a format has to look at, told by single bytes of their UTF-8, and what it does to those."""

    marks: bytes
    """256 bytes: 1 for every byte that is not harmless wherever it stands."""
    signs: Pattern[bytes] | None
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
        chosen = frozenset(marks)
        signs = [b"%b[%b]" % (_BEFORE.encode(), escape(first))] * bool(first) + [escape(holds)] * bool(holds)
        return cls(
            marks=bytes(byte in chosen for byte in range(256)),
            signs=pattern(b"|".join(signs)) if signs else None,
            longest=longest,
            mend=mend,
        )

    def mended(self, values: Sequence[str | None]) -> tuple[Sequence[str], bool]:
        """Return the texts as they may be written, None as an empty one; and whether they are all ASCII."""
        texts = cast("Sequence[str]", values) if all(values) else [text or "" for text in values]
        try:
            run = (_BEFORE + _BEFORE.join(texts)).encode()
        except UnicodeEncodeError:
            # Half of a surrogate pair, which a saved result may hold.
            return [self.mend(text) for text in texts], False
        marked = run.translate(self.marks)
        if _MARK in marked or (self.signs is not None and self.signs.search(run)):
            texts = list(texts)
            sure = run.count(_BEFORE.encode()) == len(texts)
            for row in self._rows(run, marked) if sure else range(len(texts)):
                texts[row] = self.mend(texts[row])
        if len(run) > self.longest:
            texts = [self.mend(text) if len(text) > self.longest else text for text in texts]
        return texts, run.isascii()

    def narrow(self, values: Sequence[str | None]) -> Sequence[str]:
        """Return the texts as they may be written, in characters that are bytes of UTF-8."""
        texts, plain = self.mended(values)
        return texts if plain else [narrow(text) for text in texts]

    def _rows(self, run: bytes, marked: bytes) -> Iterator[int]:
        """Yield the texts to look at, each once."""
        places = {found.end() - 1 for found in self.signs.finditer(run)} if self.signs is not None else set()
        places.update(found.start() for found in finditer(_MARK, marked))
        row, behind, last = -1, 0, -1
        for place in sorted(places):
            row += run.count(_BEFORE.encode(), behind, place)
            behind = place
            if row != last:
                yield row
                last = row


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
        return chosen(made, block.numbers)
