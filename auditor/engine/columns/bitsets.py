"""Bitsets of SKUs, with a row of words for each user: packing, comparing and unpacking."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from msgspec import Struct

from auditor.arrays.columns import Flags
from auditor.arrays.rows import Rows, entries_of_rows

BitRows = npt.NDArray[np.unsignedinteger[Any]]
"""One row per user. Words have 32 bits if one word is enough, else 64: fewer bytes are compared faster."""

_NARROW = 32
_WIDE = 64
_NONE: Rows = np.zeros(0, dtype=np.int64)


def width_of(words: BitRows) -> int:
    """Return the number of bits in a word."""
    return words.itemsize * 8


def empty_bitsets(users: int, bits: int) -> BitRows:
    """Return an empty bitset of at least `bits` bits for each user."""
    if bits <= _NARROW:
        return np.zeros((users, 1), dtype=np.uint32)
    return np.zeros((users, (bits + _WIDE - 1) // _WIDE), dtype=np.uint64)


def pack(flags: Flags) -> BitRows:
    """Turn flags per SKU into a bitset."""
    words = empty_bitsets(1, len(flags))
    packed = np.packbits(flags, bitorder="little")
    words.view(np.uint8)[0, : len(packed)] = packed
    return words.reshape(-1)


class SkuSet(Struct, frozen=True, eq=False):
    """A set of SKUs to look up in bitsets, packed once for all users."""

    words: BitRows
    indices: tuple[int, ...]

    @classmethod
    def of(cls, flags: Flags) -> "SkuSet":
        """Pack flags per SKU."""
        return cls(pack(flags), tuple(np.flatnonzero(flags).tolist()))


class HoldingsCollector:
    """Collects the concatenated SKU lists of all users into bitsets.

    `starts` has the offset of each user's first SKU, followed by the total length; `size` is the number of SKUs.
    """

    def __init__(self, starts: Rows, skus: Rows, size: int) -> None:
        self._starts = starts
        users = len(starts) - 1
        self._empty = empty_bitsets(users, size)
        masks = empty_bitsets(size, size)
        bits, width = np.arange(size), width_of(masks)
        masks[bits, bits // width] = masks.dtype.type(1) << (bits % width).astype(masks.dtype)
        self._bits = [masks[:, word].take(skus) for word in range(masks.shape[1])]
        # A SKU that a user has twice cancels itself out.
        folded = self._folded(self._bits)
        self.doubled: Rows = np.flatnonzero(counts(folded) != np.diff(starts))
        """Rows of the users who have at least one SKU several times."""
        self._doubled_entries = entries_of_rows(starts, self.doubled)
        sizes = np.diff(starts)[self.doubled]
        self._doubled_starts = np.cumsum(sizes) - sizes

    def where(self, flags: Flags) -> BitRows:
        """Return the bitset of each user's flagged entries."""
        flagged_bits = [bits * flags for bits in self._bits]
        bitsets = self._folded(flagged_bits)
        if len(self.doubled):
            for word, bits in enumerate(flagged_bits):
                bitsets[self.doubled, word] = np.bitwise_or.reduceat(
                    bits.take(self._doubled_entries), self._doubled_starts
                )
        return bitsets

    def _folded(self, words: Sequence[BitRows]) -> BitRows:
        """Combine the bits of each user by exclusive or, from a running XOR over all entries."""
        folded = np.empty_like(self._empty)
        for word, bits in enumerate(words):
            running = np.zeros(len(bits) + 1, dtype=bits.dtype)
            np.bitwise_xor.accumulate(bits, out=running[1:])
            ends = running.take(self._starts)
            np.bitwise_xor(ends[1:], ends[:-1], out=folded[:, word])
        return folded


def rows_of(held: BitRows, rows: Rows) -> BitRows:
    """Return the bitsets of the given rows."""
    # NumPy indexes a one-dimensional array faster than rows of one item.
    return held[:, 0][rows].reshape(-1, 1) if held.shape[1] == 1 else held[rows]


