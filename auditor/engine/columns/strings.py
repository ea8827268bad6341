"""Casefolded text columns, in which each distinct value is compared only once."""

import re
from collections.abc import Callable
from functools import lru_cache, reduce
from operator import or_

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from auditor.arrays.columns import Codes, Flags, codes_of, flags_of
from auditor.arrays.texts import offsets_of, utf8_of
from auditor.domain.syntax.globs import automaton, pattern_of

Test = Callable[[pa.Array], pa.Array]
"""Folded values → a boolean for each, null for an absent value."""

ALL_DIFFERENT = frozenset({"id", "userPrincipalName", "displayName", "mail"})
"""Columns whose values are nearly all different, so that finding the distinct ones would cost more than it saves."""


class FoldedColumn:
    """A text column, casefolded for comparison."""

    def __init__(self, values: pa.Array, codes: Codes | None, distinct_values: tuple[str | None, ...] = ()) -> None:
        self.values = values
        """The distinct values and null, or the values of all rows; the empty string is stored as null."""
        self.codes = codes
        """The index of each row's value; None if `values` has one value per row."""
        self._distinct_values = distinct_values
        """The distinct values, if there are few of them: tenants often have the same ones."""

    def where(self, test: Test) -> Flags:
        """Return flags of the rows whose value passes the test; the test decides about absent values too."""
        if self.codes is None:
            return flags_of(test(self.values))
        answers = (
            _cached_answers(test, self._distinct_values)
            if self._distinct_values
            else Answers.of(flags_of(test(self.values)))
        )
        return answers.of_rows(self.codes)

    def absent(self) -> Flags:
        """Return flags of the rows without a value: null, or the empty string."""
        return self.where(pc.is_null)

    def like(self, globs: tuple[str, ...]) -> Flags:
        """Return flags of the rows whose value matches at least one of the shell globs."""
        return reduce(or_, (self.where(glob_test(group)) for group in _groups(globs)))


_GROUP_SIZE = 64
_MAX_LENGTH = 64


