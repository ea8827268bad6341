"""Converts texts to Arrow columns and back, and compares dictionary-encoded columns."""

from collections.abc import Sequence
from sys import intern
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from auditor.arrays.columns import Flags, codes_of
from auditor.arrays.rows import Rows, arrow_rows


def texts(values: Sequence[str | None]) -> pa.StringArray:
    """Return texts as a column, including lone surrogates, which have no UTF-8 encoding."""
    try:
        return pa.array(values, pa.string())
    except (UnicodeEncodeError, pa.ArrowInvalid):
        encoded = [None if value is None else value.encode("utf-8", "surrogatepass") for value in values]
        return pa.array(encoded, pa.binary()).view(pa.string())


def values_of(column: pa.Array) -> list[Any]:
    """Return the texts of a column."""
    if pa.types.is_dictionary(column.type):
        # Interned, because findings that are kept repeat the values of every batch.
        if len(column) < len(column.dictionary):
            return [None if value is None else intern(value) for value in values_of(column.dictionary_decode())]
        values = [*map(intern, values_of(column.dictionary)), None]
        return [values[code] for code in codes(column).tolist()]
    try:
        return column.to_pylist()  # type: ignore[no-any-return]
    except UnicodeDecodeError:
        encoded = column.view(pa.binary()).to_pylist()
        return [None if value is None else value.decode("utf-8", "surrogatepass") for value in encoded]


def offsets_of(column: pa.StringArray) -> npt.NDArray[np.int32]:
    """Return the byte offset of each value in the data buffer of a column, followed by the end of the last value."""
    buffer = column.buffers()[1]
    if buffer is None or not len(column):
        return np.zeros(1, dtype=np.int32)
    return np.frombuffer(buffer, dtype=np.int32)[column.offset : column.offset + len(column) + 1]


def utf8_of(column: pa.StringArray) -> npt.NDArray[np.uint8]:
    """Return the bytes of all texts of a column, one after the other."""
    data, offsets = column.buffers()[2], offsets_of(column)
    return np.frombuffer(data or b"", dtype=np.uint8)[offsets[0] : offsets[-1]]


def dictionary_column(values: Sequence[str | None], rows: Rows) -> pa.DictionaryArray:
    """Return a dictionary-encoded column whose rows have the values with these indices."""
    distinct = texts(values).dictionary_encode()
    return pa.DictionaryArray.from_arrays(distinct.indices.take(arrow_rows(rows)), distinct.dictionary)


def distinct_texts(texts: Sequence[str]) -> tuple[tuple[str, ...], Rows]:
    """Return the distinct texts in ascending order, and the index of each text among them."""
    values = tuple(sorted(set(texts)))
    index_of = {value: index for index, value in enumerate(values)}
    return values, np.array([index_of[text] for text in texts], dtype=np.int64)


def equal(column: pa.DictionaryArray, value: str) -> Flags:
    """Return flags of the rows of a dictionary-encoded column that have a value."""
    return np.array([entry == value for entry in [*values_of(column.dictionary), None]], dtype=bool)[codes(column)]


def constant(value: str | None, count: int) -> pa.DictionaryArray:
    """Return a column with the same value in every row."""
    return dictionary_column([value], np.zeros(count, dtype=np.int64))


def codes(column: pa.DictionaryArray) -> Rows:
    """Return the dictionary index of each row's value; null is the length of the dictionary."""
    return codes_of(column, absent=len(column.dictionary)).astype(np.int64)
