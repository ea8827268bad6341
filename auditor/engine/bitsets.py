"""Bitsets of SKUs, one row of 64-bit words per user: who holds what, packed, compared and spread out again."""

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from auditor.engine.outcome import Rows
from auditor.engine.texts import Flags

Words = npt.NDArray[np.uint64]
_Number = TypeVar("_Number", bound=np.integer[Any])

_AT_ONCE = 1 << 18
"""Bytes of flags that are packed at a time: they stay in the processor's cache."""
_LOWER = 0x7F
_NONE: Rows = np.zeros(0, dtype=np.int64)


def words_for(bits: int) -> int:
    """Return how many 64-bit words hold that many bits."""
    return max(1, (bits + 63) // 64)


def pack(flags: Flags) -> Words:
    """Turn flags per SKU into a bitset."""
    padded = np.zeros(words_for(len(flags)) * 64, dtype=np.uint8)
    padded[: len(flags)] = flags
    return np.packbits(padded, bitorder="little").view(np.uint64)


@dataclass(frozen=True, slots=True, eq=False)
class Products:
    """Some SKUs to look for in bitsets, packed once for all who are looked through."""

    words: Words
    places: tuple[int, ...]

    @classmethod
    def of(cls, flags: Flags) -> "Products":
        """Pack flags per SKU."""
        return cls(pack(flags), tuple(np.flatnonzero(flags).tolist()))


def gather(starts: Rows, skus: Rows, kinds: npt.NDArray[np.uint8], size: int) -> tuple[list[Words], Rows]:
    """Collect what users have into bitsets of `size` SKUs, one for each of the lower seven bits of a kind.

    `starts` tells where the SKUs of each user begin and where the last one's end; `kinds` is what an entry counts for,
    its highest bit always set. Also returned is who has more entries than SKUs, and so one SKU several times.
    """
    users, width = len(starts) - 1, (size + 7) // 8 * 8
    planes = int(np.bitwise_or.reduce(kinds, initial=0) & _LOWER).bit_length()
    found = [np.zeros((users, words_for(size) * 8), dtype=np.uint8) for _ in range(planes)]
    repeated: list[Rows] = []
    step = max(1, _AT_ONCE // max(1, width))
    for start in range(0, users, step) if len(skus) else ():
        own = starts[start : start + step + 1]
        sizes, entries = np.diff(own), slice(own[0], own[-1])
        places = np.repeat(np.arange(len(sizes)) * width, sizes) + skus[entries]
        grid = np.zeros(len(sizes) * width, dtype=np.uint8)
        grid[places] = kinds[entries]
        different = np.bitwise_count(np.packbits(grid).reshape(len(sizes), -1)).sum(axis=1)
        doubled = np.flatnonzero(different < sizes)
        if len(doubled):
            again = spread(own - own[0], doubled)
            np.bitwise_or.at(grid, places[again], kinds[entries][again])
            repeated.append(doubled + start)
        for plane in range(planes):
            packed = np.packbits(grid & np.uint8(1 << plane), bitorder="little").reshape(len(sizes), -1)
            found[plane][start : start + len(sizes), : width // 8] = packed
    return [words.view(np.uint64) for words in found], np.concatenate([_NONE, *repeated])


def spread(starts: Rows, rows: Rows) -> Rows:
    """Return the places of the entries of some rows, in their order."""
    begin = starts[rows]
    sizes = starts[rows + 1] - begin
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


def within(held: Words, products: Products) -> Words:
    """Keep of each bitset some SKUs."""
    return held & products.words


def some(held: Words) -> Flags:
    """Tell which bitsets are not empty."""
    return np.asarray(held[:, 0] != 0 if held.shape[1] == 1 else held.any(axis=1))


def meets(held: Words, products: Flags | Products) -> Flags:
    """Tell whose bitset has a bit in common with the products."""
    wanted = products if isinstance(products, Products) else Products.of(products)
    if not wanted.places:
        return np.zeros(len(held), dtype=bool)
    return some(held & wanted.words)


def pairs(held: Words, products: Flags | Products, who: Flags) -> tuple[Rows, Rows]:
    """List which of the products the chosen users hold as (row, SKU place) pairs, by row and then by place."""
    wanted = products if isinstance(products, Products) else Products.of(products)
    if not wanted.places:
        return _NONE, _NONE
    if len(wanted.places) == 1:
        (sku,) = wanted.places
        rows = np.flatnonzero(who & holders(held, sku))
        return rows, np.full(len(rows), sku, dtype=np.int64)
    kept = held & wanted.words
    rows = np.flatnonzero(who & some(kept))
    if not len(rows):
        return _NONE, _NONE
    words = kept.shape[1]
    # Arrow lists the set bits of a bitmap, and rows of words are one.
    bitmap = pa.py_buffer(kept.take(rows, axis=0))
    bits = pa.Array.from_buffers(pa.bool_(), len(rows) * words * 64, [None, bitmap])
    places = pc.indices_nonzero(bits).to_numpy().view(np.int64)
    if words == 1:
        return rows[places >> 6], places & 63
    owners = (places >> 6) // words
    return rows[owners], places - owners * (words * 64)


def holders(held: Words, sku: int) -> Flags:
    """Tell who holds one SKU."""
    return np.asarray((held[:, sku >> 6] & np.uint64(1 << (sku & 63))) != 0)


def several(held: Words) -> Flags:
    """Tell which bitsets hold two SKUs or more."""
    return np.asarray(counts(held) > 1)


def counts(held: Words) -> npt.NDArray[np.integer]:
    """Tell how many SKUs each bitset holds."""
    found = np.bitwise_count(held)
    return np.asarray(found[:, 0] if held.shape[1] == 1 else found.sum(axis=1))


_FEW = 256
"""Rows up to which Python groups them before NumPy has begun."""


def patterns(held: Words, rows: Rows) -> tuple[Rows, Words]:
    """Group rows by equal bitsets: (the pattern of each row, the patterns)."""
    chosen = held[rows]
    if held.shape[1] == 1 and len(rows) <= _FEW:
        places: dict[int, int] = {}
        own = [places.setdefault(bits, len(places)) for bits in chosen[:, 0].tolist()]
        return np.array(own, dtype=np.int64), np.array(list(places), dtype=np.uint64).reshape(-1, 1)
    if held.shape[1] == 1:
        unique, inverse = np.unique(chosen[:, 0], return_inverse=True)
        return inverse, unique.reshape(-1, 1)
    distinct, inverse = np.unique(chosen, axis=0, return_inverse=True)
    return inverse.reshape(-1), distinct


def listed(held: Words) -> list[Rows]:
    """List the SKU places of each bitset."""
    bits = np.unpackbits(np.ascontiguousarray(held).view(np.uint8), axis=1, bitorder="little")
    return [np.flatnonzero(row) for row in bits]
