"""The columns of the page's table as the bytes that the page holds.

First four bytes with the length of the header, then the header (JSON), then, each at a multiple of four, the columns as
arrays of numbers and the texts line by line; the header has their offsets. Numbers are unsigned and little-endian.
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

from auditor.domain.result.model import Result
from auditor.render.html.finding_index import FindingIndex
from auditor.render.html.rows import anchor
from auditor.render.html.table_columns import TableColumns, table_columns
from auditor.render.html.view import EmbeddedData
from auditor.render.text.labels import Labels

_UNCOMPRESSED: Final = 24_000
"""Bytes up to which the page holds them uncompressed: small pages are then the same with every zlib."""
_FAST: Final = 1_000_000
"""Bytes beyond which writing soon is worth more than a page that is a tenth smaller."""
_DIGITS: Final = 32
"""Hexadecimal digits of a fingerprint."""


class _Layout:
    """Appends parts, each at a multiple of four bytes, and returns their offsets."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = 0

    def put(self, part: bytes) -> tuple[int, int]:
        """Append a part; return its offset behind the header, and its length in bytes."""
        offset = self.size
        padded = part + bytes(-len(part) % 4)
        self.parts.append(padded)
        self.size += len(padded)
        return offset, len(part)


def embedded_data(result: Result, l10n: Labels, indexes: Sequence[FindingIndex] | None = None) -> EmbeddedData:
    """Return the table's data; `indexes` is what `finding_indexes` returns, where that is at hand."""
    table = table_columns(result, l10n, indexes)
    fingerprints = _binary(table.fingerprints)
    whole = _document(table, fingerprints, redacted=result.run.redaction is not None)
    packed = len(whole) > _UNCOMPRESSED
    return EmbeddedData(
        count=len(table.fingerprints),
        packed=packed,
        text=b64encode(_gzipped(whole) if packed else whole).decode("ascii"),
        marks="" if fingerprints is None else b64encode(fingerprints).decode("ascii"),
    )


def _document(table: TableColumns, fingerprints: bytes | None, *, redacted: bool) -> bytes:
    import orjson  # noqa: PLC0415 - heavy

    layout = _Layout()
    parts = table.codes | {"name": [table.names], "address": [table.addresses], "person": [table.people]}
    columns = {name: _column(layout, codes) for name, codes in parts.items()}
    texts = {name: _lines(layout, strings.texts) for name, strings in table.strings.items()}
    texts["money"] = _lines(layout, [text for text, _ in table.amounts])
    values = layout.put(_little_endian(array("d", [value for _, value in table.amounts])))
    header: dict[str, Any] = table.header() | {
        "count": len(table.fingerprints),
        "columns": columns,
        "texts": texts,
        "worth": values,
        "redacted": redacted,
        "marks": None if fingerprints is not None else [anchor(each) for each in table.fingerprints],
    }
    written = orjson.dumps(header)
    written += b" " * (-len(written) % 4)
    return b"".join((len(written).to_bytes(4, "little"), written, *layout.parts))


def _column(layout: _Layout, parts: Sequence[Sequence[int]]) -> tuple[int, int, int]:
    """Append codes in as few bytes each as the greatest needs; return offset, count, and the bytes of each."""
    count = sum(map(len, parts))
    try:
        return layout.put(bytes(chain.from_iterable(parts)))[0], count, 1
    except ValueError:
        wide = _wide(parts)
        return layout.put(_little_endian(wide))[0], count, wide.itemsize


def _wide(parts: Sequence[Sequence[int]]) -> "array[int]":
    try:
        return array("H", chain.from_iterable(parts))
    except OverflowError:
        return array("I", chain.from_iterable(parts))


def _little_endian(numbers: "array[Any]") -> bytes:
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers.tobytes()


def _lines(layout: _Layout, texts: Iterable[str]) -> tuple[int, int]:
    return layout.put("\n".join(texts).encode("utf-8", "replace"))


def _binary(fingerprints: list[str]) -> bytes | None:
    """Return fingerprints as bytes; None where one of them is not 32 hexadecimal digits in small letters."""
    joined = "".join(fingerprints)
    if set(map(len, fingerprints)) - {_DIGITS} or not joined.isascii():
        return None
    try:
        binary = unhexlify(joined)
    except BinasciiError:
        return None
    return binary if binary.hex() == joined else None


def _gzipped(written: bytes) -> bytes:
    """Return it as gzip without a time in it: the same columns give the same bytes."""
    packing = compressobj(level=1 if len(written) > _FAST else 9, wbits=MAX_WBITS | 16)
    return packing.compress(written) + packing.flush()
