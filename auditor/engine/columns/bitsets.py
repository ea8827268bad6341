"""Bitsets of SKUs, a row of words per user: who holds what, packed, compared and spread out again."""

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from msgspec import Struct

from auditor.engine.columns.strings import Flags
from auditor.engine.outcome import Rows

BitRows = npt.NDArray[np.unsignedinteger[Any]]
"""A row per user; its words are of 32 bits where one of those is enough, since fewer bytes are compared faster."""
_Number = TypeVar("_Number", bound=np.integer[Any])

_NARROW = 32
_WIDE = 64
_NONE: Rows = np.zeros(0, dtype=np.int64)


def width_of(words: BitRows) -> int:
    """Return how many bits a word has."""
    return words.itemsize * 8


def blank(users: int, bits: int) -> BitRows:
    """Return empty bitsets of so many bits."""
    if bits <= _NARROW:
        return np.zeros((users, 1), dtype=np.uint32)
    return np.zeros((users, (bits + _WIDE - 1) // _WIDE), dtype=np.uint64)


def pack(flags: Flags) -> BitRows:
    """Turn flags per SKU into a bitset."""
    words = blank(1, len(flags))
    packed = np.packbits(flags, bitorder="little")
    words.view(np.uint8)[0, : len(packed)] = packed
    return words.reshape(-1)


class Products(Struct, frozen=True, eq=False):
    """Some SKUs to look for in bitsets, packed once for all who are looked through."""

    words: BitRows
    places: tuple[int, ...]

    @classmethod
    def of(cls, flags: Flags) -> "Products":
        """Pack flags per SKU."""
        return cls(pack(flags), tuple(np.flatnonzero(flags).tolist()))


class HoldingsCollector:
    """The SKUs of all users, one after the other, to be collected into bitsets.

    `starts` shows where the SKUs of each user begin and where the last one's end, `size` how many SKUs there are.
    """

    def __init__(self, starts: Rows, skus: Rows, size: int) -> None:
        self._starts = starts
        users = len(starts) - 1
        self._empty = blank(users, size)
        masks = blank(size, size)
        places, width = np.arange(size), width_of(masks)
        masks[places, places // width] = masks.dtype.type(1) << (places % width).astype(masks.dtype)
        self._bits = [masks[:, word].take(skus) for word in range(masks.shape[1])]
        # A SKU that somebody has twice cancels itself out.
        once = self._folded(self._bits)
        self.doubled: Rows = np.flatnonzero(counts(once) != np.diff(starts))
        """Who has more entries than SKUs, and so one SKU several times."""
        self._again = spread(starts, self.doubled)
        sizes = np.diff(starts)[self.doubled]
        self._begin = np.cumsum(sizes) - sizes

    def where(self, flags: Flags) -> BitRows:
        """Collect the SKUs that are flagged, an entry each."""
        bits = [own * flags for own in self._bits]
        flagged = self._folded(bits)
        if len(self.doubled):
            for word, own in enumerate(bits):
                flagged[self.doubled, word] = np.bitwise_or.reduceat(own.take(self._again), self._begin)
        return flagged

    def _folded(self, bits: Sequence[BitRows]) -> BitRows:
        """Fold the bits of each user by exclusive or: one walk over all entries, and the difference of two places."""
        folded = np.empty_like(self._empty)
        for word, own in enumerate(bits):
            walked = np.zeros(len(own) + 1, dtype=own.dtype)
            np.bitwise_xor.accumulate(own, out=walked[1:])
            ends = walked.take(self._starts)
            np.bitwise_xor(ends[1:], ends[:-1], out=folded[:, word])
        return folded


def spread(starts: Rows, rows: Rows) -> Rows:
    """Return the places of the entries of some rows, in their order."""
    begin = starts[rows]
    return runs(begin, starts[rows + 1] - begin)


def runs(begin: Rows, sizes: Rows) -> Rows:
    """Return the places of so many entries on end, behind each of some beginnings."""
    places: Rows = np.arange(sizes.sum()) + np.repeat(begin - np.cumsum(sizes) + sizes, sizes)
    return places


def distinct(numbers: npt.NDArray[_Number]) -> npt.NDArray[_Number]:
    """Return every number once, in ascending order."""
    # Not np.unique: of plain numbers it imports numpy.ma, for which a small audit would wait.
    ordered = np.sort(numbers)
    first = np.ones(len(ordered), dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=first[1:])
    return ordered[first]


def indices(rows: Rows) -> pa.Array:
    """Return rows as Arrow takes them."""
    # Not pa.array, which imports numpy.ma to see whether any are masked.
    return pa.Array.from_buffers(pa.int64(), len(rows), [None, pa.py_buffer(rows.astype(np.int64))])


def rows_of(held: BitRows, rows: Rows) -> BitRows:
    """Return the bitsets of some users."""
    # NumPy picks numbers quicker than rows of one number.
    return held[:, 0][rows].reshape(-1, 1) if held.shape[1] == 1 else held[rows]


def within(held: BitRows, products: Products) -> BitRows:
    """Keep of each bitset some SKUs."""
    return held & products.words


def some(held: BitRows) -> Flags:
    """Tell which bitsets are not empty."""
    return np.asarray(held[:, 0] != 0 if held.shape[1] == 1 else held.any(axis=1))


def meets(held: BitRows, products: Flags | Products) -> Flags:
    """Tell whose bitset has a bit in common with the products."""
    wanted = products if isinstance(products, Products) else Products.of(products)
    if not wanted.places:
        return np.zeros(len(held), dtype=bool)
    return some(held & wanted.words)


def pairs(held: BitRows, products: Flags | Products, who: Flags) -> tuple[Rows, Rows]:
    """List which of the products the chosen users hold as (row, SKU place) pairs, by row and then by place."""
    wanted = products if isinstance(products, Products) else Products.of(products)
    if not wanted.places:
        return _NONE, _NONE
    if len(wanted.places) == 1:
        (sku,) = wanted.places
        rows = np.flatnonzero(who & holders(held, sku))
        return rows, np.full(len(rows), sku, dtype=np.int64)
    rows = np.flatnonzero(who & some(held & wanted.words))
    if not len(rows):
        return _NONE, _NONE
    owners, skus = _bits(rows_of(held, rows) & wanted.words)
    return (rows if len(owners) == len(rows) else rows[owners]), skus


def _bits(held: BitRows) -> tuple[Rows, Rows]:
    """List the bits of bitsets, none of which is empty: whose, and which, by row and then by place."""
    if held.nbytes <= _AT_ONCE:
        bits = np.unpackbits(np.ascontiguousarray(held).view(np.uint8), axis=1, bitorder="little")
        owners, skus = np.nonzero(bits.view(bool))
        return owners, skus
    remaining, words, width = held.reshape(-1), held.shape[1], width_of(held)
    full = _NONE
    if words > 1:
        full = np.flatnonzero(remaining != 0)
        remaining = remaining[full]
    sizes = np.bitwise_count(remaining)
    ends = np.cumsum(sizes, dtype=np.int64)
    owners, skus = np.zeros(ends[-1], dtype=np.int64), np.empty(ends[-1], dtype=np.int64)
    owners[ends[:-1]] = 1
    np.cumsum(owners, out=owners)
    # The lowest bit of every word, then the next one of those that have more.
    places = ends - sizes
    while len(remaining):
        below = remaining - 1
        skus[places] = np.bitwise_count(~remaining & below)
        remaining = remaining & below
        more = np.flatnonzero(remaining != 0)
        remaining, places = remaining[more], places[more] + 1
    if words > 1:
        owners = full[owners]
        skus += owners % words * width
        owners //= words
    return owners, skus


_AT_ONCE = 2048
"""Bytes of bitsets up to which all their bits are spread out before they are walked bit by bit."""


def holders(held: BitRows, sku: int) -> Flags:
    """Tell who holds one SKU."""
    word, bit = divmod(sku, width_of(held))
    return np.asarray((held[:, word] & held.dtype.type(1 << bit)) != 0)


def several(held: BitRows) -> Flags:
    """Tell which bitsets hold two SKUs or more."""
    return np.asarray(counts(held) > 1)


def counts(held: BitRows) -> npt.NDArray[np.integer]:
    """Tell how many SKUs each bitset holds."""
    bit_counts = np.bitwise_count(held)
    return np.asarray(bit_counts[:, 0] if held.shape[1] == 1 else bit_counts.sum(axis=1))


_FEW = 256
"""Rows up to which Python groups them before NumPy has begun."""


def patterns(held: BitRows, rows: Rows) -> tuple[Rows, BitRows]:
    """Group rows by equal bitsets: (the pattern of each row, the patterns)."""
    chosen = rows_of(held, rows)
    if held.shape[1] == 1 and len(rows) <= _FEW:
        places: dict[int, int] = {}
        own = [places.setdefault(bits, len(places)) for bits in chosen[:, 0].tolist()]
        return np.array(own, dtype=np.int64), np.array(list(places), dtype=held.dtype).reshape(-1, 1)
    if held.shape[1] == 1:
        unique, inverse = np.unique(chosen[:, 0], return_inverse=True)
        return inverse, unique.reshape(-1, 1)
    distinct, inverse = np.unique(chosen, axis=0, return_inverse=True)
    return inverse.reshape(-1), distinct


def listed(held: BitRows) -> list[Rows]:
    """List the SKU places of each bitset."""
    bits = np.unpackbits(np.ascontiguousarray(held).view(np.uint8), axis=1, bitorder="little")
    return [np.flatnonzero(row) for row in bits]
