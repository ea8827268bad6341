"""Escape and join whole columns: only texts that hold a byte which may need escaping are looked at one by one."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from auditor.render.tables.flat import RepeatedColumns, RepeatedValues, Row
from auditor.render.text.sanitize import without_surrogates

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

_SANITIZED: Final = (*range(0x20), 0x7F, 0xC2, 0xD8, 0xE2, 0xEF)
"""ASCII controls, and the first bytes of all other characters that `visible` writes out, in UTF-8."""


class BulkEscaper:
    """Applies the escape function of a format to those texts of a column that may need it."""

    def __init__(
        self, escape: Callable[[str], str], *, anywhere: bytes = b"", front: bytes = b"", longest: int = 1 << 31
    ) -> None:
        """Take the bytes, beside those that `visible` changes, of which a text with one of them may need escaping.

        `front` are bytes that matter as the first of a text only. Texts of more than `longest` bytes always count.
        """
        self._escape = escape
        self._anywhere = _flags((*_SANITIZED, *anywhere)).tobytes()
        self._front = _flags(front)
        self._longest = longest

    def escaped(self, texts: "pa.StringArray") -> "pa.StringArray":
        """Return the texts as they may be written; nulls stay."""
        import numpy as np  # noqa: PLC0415 - heavy
        import pyarrow as pa  # noqa: PLC0415 - heavy
        import pyarrow.compute as pc  # noqa: PLC0415 - heavy

        _, ends, characters = texts.buffers()
        if characters is None:
            return texts
        offsets = np.frombuffer(ends, np.int32)[texts.offset : texts.offset + len(texts) + 1]
        data = np.frombuffer(characters, np.uint8)[: offsets[-1]]
        suspect = np.diff(offsets) > self._longest
        marks = np.frombuffer(data[offsets[0] :].tobytes().translate(self._anywhere), np.bool_)
        offsets_found = np.flatnonzero(marks) + offsets[0]
        suspect[np.searchsorted(offsets, offsets_found, side="right") - 1] = True
        begun = offsets[:-1] < offsets[1:]
        suspect[begun] |= self._front[data[offsets[:-1][begun]]]
        if not suspect.any():
            return texts
        mask = pa.array(suspect)
        escaped = pa.array([self._escape(text) for text in texts.filter(mask).to_pylist()], pa.string())
        return pc.replace_with_mask(texts, mask, escaped)


def _flags(marked: Sequence[int]) -> "npt.NDArray[np.bool_]":
    import numpy as np  # noqa: PLC0415 - heavy

    flags = np.zeros(256, np.bool_)
    flags[list(marked)] = True
    return flags


class ValueFormatter:
    """Writes each distinct row of repeated columns once, in a format's own text."""

    def __init__(self, write: Callable[[tuple[str, ...], Row], str]) -> None:
        self._write = write
        """Columns and their cells to the text in the file."""
        self._written: dict[tuple[str, ...], tuple[RepeatedValues, pa.StringArray]] = {}

    def texts(self, part: RepeatedColumns) -> "pa.StringArray":
        """Return the text of the columns in each row."""
        import pyarrow as pa  # noqa: PLC0415 - heavy

        values, written = self._written.get(part.columns, (None, None))
        count = len(written) if written is not None and values is part.values else 0
        if written is None or count < len(part.values.rows):
            end = part.first + len(part.columns)
            rows = part.values.rows[count:]
            texts = [without_surrogates(self._write(part.columns, row[part.first : end])) for row in rows]
            fresh = pa.array(texts, pa.string())
            written = pa.concat_arrays([written, fresh]) if written is not None and count else fresh
            self._written[part.columns] = part.values, written
        return written.take(part.codes)


def interleaved(pieces: "Sequence[pa.StringArray | str]", separator: str = "") -> bytes:
    """Return the pieces row by row, in UTF-8; a piece that is one text is in every row, a null is empty."""
    import numpy as np  # noqa: PLC0415 - heavy
    import pyarrow.compute as pc  # noqa: PLC0415 - heavy

    joined = pc.binary_join_element_wise(*pieces, separator, null_handling="replace", null_replacement="")
    _, ends, characters = joined.buffers()
    size = np.frombuffer(ends, np.int32)[len(joined)]
    return bytes(memoryview(characters)[:size]) if size else b""
