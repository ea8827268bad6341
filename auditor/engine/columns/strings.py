"""Text columns into folded values that are compared once each, however many people share them."""

import re
from collections.abc import Callable, Mapping
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct

from auditor.domain.syntax.globs import automaton, backtracking_free, pattern_of

Flags = npt.NDArray[np.bool_]
Codes = npt.NDArray[np.unsignedinteger]
"""Places in a list of values, in the smallest type that holds them: the fewer bytes, the faster they are compared."""
Test = Callable[[pa.Array], pa.Array]
"""Folded values → yes or no for each, null for an absent one."""

ALL_DIFFERENT = frozenset({"id", "userPrincipalName", "displayName", "mail"})
"""Columns in which nearly every row has a value of its own, so that counting them off would cost, not save."""


class FoldedColumn:
    """A text column, folded for comparison."""

    def __init__(self, values: pa.Array, codes: Codes | None, few: tuple[str | None, ...] = ()) -> None:
        self.values = values
        """Distinct values, null among them, or the values of all rows; the empty string is null, as it says no more."""
        self.codes = codes
        """Per row the place of its value; None where `values` stand row by row."""
        self._few = few
        """The distinct values where they are few: tenants often have the same ones."""

    def where(self, test: Test) -> Flags:
        """Tell in which rows the value passes the test; an absent one does where the test itself says so."""
        if self.codes is None:
            return flags_of(test(self.values))
        answers = _answered(test, self._few) if self._few else Answers.of(flags_of(test(self.values)))
        return answers.of_rows(self.codes)

    def absent(self) -> Flags:
        """Tell which rows have no value: null, or the empty string."""
        return self.where(pc.is_null)

    def like(self, globs: tuple[str, ...]) -> Flags:
        """Tell which rows have a value that matches one of some shell globs."""
        if self.codes is not None or len(self.values) > _MANY:
            return self._any(globs)
        sought = Globs.of(globs)
        flags = self._any(tuple(glob for glob in sought.loose if sought.inside[glob] in self._letters))
        for row in sought.begun(self._heads).tolist():
            text = self.values[row].as_py()
            flags[row] |= text is not None and sought.pattern.fullmatch(text) is not None
        return flags

    def _any(self, globs: tuple[str, ...]) -> Flags:
        flags = np.zeros(len(self.values) if self.codes is None else len(self.codes), dtype=bool)
        for glob in globs:
            flags |= self.where(globbed(glob))
        return flags

    @cached_property
    def _letters(self) -> bytes:
        """The values of all rows, one after the other."""
        ends, letters = _ends(self.values), self.values.buffers()[2]
        return b"" if letters is None else letters[ends[0] : ends[-1]].to_pybytes()

    @cached_property
    def _heads(self) -> npt.NDArray[np.uint64]:
        """How the values of all rows begin: their first eight bytes as a number, zero where there are fewer."""
        ends, padded = _ends(self.values), np.frombuffer(self._letters + bytes(_EIGHT), dtype=np.uint8)
        if not len(self.values):
            return np.zeros(0, dtype=np.uint64)
        heads = padded[(ends[:-1] - ends[0])[:, None] + np.arange(_EIGHT, dtype=np.int32)]
        return np.asarray(heads.view(">u8")[:, 0].astype(np.uint64))


_MANY = 2048
"""Rows from which on Arrow looks through all of them sooner than Python through those that begin as a glob does."""


class Globs(Struct, frozen=True):
    """Several shell globs, to be looked for at once."""

    loose: tuple[str, ...]
    """Those that begin with a wildcard."""
    inside: Mapping[str, bytes]
    """What the text of each of those has somewhere."""
    first: npt.NDArray[np.uint64]
    last: npt.NDArray[np.uint64]
    """The ranges of heads, which do not touch, in which all that the others match begins."""
    pattern: re.Pattern[str]
    """What the others match."""

    @classmethod
    @lru_cache(maxsize=256)
    def of(cls, globs: tuple[str, ...]) -> "Globs":
        """Sort globs by how they begin."""
        heads = {glob: re.split(r"[*?[]", glob.casefold(), maxsplit=1)[0] for glob in globs}
        headed = tuple(glob for glob in globs if heads[glob])
        loose = tuple(glob for glob in globs if not heads[glob])
        ranges: list[tuple[int, int]] = []
        for begin in sorted({heads[glob].encode("utf-8", "surrogatepass")[:_EIGHT] for glob in headed}):
            first, last = (int.from_bytes(begin.ljust(_EIGHT, fill), "big") for fill in (b"\0", b"\xff"))
            if not ranges or first > ranges[-1][1]:  # else it begins as the one before does
                ranges.append((first, last))
        return cls(
            loose=loose,
            # What stands in brackets is not looked for, nor what follows them.
            inside={glob: max(_plain(glob), key=len).encode("utf-8", "surrogatepass") for glob in loose},
            first=np.array([first for first, _ in ranges], dtype=np.uint64),
            last=np.array([last for _, last in ranges], dtype=np.uint64),
            pattern=re.compile("|".join(map(backtracking_free, headed))),
        )

    def begun(self, heads: npt.NDArray[np.uint64]) -> npt.NDArray[np.signedinteger]:
        """Return the rows whose heads are in one of the ranges."""
        if not len(self.first):
            return np.zeros(0, dtype=np.int64)
        place = np.searchsorted(self.first[1:], heads, side="right")
        return np.flatnonzero((heads >= self.first[place]) & (heads <= self.last[place]))


