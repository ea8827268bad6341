"""Escapes and joins columns in bulk: only texts with bytes that may need escaping are processed one by one."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from auditor.render.tables.flat_rows import RepeatedColumns, RepeatedValues, Row
from auditor.render.text.sanitize import without_surrogates

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pyarrow as pa

_SANITIZED: Final = (*range(0x20), 0x7F, 0xC2, 0xD8, 0xE2, 0xEF)
"""ASCII control characters, and the first UTF-8 bytes of all other characters that `visible` escapes."""


class BulkEscaper:
    """Applies the escape function of a format to the texts of a column that may need it."""

    def __init__(
        self, escape: Callable[[str], str], *, anywhere: bytes = b"", at_start: bytes = b"", max_length: int = 1 << 31
    ) -> None:
        """Texts are escaped if they contain a byte that is in `anywhere` or that `visible` changes.

        So are texts whose first byte is in `at_start`, and texts of more than `max_length` bytes.
        """
        self._escape = escape
        self._anywhere = _lookup_table((*_SANITIZED, *anywhere)).tobytes()
        self._at_start = _lookup_table(at_start)
        self._max_length = max_length

    def escaped(self, texts: "pa.StringArray") -> "pa.StringArray":
        """Return the texts, escaped if needed; nulls stay null."""
        import numpy as np  # noqa: PLC0415 - heavy
        import pyarrow as pa  # noqa: PLC0415 - heavy
        import pyarrow.compute as pc  # noqa: PLC0415 - heavy

        from auditor.arrays.texts import offsets_of, utf8_of  # noqa: PLC0415 - heavy

        data, offsets = utf8_of(texts), offsets_of(texts)
        offsets = offsets - offsets[0]
        needs_escaping = np.diff(offsets) > self._max_length
        matches = np.frombuffer(data.tobytes().translate(self._anywhere), np.bool_)
        needs_escaping[np.searchsorted(offsets, np.flatnonzero(matches), side="right") - 1] = True
        non_empty = offsets[:-1] < offsets[1:]
        needs_escaping[non_empty] |= self._at_start[data[offsets[:-1][non_empty]]]
        if not needs_escaping.any():
            return texts
        mask = pa.array(needs_escaping)
        escaped = pa.array([self._escape(text) for text in texts.filter(mask).to_pylist()], pa.string())
        return pc.replace_with_mask(texts, mask, escaped)


def _lookup_table(values: Sequence[int]) -> "npt.NDArray[np.bool_]":
    import numpy as np  # noqa: PLC0415 - heavy

    table = np.zeros(256, np.bool_)
    table[list(values)] = True
    return table


class ValueFormatter:
    """Formats each distinct row of repeated columns once."""

    def __init__(self, format_cells: Callable[[tuple[str, ...], Row], str]) -> None:
        self._format_cells = format_cells
        """Maps columns and their cells to the text in the file."""
        self._cache: dict[tuple[str, ...], tuple[RepeatedValues, pa.StringArray]] = {}

    def texts(self, part: RepeatedColumns) -> "pa.StringArray":
        """Return the text of the columns in each row."""
        import pyarrow as pa  # noqa: PLC0415 - heavy

        values, formatted = self._cache.get(part.columns, (None, None))
        count = len(formatted) if formatted is not None and values is part.values else 0
        if formatted is None or count < len(part.values.rows):
            end = part.first + len(part.columns)
            rows = part.values.rows[count:]
            texts = [without_surrogates(self._format_cells(part.columns, row[part.first : end])) for row in rows]
            added = pa.array(texts, pa.string())
            formatted = pa.concat_arrays([formatted, added]) if formatted is not None and count else added
            self._cache[part.columns] = part.values, formatted
        return formatted.take(part.codes)


def concatenated_rows(pieces: "Sequence[pa.StringArray | str]", separator: str = "") -> bytes:
    """Concatenate columns row by row, in UTF-8; a plain string is repeated in every row, a null is empty."""
    import pyarrow.compute as pc  # noqa: PLC0415 - heavy

    from auditor.arrays.texts import utf8_of  # noqa: PLC0415 - heavy

    return utf8_of(
        pc.binary_join_element_wise(*pieces, separator, null_handling="replace", null_replacement="")
    ).tobytes()