def non_empty(held: BitRows) -> Flags:
    """Return flags of the bitsets that are not empty."""
    return np.asarray(held[:, 0] != 0 if held.shape[1] == 1 else held.any(axis=1))


def intersects(held: BitRows, products: Flags | SkuSet) -> Flags:
    """Return flags of the bitsets that contain at least one of the products."""
    packed = products if isinstance(products, SkuSet) else SkuSet.of(products)
    if not packed.indices:
        return np.zeros(len(held), dtype=bool)
    return non_empty(held & packed.words)


def pairs(held: BitRows, products: Flags | SkuSet, users: Flags) -> tuple[Rows, Rows]:
    """Return the products that the flagged users hold as (row, SKU index) pairs, sorted by row and index."""
    packed = products if isinstance(products, SkuSet) else SkuSet.of(products)
    if not packed.indices:
        return _NONE, _NONE
    if len(packed.indices) == 1:
        (sku,) = packed.indices
        rows = np.flatnonzero(users & holders(held, sku))
        return rows, np.full(len(rows), sku, dtype=np.int64)
    rows = np.flatnonzero(users & non_empty(held & packed.words))
    if not len(rows):
        return _NONE, _NONE
    owners, skus = _bits(rows_of(held, rows) & packed.words)
    return (rows if len(owners) == len(rows) else rows[owners]), skus


def _bits(held: BitRows) -> tuple[Rows, Rows]:
    """Return the set bits as (row, bit index) pairs, sorted by row and index; no bitset may be empty."""
    if held.nbytes <= _UNPACK_LIMIT:
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
    # Take the lowest bit of every word, then the next one of the words that have more.
    positions = ends - sizes
    while len(remaining):
        below = remaining - 1
        skus[positions] = np.bitwise_count(~remaining & below)
        remaining = remaining & below
        unfinished = np.flatnonzero(remaining != 0)
        remaining, positions = remaining[unfinished], positions[unfinished] + 1
    if words > 1:
        owners = full[owners]
        skus += owners % words * width
        owners //= words
    return owners, skus


_UNPACK_LIMIT = 2048
"""Bytes of bitsets up to which unpacking all bits is used instead of iterating over the set bits."""


def holders(held: BitRows, sku: int) -> Flags:
    """Return flags of the bitsets that contain one SKU."""
    word, bit = divmod(sku, width_of(held))
    return np.asarray((held[:, word] & held.dtype.type(1 << bit)) != 0)


def has_multiple(held: BitRows) -> Flags:
    """Return flags of the bitsets that contain two or more SKUs."""
    return np.asarray(counts(held) > 1)


def counts(held: BitRows) -> npt.NDArray[np.integer]:
    """Return the number of SKUs in each bitset."""
    bit_counts = np.bitwise_count(held)
    return np.asarray(bit_counts[:, 0] if held.shape[1] == 1 else bit_counts.sum(axis=1))


_PYTHON_ROWS = 256
"""Number of rows up to which grouping them in Python is faster than NumPy."""


def patterns(held: BitRows, rows: Rows) -> tuple[Rows, BitRows]:
    """Group rows by equal bitsets; return the pattern index of each row, and the distinct patterns."""
    chosen = rows_of(held, rows)
    if held.shape[1] == 1 and len(rows) <= _PYTHON_ROWS:
        index_of: dict[int, int] = {}
        pattern_indices = [index_of.setdefault(bits, len(index_of)) for bits in chosen[:, 0].tolist()]
        return np.array(pattern_indices, dtype=np.int64), np.array(list(index_of), dtype=held.dtype).reshape(-1, 1)
    if held.shape[1] == 1:
        unique, inverse = np.unique(chosen[:, 0], return_inverse=True)
        return inverse, unique.reshape(-1, 1)
    distinct, inverse = np.unique(chosen, axis=0, return_inverse=True)
    return inverse.reshape(-1), distinct


def sku_indices(held: BitRows) -> list[Rows]:
    """Return the SKU indices in each bitset."""
    bits = np.unpackbits(np.ascontiguousarray(held).view(np.uint8), axis=1, bitorder="little")
    return [np.flatnonzero(row) for row in bits]