def _plain(glob: str) -> list[str]:
    """Return the letters of a glob between its wildcards, up to the first bracket."""
    return re.split(r"[*?]", glob.casefold().split("[", 1)[0])


def texts(column: pa.Array, *, distinct: bool, default: str | None = None) -> FoldedColumn:
    """Fold a text column; `distinct` says that values repeat, `default` what an absent value reads as."""
    default = None if default is None else default.casefold()
    codes = None
    if distinct or pa.types.is_dictionary(column.type):
        coded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
        codes = codes_of(coded, absent=len(coded.dictionary))
        if len(coded.dictionary) <= _HANDFUL:
            folded = [text.casefold() if text else default for text in (*coded.dictionary.to_pylist(), None)]
            return FoldedColumn(None, codes, tuple(folded))
        values = pa.concat_arrays([fold(coded.dictionary.cast(pa.string())), pa.nulls(1, pa.string())])
    else:
        values = fold(column)
    ends = _ends(values)
    if (ends[1:] == ends[:-1]).any():  # a value that is null looks like an empty one
        values = pc.if_else(pc.equal(values, ""), None, values)
    if default is not None:
        values = pc.fill_null(values, default)
    return FoldedColumn(values, codes)


_HANDFUL = 256
"""Values up to which Python folds them before Arrow has begun."""


@lru_cache(maxsize=4096)
def _answered(test: Test, values: tuple[str | None, ...]) -> "Answers":
    """Put few values to a test; tenants that share the values share the answers."""
    return Answers.of(flags_of(test(pa.array(values, pa.string()))))


def codes_of(column: pa.DictionaryArray, *, absent: int) -> Codes:
    """Return per row the place of its value in the dictionary, and `absent` for null."""
    indices = column.indices
    kind = np.min_scalar_type(max(len(column.dictionary) - 1, absent))
    if not indices.null_count:
        return np.asarray(indices.to_numpy().astype(kind, copy=False))
    # What stands in the place of a null is anything: it is overwritten.
    raw = np.frombuffer(indices.buffers()[1], dtype=indices.type.to_pandas_dtype())
    codes = raw[indices.offset : indices.offset + len(indices)].astype(kind)
    # All bits where there is no value, none elsewhere: that is quicker than to pick the rows out.
    gaps = np.negative((~valid(indices)).astype(kind))
    codes &= ~gaps
    codes |= gaps & kind.type(absent)
    return codes


class Answers(Struct, frozen=True):
    """A yes or no for each distinct value, which holds for the rows that have it."""

    flags: Flags
    most: bool
    rare: tuple[int, ...]
    """The values that say something else than most do."""

    @classmethod
    def of(cls, flags: Flags) -> "Answers":
        """Find what most values say."""
        most = bool(np.count_nonzero(flags) * 2 > len(flags))
        return cls(flags, most, tuple(np.flatnonzero(flags != most).tolist()))

    def of_rows(self, codes: Codes) -> Flags:
        """Return the flag of each row's code."""
        if len(self.rare) > _FEW:
            return np.asarray(self.flags.take(codes))
        # Comparing all rows with one value takes a fifteenth of looking them all up.
        if not self.rare:
            return np.full(len(codes), self.most)
        flags = np.asarray(codes == self.rare[0])
        for code in self.rare[1:]:
            flags |= codes == code
        return ~flags if self.most else flags


def looked_up(flags: Flags, codes: Codes) -> Flags:
    """Return the flag of each row's code."""
    return Answers.of(flags).of_rows(codes)


