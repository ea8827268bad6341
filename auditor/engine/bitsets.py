"""Bitsets of SKUs, one row of 64-bit words per user: who holds what, packed, compared and spread out again."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from auditor.engine.outcome import Rows
from auditor.engine.texts import Flags

Words = npt.NDArray[np.uint64]

_AT_ONCE = 1 << 19
"""Bytes of flags that are packed at a time: they stay in the processor's cache."""


def words_for(bits: int) -> int:
    """Return how many 64-bit words hold that many bits."""
    return max(1, (bits + 63) // 64)


def pack(flags: Flags) -> Words:
    """Turn flags per SKU into a bitset."""
    padded = np.zeros(words_for(len(flags)) * 64, dtype=np.uint8)
    padded[: len(flags)] = flags
    return np.packbits(padded, bitorder="little").view(np.uint64)


def gather(owners: Rows, skus: Rows, *, users: int, size: int) -> Words:
    """Collect (row, SKU place) pairs, rows ascending, into a bitset of `size` SKUs for each user; pairs may repeat."""
    width = (size + 7) // 8 * 8
    found = np.zeros((users, words_for(size) * 8), dtype=np.uint8)
    if width and len(owners):
        places = owners * width + skus
        step = max(1, _AT_ONCE // width)
        ends = np.searchsorted(owners, np.arange(0, users + step, step))
        for number in range(len(ends) - 1):
            start = number * step
            grid = np.zeros(min(step, users - start) * width, dtype=np.uint8)
            grid[places[ends[number] : ends[number + 1]] - start * width] = 1
            packed = np.packbits(grid, bitorder="little").reshape(-1, width // 8)
            found[start : start + len(packed), : width // 8] = packed
    return found.view(np.uint64)


def within(held: Words, products: Flags) -> Words:
    """Keep of each bitset the SKUs that are flagged."""
    mask = pack(products)
    return held & mask


def some(held: Words) -> Flags:
    """Tell which bitsets are not empty."""
    return np.asarray(held[:, 0] != 0 if held.shape[1] == 1 else held.any(axis=1))


def meets(held: Words, products: Flags) -> Flags:
    """Tell whose bitset has a bit in common with the products."""
    if not products.any():
        return np.zeros(len(held), dtype=bool)
    return some(held & pack(products))


def pairs(held: Words, products: Flags, who: Flags) -> tuple[Rows, Rows]:
    """List which of the products the chosen users hold as (row, SKU place) pairs, by row and then by place."""
    listed = np.flatnonzero(products)
    if not len(listed):
        return _NONE, _NONE
    if len(listed) == 1:
        (sku,) = listed.tolist()
        rows = np.flatnonzero(who & holders(held, sku))
        return rows, np.full(len(rows), sku, dtype=np.int64)
    kept = held & pack(products)
    rows = np.flatnonzero(who & some(kept))
    if not len(rows):
        return _NONE, _NONE
    words = kept.shape[1]
    # Arrow lists the set bits of a bitmap, and rows of words are one.
    bits = pa.Array.from_buffers(pa.bool_(), len(rows) * words * 64, [None, pa.py_buffer(kept[rows])])
    places = pc.indices_nonzero(bits).to_numpy().view(np.int64)
    if words == 1:
        return rows[places >> 6], places & 63
    owners = (places >> 6) // words
    return rows[owners], places - owners * (words * 64)


_NONE = np.zeros(0, dtype=np.int64)


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


def patterns(held: Words, rows: Rows) -> tuple[Rows, list[Rows]]:
    """Group rows by equal bitsets: (the pattern of each row, SKU places of each pattern)."""
    chosen = held[rows]
    if held.shape[1] == 1:
        unique, inverse = np.unique(chosen[:, 0], return_inverse=True)
        distinct = unique.reshape(-1, 1)
    else:
        distinct, inverse = np.unique(chosen, axis=0, return_inverse=True)
    bits = np.unpackbits(np.ascontiguousarray(distinct).view(np.uint8), axis=1, bitorder="little")
    return inverse.reshape(-1), [np.flatnonzero(row) for row in bits]
