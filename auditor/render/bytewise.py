"""Columns of a table into Arrow arrays of text, with only those cells changed that hold what must not be there."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from re import escape, finditer
from typing import Any

from auditor.render.table import Block, Cell, Stretch, Texts, Values


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """Which texts a format has to look at, told by single bytes of their UTF-8, and what it does to those."""

    marks: bytes
    """256 bytes: 1 for every byte that is not harmless wherever it stands."""
    first: bytes
    """256 bytes: 1 for those that are not harmless at the beginning of a text."""
    holds: bytes
    """What is looked at where it occurs; empty for nothing."""
    longest: int
    """Bytes beyond which a text is looked at."""
    mend: Callable[[str], str]

    @classmethod
    def of(
        cls,
        marks: Iterable[int],
        mend: Callable[[str], str],
        *,
        first: Iterable[int] = (),
        holds: bytes = b"",
        longest: int = 1 << 31,
    ) -> "Screen":
        """Return a screen for these bytes."""
        chosen, begin = frozenset(marks), frozenset(first)
        return cls(
            marks=bytes(byte in chosen for byte in range(256)),
            first=bytes(byte in begin for byte in range(256)),
            holds=holds,
            longest=longest,
            mend=mend,
        )

    def rows(self, text: bytes, offsets: Any) -> set[int]:
        """Return the rows to look at, of texts that lie end to end."""
        import numpy as np  # noqa: PLC0415 - heavy

        rows: set[int] = set()
        at = [found.start() for found in finditer(escape(self.holds), text)] if self.holds else []
        marked = text.translate(self.marks)
        if 1 in marked:
            at += np.flatnonzero(np.frombuffer(marked, dtype=np.uint8)).tolist()
        if at:
            rows.update((np.searchsorted(offsets, at, side="right") - 1).tolist())
        lengths = np.diff(offsets)
        filled = np.flatnonzero(lengths)
        begin = np.frombuffer(self.first, dtype=np.uint8)[np.frombuffer(text, dtype=np.uint8)[offsets[filled]]]
        rows.update(filled[np.flatnonzero(begin)].tolist())
        rows.update(np.flatnonzero(lengths > self.longest).tolist())
        return rows


LEADS = frozenset((0xC2, 0xD8, 0xE2, 0xEF))
"""First bytes of every character beyond ASCII that `visible` writes out; few of those that begin so are among them."""
CONTROLS = frozenset((*range(0x20), 0x7F))


def text_array(column: Texts, screen: Screen) -> Any:
    """Return a column as an Arrow array, what is not harmless mended; None stays null."""
    import numpy as np  # noqa: PLC0415 - heavy
    import pyarrow as pa  # noqa: PLC0415 - heavy
    import pyarrow.compute as pc  # noqa: PLC0415 - heavy

    try:
        array = pa.array(column.values, pa.string())
    except UnicodeEncodeError:
        # Half of a surrogate pair, which a saved result may hold.
        return pa.array([None if text is None else screen.mend(text) for text in column.values], pa.string())
    _, places, raw = array.buffers()
    if raw is None:
        return array
    offsets = np.frombuffer(places, dtype=np.int32)
    rows = sorted(screen.rows(raw.to_pybytes(), offsets))
    if not rows:
        return array
    chosen = np.zeros(len(array), dtype=bool)
    chosen[rows] = True
    mended = [screen.mend(column.values[row] or "") for row in rows]
    return pc.replace_with_mask(array, pa.array(chosen), pa.array(mended, pa.string()))


class Dressing:
    """Turns the distinct values of blocks into a format's own texts, each once, and rows into arrays of them."""

    def __init__(self, dress: Callable[[tuple[str, ...], tuple[Cell, ...]], str | None]) -> None:
        self._dress = dress
        """Columns and their values → what stands in the file; None for a null."""
        self._made: dict[tuple[str, ...], tuple[Values, list[str | None], Any]] = {}

    def array(self, block: Block, places: Mapping[int, Any]) -> Any:
        """Return what stands for the block in each row; `places` is of the stretch that the block is from."""
        import pyarrow as pa  # noqa: PLC0415 - heavy

        values, made, array = self._made.get(block.columns, (block.values, [], None))
        if values is not block.values:
            made, array = [], None
        if array is None or len(made) < len(block.values.known):
            span = slice(block.first, block.first + len(block.columns))
            made += [self._dress(block.columns, row[span]) for row in block.values.known[len(made) :]]
            array = pa.array(made, pa.string())
            self._made[block.columns] = (block.values, made, array)
        return array.take(places[id(block.numbers)])


def places_of(stretch: Stretch) -> dict[int, Any]:
    """Return the numbers of every block as an Arrow array, by the identity of their list: some blocks share one."""
    import pyarrow as pa  # noqa: PLC0415 - heavy

    numbers = {id(part.numbers): part.numbers for part in stretch.parts if isinstance(part, Block)}
    return {key: pa.array(some, pa.int32()) for key, some in numbers.items()}
