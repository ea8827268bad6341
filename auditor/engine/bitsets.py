"""Bitsets of SKUs, one row of 64-bit words per user: who holds what, spread out into pairs again."""

import numpy as np

from auditor.engine.outcome import Rows
from auditor.engine.people import Words, pack
from auditor.engine.texts import Flags


def within(held: Words, products: Flags) -> Words:
    """Keep of each bitset the SKUs that are flagged."""
    kept: Words = held & pack(products)
    return kept


def some(held: Words) -> Flags:
    """Tell which bitsets are not empty."""
    return np.asarray(held[:, 0] != 0 if held.shape[1] == 1 else held.any(axis=1))


def pairs(held: Words, who: Flags) -> tuple[Rows, Rows]:
    """Spread the bitsets of the chosen users into (row, SKU place) pairs, by row and then by place."""
    rows = np.nonzero(who & some(held))[0]
    if not len(rows):
        empty = np.zeros(0, dtype=np.int64)
        return empty, empty
    octets = np.ascontiguousarray(held[rows]).view(np.uint8)
    used = np.bitwise_or.reduce(octets, axis=0).nonzero()[0]
    found = np.flatnonzero(np.unpackbits(octets[:, used], axis=1, bitorder="little"))
    who, bit = np.divmod(found, len(used) * 8)
    return rows[who], used[bit >> 3] * 8 + (bit & 7)


def several(held: Words) -> Flags:
    """Tell which bitsets hold two SKUs or more."""
    # A word with its lowest bit cleared is not empty when it had two; two words that are not empty do as well.
    lower = held & (held - np.uint64(1))
    return np.asarray((lower != 0).any(axis=1) | ((held != 0).sum(axis=1) > 1))


def patterns(held: Words, who: Flags) -> tuple[Rows, Rows, list[Rows]]:
    """Group the chosen users by equal bitsets: (rows, pattern of each row, SKU places of each pattern)."""
    rows = np.nonzero(who)[0]
    if held.shape[1] == 1:
        unique, inverse = np.unique(held[rows, 0], return_inverse=True)
        distinct = unique.reshape(-1, 1)
    else:
        distinct, inverse = np.unique(held[rows], axis=0, return_inverse=True)
    bits = np.unpackbits(np.ascontiguousarray(distinct).view(np.uint8), axis=1, bitorder="little")
    return rows, inverse.reshape(-1), [np.nonzero(row)[0] for row in bits]
