"""Decodes the metadata of each column chunk from a Parquet footer.

Arrow crashes on a chunk that contradicts its schema, so chunks are checked before Arrow reads them. The format is
Thrift's compact protocol (parquet.thrift of apache/parquet-format).
"""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

_BOOLEANS: Final = {1: True, 2: False}
_INTEGERS: Final = frozenset({4, 5, 6})
_BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 3, 7, 8, 9, 10, 12
_MAX_DEPTH: Final = 16
_TYPES: Final = ("BOOLEAN", "INT32", "INT64", "INT96", "FLOAT", "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY")
_DICTIONARIES: Final = frozenset({2, 8})
"""PLAIN_DICTIONARY and RLE_DICTIONARY."""
_DELTA_BYTE_ARRAY: Final = 7


class ColumnChunk(Struct, frozen=True, kw_only=True):
    """The metadata of one column of one row group."""

    path: str
    type: str
    values: int
    size: int
    """Uncompressed bytes."""
    coded: bool
    """Whether values are dictionary-encoded."""
    prefixed: bool
    """Whether each value is delta-encoded against the previous one."""
    definition_levels: int | None
    """Number of entries in the histogram of definition levels; None if there is none."""
    repetition_levels: int | None
    lengths: bool
    """Whether the metadata has the total length of the texts."""


def row_groups(footer: bytes) -> list[list[ColumnChunk]]:
    """Return the column chunks of each row group. Raises ValueError for a damaged footer."""
    try:
        document, _ = _struct(footer, 0, 0)
        groups = [[_chunk(column) for column in group[1]] for group in document[4]]
    except (IndexError, KeyError, TypeError, AttributeError) as error:
        raise ValueError("its footer is damaged") from error
    return groups


def _chunk(column: Mapping[int, Any]) -> ColumnChunk:
    metadata = column[3]
    if 8 in column or 9 in column:
        raise ValueError("it is encrypted")
    levels = metadata.get(16, {})
    kind = metadata[1]
    return ColumnChunk(
        path=".".join(name.decode() for name in metadata[3]),
        type=_TYPES[kind] if 0 <= kind < len(_TYPES) else "UNKNOWN",
        values=metadata[5],
        size=metadata[6],
        coded=not _DICTIONARIES.isdisjoint(metadata[2]),
        prefixed=_DELTA_BYTE_ARRAY in metadata[2],
        definition_levels=len(levels[3]) if 3 in levels else None,
        repetition_levels=len(levels[2]) if 2 in levels else None,
        lengths=1 in levels,
    )


def _struct(data: bytes, offset: int, depth: int) -> tuple[dict[int, Any], int]:
    if depth > _MAX_DEPTH:
        raise ValueError("its footer is nested too deep")
    fields: dict[int, Any] = {}
    field_id = 0
    while True:
        header = data[offset]
        offset += 1
        if header == 0:
            return fields, offset
        type_id = header & 15
        if header >> 4:
            field_id += header >> 4
        else:
            field_id, offset = _integer(data, offset)
        if type_id in _BOOLEANS:
            fields[field_id] = _BOOLEANS[type_id]
        else:
            fields[field_id], offset = _value(data, offset, type_id, depth)


def _value(data: bytes, offset: int, type_id: int, depth: int) -> tuple[Any, int]:
    if type_id in _INTEGERS:
        return _integer(data, offset)
    if type_id == _BINARY:
        size, offset = _varint(data, offset)
        if size > len(data) - offset:
            raise ValueError("its footer is cut short")
        return data[offset : offset + size], offset + size
    if type_id == _STRUCT:
        return _struct(data, offset, depth + 1)
    if type_id in {_LIST, _SET}:
        return _list(data, offset, depth)
    if type_id == _BYTE or type_id in _BOOLEANS:
        return data[offset], offset + 1
    if type_id == _DOUBLE:
        return None, offset + 8
    raise ValueError("its footer has a value of an unknown kind")


def _list(data: bytes, offset: int, depth: int) -> tuple[list[Any], int]:
    header = data[offset]
    size, offset = (header >> 4, offset + 1) if header >> 4 < 15 else _varint(data, offset + 1)
    if size > len(data) - offset:
        raise ValueError("its footer is cut short")
    items = []
    for _ in range(size):
        value, offset = _value(data, offset, header & 15, depth)
        items.append(value)
    return items, offset


def _integer(data: bytes, offset: int) -> tuple[int, int]:
    value, offset = _varint(data, offset)
    return (value >> 1) ^ -(value & 1), offset


def _varint(data: bytes, offset: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[offset]
        offset += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, offset
        shift += 7
        if shift > 63:
            raise ValueError("its footer has a number of too many digits")