@lru_cache(maxsize=256)
def _groups(globs: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    """Divide shell globs into groups: RE2 tests a text against all globs of a group in the time of one.

    A long glob, or one with wildcards inside, is a group of its own: an automaton for several of them has a state for
    each combination of their states.
    """
    simple = [
        glob for glob in globs if len(glob) <= _MAX_LENGTH and glob.count("*") <= 2 and not {"?", "["} & set(glob)
    ]
    others = [glob for glob in globs if glob not in simple]
    return (
        *(tuple(simple[index : index + _GROUP_SIZE]) for index in range(0, len(simple), _GROUP_SIZE)),
        *((glob,) for glob in others),
    )


def folded_column(column: pa.Array, *, distinct: bool, default: str | None = None) -> FoldedColumn:
    """Casefold a text column; `distinct` means that values repeat; `default` replaces absent values."""
    default = None if default is None else default.casefold()
    codes = None
    if distinct or pa.types.is_dictionary(column.type):
        coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        codes = codes_of(coded, absent=len(coded.dictionary))
        if len(coded.dictionary) <= _PYTHON_VALUES:
            folded = [text.casefold() if text else default for text in (*coded.dictionary.to_pylist(), None)]
            return FoldedColumn(None, codes, tuple(folded))
        values = pa.concat_arrays([fold(coded.dictionary.cast(pa.string())), pa.nulls(1, pa.string())])
    else:
        values = fold(column)
    offsets = offsets_of(values)
    if (offsets[1:] == offsets[:-1]).any():  # null values have equal offsets too
        values = pc.if_else(pc.equal(values, ""), None, values)
    if default is not None:
        values = pc.fill_null(values, default)
    return FoldedColumn(values, codes)


_PYTHON_VALUES = 256
"""Number of distinct values up to which casefolding them in Python is faster than with Arrow."""


@lru_cache(maxsize=256)
def _cached_answers(test: Test, values: tuple[str | None, ...]) -> "Answers":
    """Apply a test to values; tenants with the same values share the cached answers."""
    return Answers.of(flags_of(test(pa.array(values, pa.string()))))


class Answers(Struct, frozen=True):
    """A boolean for each distinct value, to be applied to the rows that have the value."""

    flags: Flags
    most: bool
    """The answer of most values."""
    rare: tuple[int, ...]
    """The codes of the values with the other answer."""

    @classmethod
    def of(cls, flags: Flags) -> "Answers":
        """Determine the answer of most values, and the exceptions."""
        most = bool(np.count_nonzero(flags) * 2 > len(flags))
        return cls(flags, most, tuple(np.flatnonzero(flags != most).tolist()))

    def of_rows(self, codes: Codes) -> Flags:
        """Return the flag of each row's code."""
        if len(self.rare) > _MAX_RARE:
            return np.asarray(self.flags.take(codes))
        # Comparing all rows with one code takes a fifteenth of the time of looking up the flag of every row.
        if not self.rare:
            return np.full(len(codes), self.most)
        flags = np.asarray(codes == self.rare[0])
        for code in self.rare[1:]:
            flags |= codes == code
        return ~flags if self.most else flags


def looked_up(flags: Flags, codes: Codes) -> Flags:
    """Return the flag of each row's code."""
    return Answers.of(flags).of_rows(codes)


_MAX_RARE = 10


def fold(column: pa.StringArray) -> pa.StringArray:
    """Casefold a text column like `str.casefold`: ASCII values with Arrow, the others one by one."""
    lowered = pc.ascii_lower(column)
    if utf8_of(column).max(initial=0) < _NON_ASCII:
        return lowered
    non_ascii = pc.fill_null(pc.invert(pc.string_is_ascii(column)), fill_value=False)
    replaced = pa.array([text.casefold() for text in column.filter(non_ascii).to_pylist()], pa.string())
    return pc.replace_with_mask(lowered, non_ascii, replaced)


def id_prefixes(column: pa.StringArray) -> npt.NDArray[np.uint64] | None:
    """Return the first eight bytes of each id in lower case, as a number; None if the ids cannot be searched by them.

    It is None if ids are shorter, differ in length or are not sorted. Prefixes have the order of their ids; different
    ids may have equal prefixes.
    """
    offsets = offsets_of(column)
    width = int(offsets[1] - offsets[0]) if len(offsets) > 1 else 0
    if width < _PREFIX_BYTES or (np.diff(offsets) != width).any():
        return None
    data = column.buffers()[2]
    first = np.ndarray(len(column), dtype=">u8", buffer=data, offset=int(offsets[0]), strides=(width,)).copy()
    letters = first.view(np.uint8)
    letters |= ((letters - _A) <= _Z - _A).view(np.uint8) << _CASE_BIT
    numbers = first.astype(np.uint64)
    return None if (numbers[1:] < numbers[:-1]).any() else numbers


_A, _Z = np.frombuffer(b"AZ", dtype=np.uint8)
_CASE_BIT = np.uint8(5)
"""The bit in which an upper-case ASCII letter differs from its lower-case letter."""
_PREFIX_BYTES = 8
_NON_ASCII = 0x80
"""The least byte of a character that is not ASCII."""


@lru_cache(maxsize=1024)
def one_of(values: tuple[str, ...]) -> Test:
    """Return a test whether a value is one of the texts, ignoring letter case."""
    casefolded = pa.array([value.casefold() for value in values], pa.string())
    return lambda column: pc.is_in(column, value_set=casefolded)


@lru_cache(maxsize=1024)
def glob_test(globs: tuple[str, ...]) -> Test:
    """Return a test whether folded values match one of some shell globs; simple globs need no regular expression."""
    if len(globs) > 1 or {"?", "["} & set(globs[0]):
        return _expression_test(globs)
    match re.split(r"\*+", globs[0].casefold()):
        case [literal]:
            return one_of((literal,))
        case [start, ""]:
            return lambda values: pc.starts_with(values, start)
        case ["", end]:
            return lambda values: pc.ends_with(values, end)
        case ["", middle, ""]:
            return lambda values: pc.match_substring(values, middle)
        case _:
            return _expression_test(globs)


def _expression_test(globs: tuple[str, ...]) -> Test:
    expression = automaton(globs)
    if expression is not None:
        return lambda values: pc.match_substring_regex(values, expression)
    patterns = [pattern_of(glob) for glob in globs]
    return lambda values: pa.array(
        [None if text is None else any(pattern.fullmatch(text) for pattern in patterns) for text in values.to_pylist()],
        pa.bool_(),
    )