_FEW = 10


def flags_of(column: pa.BooleanArray) -> Flags:
    """Turn a boolean Arrow column into flags; null is no."""
    if not len(column):
        return np.zeros(0, dtype=bool)
    flags = _unpacked(column, 1)
    return flags & valid(column) if column.null_count else flags


def valid(column: pa.Array) -> Flags:
    """Tell which rows of a column have a value."""
    if not column.null_count:
        return np.ones(len(column), dtype=bool)
    # A dictionary may hold null itself, and a column of nulls has no bitmap.
    return _unpacked(column, 0) if column.buffers()[0] is not None else ~_unpacked(column.is_null(), 1)


def _unpacked(column: pa.Array, buffer: int) -> Flags:
    bits = np.frombuffer(column.buffers()[buffer], dtype=np.uint8)
    end = column.offset + len(column)
    return np.unpackbits(bits, count=end, bitorder="little")[column.offset :].view(bool)


def entries_of(column: pa.ListArray) -> tuple[npt.NDArray[np.int64], pa.Array]:
    """Return the entries of all lists, one after the other, behind the row that each belongs to."""
    if not len(column):
        return np.zeros(0, dtype=np.int64), column.flatten()
    ends = np.frombuffer(column.buffers()[1], dtype=np.int32)[column.offset :][: len(column) + 1]
    sizes = np.diff(ends)
    rows = np.flatnonzero(sizes != 0)
    listed = valid(column)[rows]
    # Arrow lets a list that is null have entries nonetheless.
    values = column.values.slice(ends[0], ends[-1] - ends[0]) if listed.all() else column.flatten()
    rows = rows[listed]
    return rows.repeat(sizes[rows]), values


def fold(column: pa.StringArray) -> pa.StringArray:
    """Casefold a text column as Python does: ASCII by Arrow, every other value by itself."""
    lowered = pc.ascii_lower(column)
    if _is_ascii(column):
        return lowered
    foreign = pc.fill_null(pc.invert(pc.string_is_ascii(column)), fill_value=False)
    replaced = pa.array([text.casefold() for text in column.filter(foreign).to_pylist()], pa.string())
    return pc.replace_with_mask(lowered, foreign, replaced)


def _is_ascii(column: pa.StringArray) -> bool:
    """Tell whether no value needs more than ASCII, by a look at all bytes at once."""
    ends, letters = _ends(column), column.buffers()[2]
    if letters is None:
        return True
    used = np.frombuffer(letters, dtype=np.int8)[ends[0] : ends[-1]]
    return bool(used.min(initial=0) >= 0)


def _ends(column: pa.StringArray) -> npt.NDArray[np.int32]:
    """Return where the values of a column begin among its bytes, and where the last one ends."""
    places = column.buffers()[1]
    if places is None or not len(column):
        return np.zeros(1, dtype=np.int32)
    return np.frombuffer(places, dtype=np.int32)[column.offset : column.offset + len(column) + 1]


def beginnings(column: pa.StringArray) -> npt.NDArray[np.uint64] | None:
    """Return the first eight bytes of each id in lower case, as a number; None where that is of no help.

    It is where ids differ in length or are out of order. Numbers ascend as their texts do, and may be equal where texts
    are not.
    """
    ends = _ends(column)
    width = int(ends[1] - ends[0]) if len(ends) > 1 else 0
    if width < _EIGHT or (np.diff(ends) != width).any():
        return None
    letters = column.buffers()[2]
    first = np.ndarray(len(column), dtype=">u8", buffer=letters, offset=int(ends[0]), strides=(width,)).copy()
    each = first.view(np.uint8)
    each |= ((each - _A) <= _Z - _A).view(np.uint8) << _CASE
    numbers = first.astype(np.uint64)
    return None if (numbers[1:] < numbers[:-1]).any() else numbers


_A, _Z = np.frombuffer(b"AZ", dtype=np.uint8)
_CASE = np.uint8(5)
"""The bit in which a capital of ASCII differs from its small letter."""
_EIGHT = 8


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
    if any(sign in text for sign in "?["):
        return _searched(glob)
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
            return _searched(glob)


def _searched(glob: str) -> Test:
    expression = automaton(glob)
    if expression is not None:
        return lambda values: pc.match_substring_regex(values, expression)
    matches = pattern_of(glob).fullmatch
    return lambda values: pa.array(
        [None if value is None else matches(value) is not None for value in values.to_pylist()], pa.bool_()
    )
