"""Text columns into folded values that are compared once each, however many people share them."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from auditor.engine.globs import expression_of

Flags = npt.NDArray[np.bool_]
Test = Callable[[pa.Array], pa.Array]
"""Folded values → yes or no for each, null for an absent one."""

ALL_DIFFERENT = frozenset({"id", "userPrincipalName", "displayName", "mail"})
"""Columns in which nearly every row has a value of its own, so that counting them off would cost, not save."""


@dataclass(frozen=True, slots=True)
class Texts:
    """A text column, folded for comparison."""

    values: pa.Array
    """Distinct values, null among them, or the values of all rows."""
    codes: npt.NDArray[np.int64] | None
    """Per row the place of its value; None where `values` stand row by row."""

    def where(self, test: Test) -> Flags:
        """Tell in which rows the value passes the test; an absent one does where the test itself says so."""
        answers = flags_of(pc.fill_null(test(self.values), fill_value=False))
        return answers if self.codes is None else answers[self.codes]

    def absent(self) -> Flags:
        """Tell which rows have no value: null, or the empty string."""
        return self.where(_nothing)


def texts(column: pa.Array, *, distinct: bool, default: str | None = None) -> Texts:
    """Fold a text column; `distinct` says that values repeat, `default` what an absent value reads as."""
    codes = None
    if distinct or pa.types.is_dictionary(column.type):
        coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        values = pa.concat_arrays([fold(coded.dictionary.cast(pa.string())), pa.nulls(1, pa.string())])
        codes = codes_of(coded, absent=len(values) - 1)
    else:
        values = fold(column)
    if default is not None:
        values = pc.fill_null(pc.if_else(pc.equal(values, _EMPTY), None, values), default.casefold())
    return Texts(values, codes)


def codes_of(column: pa.DictionaryArray, *, absent: int) -> npt.NDArray[np.int64]:
    """Return per row the place of its value in the dictionary, and `absent` for null."""
    indices = column.indices.cast(pa.int64())
    codes: npt.NDArray[np.int64] = (pc.fill_null(indices, absent) if indices.null_count else indices).to_numpy()
    return codes


def among(codes: pa.DictionaryArray, values: tuple[str, ...]) -> Flags:
    """Tell which rows of a dictionary column hold one of the values; null is none of them."""
    known = np.array([value in values for value in codes.dictionary.to_pylist()] + [False], dtype=bool)
    found: Flags = known[codes_of(codes, absent=len(known) - 1)]
    return found


def flags_of(column: pa.Array) -> Flags:
    """Turn a boolean Arrow column without nulls into flags."""
    flags: Flags = column.to_numpy(zero_copy_only=False)
    return flags.astype(bool, copy=False)


def fold(column: pa.Array) -> pa.Array:
    """Casefold a text column as Python does: ASCII by Arrow, every other value by itself."""
    lowered = pc.ascii_lower(column)
    foreign = pc.invert(pc.string_is_ascii(column))
    if not pc.any(foreign).as_py():
        return lowered
    replaced = pa.array(
        [text.casefold() for text in column.filter(pc.fill_null(foreign, fill_value=False)).to_pylist()], pa.string()
    )
    return pc.replace_with_mask(lowered, pc.fill_null(foreign, fill_value=False), replaced)


@lru_cache(maxsize=1024)
def one_of(values: tuple[str, ...]) -> Test:
    """Turn texts into a test for being one of them, letter case aside."""
    wanted = pa.array([value.casefold() for value in values], pa.string())
    return lambda column: pc.is_in(column, value_set=wanted)


@lru_cache(maxsize=1024)
def globbed(glob: str) -> Test:
    """Turn a shell glob into a test of folded values; the usual shapes need no regular expression."""
    text = re.sub(r"\*+", "*", glob.casefold())
    parts = text.split("*")
    expression = f"^{expression_of(glob)}$"
    if any(sign in text for sign in "?["):
        return lambda values: pc.match_substring_regex(values, expression)
    match parts:
        case [whole]:
            return one_of((whole,))
        case [start, ""]:
            return lambda values: pc.starts_with(values, start)
        case ["", end]:
            return lambda values: pc.ends_with(values, end)
        case ["", middle, ""]:
            return lambda values: pc.match_substring(values, middle)
        case _:
            return lambda values: pc.match_substring_regex(values, expression)


_EMPTY = pa.scalar("")
_TRUE = pa.scalar(value=True)


def _nothing(values: pa.Array) -> pa.Array:
    return pc.fill_null(pc.equal(values, _EMPTY), _TRUE)
