"""Gathered columns into the bytes that stand in the page: numbers as they lie in memory, texts line by line.

First four bytes with the length of the header, then the header (JSON), then, each at a multiple of four, the columns
and the texts; the header has their places. All numbers are unsigned, the least significant byte first.
"""

import sys
from array import array
from base64 import b64encode
from binascii import Error as BinasciiError
from binascii import unhexlify
from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any, Final
from zlib import MAX_WBITS, compressobj

from auditor.domain.result import Result
from auditor.render.html.finding_index import Walk
from auditor.render.html.rows import anchored
from auditor.render.html.table_columns import Gathering, gathered
from auditor.render.html.view import Island
from auditor.render.text.labels import Labels

_PLAIN: Final = 24_000
"""Bytes that stand in the page as they are; more is compressed. Small pages so are the same with every zlib."""
_FAST: Final = 1_000_000
"""Bytes beyond which writing soon is worth more than a page that is a tenth smaller."""
_MARK: Final = 32
"""Hexadecimal digits of a fingerprint."""


class _Layout:
    """Puts parts one after the other, each at a multiple of four, and remembers where."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = 0

    def put(self, part: bytes) -> tuple[int, int]:
        """Return where a part begins, after the header, and its length in bytes."""
        place = self.size
        padded = part + bytes(-len(part) % 4)
        self.parts.append(padded)
        self.size += len(padded)
        return place, len(part)


def island(result: Result, words: Labels, gone: Sequence[Walk] | None = None) -> Island:
    """Return the columns as they stand in the page; `gone` is the walks over the findings, where they are at hand."""
    gathering = gathered(result, words, gone)
    marks = _marks(gathering.fingerprints)
    whole = _laid_out(gathering, marks)
    packed = len(whole) > _PLAIN
    return Island(
        count=len(gathering.fingerprints),
        packed=packed,
        text=b64encode(_gzipped(whole) if packed else whole).decode("ascii"),
        marks="" if marks is None else b64encode(marks).decode("ascii"),
    )


def _laid_out(gathering: Gathering, marks: bytes | None) -> bytes:
    import orjson  # noqa: PLC0415 - heavy

    layout = _Layout()
    columns = {name: _column(layout, numbers) for name, numbers in gathering.columns.items()}
    for name, numbers in zip(("name", "address"), gathering.people, strict=True):
        columns[name] = _column(layout, [numbers])
    texts = {name: _lines(layout, known.known) for name, known in gathering.texts.items()}
    texts["money"] = _lines(layout, [said for said, _ in gathering.money])
    worth = layout.put(_least_first(array("d", [value for _, value in gathering.money])))
    header: dict[str, Any] = gathering.document() | {
        "count": len(gathering.fingerprints),
        "columns": columns,
        "texts": texts,
        "worth": worth,
        "marks": None if marks is not None else [anchored(mark) for mark in gathering.fingerprints],
    }
    written = orjson.dumps(header)
    written += b" " * (-len(written) % 4)
    return b"".join((len(written).to_bytes(4, "little"), written, *layout.parts))


def _column(layout: _Layout, parts: Sequence[Sequence[int]]) -> tuple[int, int, int]:
    """Put numbers in as few bytes each as the greatest needs; return place, how many, and bytes of each."""
    many = sum(map(len, parts))
    try:
        return layout.put(bytes(chain.from_iterable(parts)))[0], many, 1
    except ValueError:
        wide = _wide(parts)
        return layout.put(_least_first(wide))[0], many, wide.itemsize


def _wide(parts: Sequence[Sequence[int]]) -> "array[int]":
    try:
        return array("H", chain.from_iterable(parts))
    except OverflowError:
        return array("I", chain.from_iterable(parts))


def _least_first(numbers: "array[Any]") -> bytes:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def _lines(layout: _Layout, texts: Iterable[str]) -> tuple[int, int]:
    return layout.put("\n".join(texts).encode("utf-8", "replace"))


def _marks(fingerprints: list[str]) -> bytes | None:
    """Return fingerprints as bytes; None where one of them is none of ours."""
    joined = "".join(fingerprints)
    if set(map(len, fingerprints)) - {_MARK} or not joined.isascii():
        return None
    try:
        marks = unhexlify(joined)
    except BinasciiError:
        return None
    return marks if marks.hex() == joined else None  # there are capitals among them


def _gzipped(written: bytes) -> bytes:
    """Return it as gzip without a time in it: the same columns give the same bytes."""
    packing = compressobj(level=1 if len(written) > _FAST else 9, wbits=MAX_WBITS | 16)
    return packing.compress(written) + packing.flush()
