"""The footer of a Parquet file into what it tells of each column chunk.

Arrow ends the whole process for a chunk that contradicts its schema, so it is held against the schema before Arrow is
asked for it. The format is Thrift's compact protocol (parquet.thrift of apache/parquet-format).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

_BOOLEANS: Final = {1: True, 2: False}
_INTEGERS: Final = frozenset({4, 5, 6})
_BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 3, 7, 8, 9, 10, 12
_DEEPEST: Final = 16
_TYPES: Final = ("BOOLEAN", "INT32", "INT64", "INT96", "FLOAT", "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY")
_DICTIONARIES: Final = frozenset({2, 8})
"""PLAIN_DICTIONARY and RLE_DICTIONARY."""
_DELTA_BYTE_ARRAY: Final = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnChunk:
    """What a footer tells of one column of one row group."""

    path: str
    type: str
    values: int
    size: int
    """Bytes without compression."""
    coded: bool
    """Whether values are kept in a dictionary."""
    prefixed: bool
    """Whether values are told as the end of the one before."""
    definition_levels: int | None
    """Entries of the histogram of definition levels; None without one."""
    repetition_levels: int | None
    lengths: bool
    """Whether the length of all texts together is told."""


def row_groups(footer: bytes) -> list[list[ColumnChunk]]:
    """Return the column chunks of each row group of a footer; raises ValueError for one that is damaged."""
    try:
        document, _ = _struct(footer, 0, 0)
        groups = [[_chunk(column) for column in group[1]] for group in document[4]]
    except (IndexError, KeyError, TypeError, AttributeError) as error:
        raise ValueError("its footer is damaged") from error
    return groups


def _chunk(column: Mapping[int, Any]) -> ColumnChunk:
    told = column[3]
    if 8 in column or 9 in column:
        raise ValueError("it is encrypted")
    levels = told.get(16, {})
    kind = told[1]
    return ColumnChunk(
        path=".".join(name.decode() for name in told[3]),
        type=_TYPES[kind] if 0 <= kind < len(_TYPES) else "UNKNOWN",
        values=told[5],
        size=told[6],
        coded=not _DICTIONARIES.isdisjoint(told[2]),
        prefixed=_DELTA_BYTE_ARRAY in told[2],
        definition_levels=len(levels[3]) if 3 in levels else None,
        repetition_levels=len(levels[2]) if 2 in levels else None,
        lengths=1 in levels,
    )


def _struct(data: bytes, place: int, depth: int) -> tuple[dict[int, Any], int]:
    if depth > _DEEPEST:
        raise ValueError("its footer is nested too deep")
    found: dict[int, Any] = {}
    number = 0
    while True:
        head = data[place]
        place += 1
        if head == 0:
            return found, place
        kind = head & 15
        if head >> 4:
            number += head >> 4
        else:
            number, place = _integer(data, place)
        if kind in _BOOLEANS:
            found[number] = _BOOLEANS[kind]
        else:
            found[number], place = _value(data, place, kind, depth)


def _value(data: bytes, place: int, kind: int, depth: int) -> tuple[Any, int]:
    if kind in _INTEGERS:
        return _integer(data, place)
    if kind == _BINARY:
        size, place = _varint(data, place)
        if size > len(data) - place:
            raise ValueError("its footer is cut short")
        return data[place : place + size], place + size
    if kind == _STRUCT:
        return _struct(data, place, depth + 1)
    if kind in {_LIST, _SET}:
        return _list(data, place, depth)
    if kind == _BYTE or kind in _BOOLEANS:
        return data[place], place + 1
    if kind == _DOUBLE:
        return None, place + 8
    raise ValueError("its footer has a value of an unknown kind")


def _list(data: bytes, place: int, depth: int) -> tuple[list[Any], int]:
    head = data[place]
    size, place = (head >> 4, place + 1) if head >> 4 < 15 else _varint(data, place + 1)
    if size > len(data) - place:
        raise ValueError("its footer is cut short")
    found = []
    for _ in range(size):
        value, place = _value(data, place, head & 15, depth)
        found.append(value)
    return found, place


def _integer(data: bytes, place: int) -> tuple[int, int]:
    value, place = _varint(data, place)
    return (value >> 1) ^ -(value & 1), place


def _varint(data: bytes, place: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[place]
        place += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, place
        shift += 7
        if shift > 63:
            raise ValueError("its footer has a number of too many digits")
