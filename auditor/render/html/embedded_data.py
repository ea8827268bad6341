"""Serialises the columns of the findings table for embedding in the page.

The format: the length of the header in four bytes; the header (JSON); then the columns as arrays of numbers and the
texts as lines, each aligned to four bytes, at the offsets that the header lists. Numbers are unsigned, little-endian.
"""

import sys
from array import array
from base64 import b64encode
from binascii import Error as BinasciiError
from binascii import unhexlify
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from types import MappingProxyType
from typing import Any, Final
from zlib import MAX_WBITS, compressobj

from msgspec import Struct

from auditor.domain.result.model import Result
from auditor.render.html.table_columns import TableColumns, table_columns
from auditor.render.text.labels import Labels
from auditor.render.view.finding_index import FindingIndex
from auditor.render.view.rows import anchor

_MAX_UNCOMPRESSED: Final = 24_000
"""Size in bytes up to which the data is not compressed, so that small pages do not depend on the zlib version."""
_FAST_COMPRESSION_SIZE: Final = 1_000_000
"""Size in bytes above which speed matters more than a page that is 10 % smaller."""
_FINGERPRINT_DIGITS: Final = 32
"""Hexadecimal digits of a fingerprint."""


class EmbeddedData(Struct, frozen=True, kw_only=True, eq=False):
    """The listed findings as columns, for the script of the page."""

    count: int
    priced: bool
    """Whether any finding has an amount."""
    compressed: bool
    """Whether `text` is compressed with gzip."""
    text: str
    """Everything except the fingerprints, in base64."""
    fingerprints: str
    """The fingerprints, 16 bytes each, in base64; empty if they are part of `text`."""


class _Layout:
    """Appends parts, aligned to four bytes, and returns their offsets."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []
        self.size = 0

    def put(self, part: bytes) -> tuple[int, int]:
        """Append a part; return its offset from the end of the header, and its length, in bytes."""
        offset = self.size
        padded = part + bytes(-len(part) % 4)
        self.parts.append(padded)
        self.size += len(padded)
        return offset, len(part)


def embedded_data(
    result: Result, l10n: Labels, indexes: Sequence[FindingIndex], links: Mapping[str, str] = MappingProxyType({})
) -> EmbeddedData:
    """Return the data of the findings table; `indexes` are those of `finding_indexes`.

    `links` are the URLs of the pages of tenants that have no section on this page, by name.
    """
    table = table_columns(result, l10n, indexes, links)
    fingerprints = _binary(table.fingerprints)
    document = _document(table, fingerprints, redacted=result.run.redaction is not None)
    compressed = len(document) > _MAX_UNCOMPRESSED
    return EmbeddedData(
        count=len(table.fingerprints),
        priced=len(table.amounts) > 1,
        compressed=compressed,
        text=b64encode(_gzipped(document) if compressed else document).decode("ascii"),
        fingerprints="" if fingerprints is None else b64encode(fingerprints).decode("ascii"),
    )


def _document(table: TableColumns, fingerprints: bytes | None, *, redacted: bool) -> bytes:
    import orjson  # noqa: PLC0415 - heavy

    layout = _Layout()
    code_columns = table.codes | {"name": [table.names], "address": [table.addresses], "person": [table.people]}
    columns = {name: _column(layout, codes) for name, codes in code_columns.items()}
    texts = {name: _lines(layout, strings.texts) for name, strings in table.strings.items()}
    texts["money"] = _lines(layout, [text for text, _ in table.amounts])
    values = layout.put(_little_endian(array("d", [value for _, value in table.amounts])))
    header: dict[str, Any] = table.header() | {
        "count": len(table.fingerprints),
        "columns": columns,
        "texts": texts,
        "worth": values,
        "redacted": redacted,
        "marks": None if fingerprints is not None else [anchor(fingerprint) for fingerprint in table.fingerprints],
    }
    header_json = orjson.dumps(header)
    header_json += b" " * (-len(header_json) % 4)
    return b"".join((len(header_json).to_bytes(4, "little"), header_json, *layout.parts))


def _column(layout: _Layout, parts: Sequence[Sequence[int]]) -> tuple[int, int, int]:
    """Append codes in the narrowest type that fits the largest one; return offset, count, and bytes per code."""
    count = sum(map(len, parts))
    try:
        return layout.put(bytes(chain.from_iterable(parts)))[0], count, 1
    except ValueError:
        codes = _wide_codes(parts)
        return layout.put(_little_endian(codes))[0], count, codes.itemsize


def _wide_codes(parts: Sequence[Sequence[int]]) -> "array[int]":
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
    """Return fingerprints as bytes; None if one of them is not 32 lower-case hexadecimal digits."""
    joined = "".join(fingerprints)
    if set(map(len, fingerprints)) - {_FINGERPRINT_DIGITS} or not joined.isascii():
        return None
    try:
        binary = unhexlify(joined)
    except BinasciiError:
        return None
    return binary if binary.hex() == joined else None


def _gzipped(document: bytes) -> bytes:
    """Compress as gzip without a timestamp, so that equal columns give equal bytes."""
    compressor = compressobj(level=1 if len(document) > _FAST_COMPRESSION_SIZE else 9, wbits=MAX_WBITS | 16)
    return compressor.compress(document) + compressor.flush()
