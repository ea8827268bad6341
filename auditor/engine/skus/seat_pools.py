"""Pools of seats to which some SKUs may or may not belong: whether any combination breaks a bound."""

from collections.abc import Iterable, Sequence

from auditor.domain.policy.model import Bound, Seats
from auditor.engine.skus.seat_bounds import share_excess
from auditor.engine.tenant_facts import SkuFact

_MAX_SUMS = 4096
"""The maximum number of sums that are tried if a bound has both a number and a share of seats.

Beyond that, a breach is assumed to be possible.
"""

_MAX_NAMES = 3
"""The maximum number of products in the name of a pool."""

_Pair = tuple[int, int]
"""The spare seats, and by how much they exceed the share of a bound, times a common factor."""


def possible_breach(block: Seats, included: Sequence[SkuFact], doubtful: Sequence[SkuFact]) -> bool:
    """Return whether the sum over `included` and any subset of `doubtful` may break a bound.

    An empty pool breaks none; a SKU without seat numbers may break any.
    """
    seats = [_seats(block, sku) for sku in (*included, *doubtful)]
    pairs = [pair for pair in seats if pair is not None]
    if len(pairs) < len(seats):
        return True
    certain, possible = pairs[: len(included)], pairs[len(included) :]
    least = _extreme((usable - consumed for usable, consumed in certain), (u - c for u, c in possible), sign=-1)
    if least < (block.minimum.seats if block.minimum is not None else 0):
        return True
    if block.minimum is not None:
        excess = [_excess(block.minimum, pair)[1] for pair in pairs]
        if _extreme(excess[: len(certain)], excess[len(certain) :], sign=-1) < 0:
            return True
    return block.maximum is not None and _may_exceed(
        block.maximum,
        [_excess(block.maximum, pair) for pair in certain],
        [_excess(block.maximum, pair) for pair in possible],
    )


def _seats(block: Seats, sku: SkuFact) -> _Pair | None:
    """Return usable and consumed seats; None if Graph gave no numbers."""
    usable = block.usable(sku.enabled, sku.warning)
    return None if usable is None or sku.consumed is None else (usable, sku.consumed)


def _excess(bound: Bound, seats: _Pair) -> _Pair:
    usable, consumed = seats
    spare = usable - consumed
    return spare, share_excess(spare, usable, bound)


def _extreme(certain: Iterable[int], possible: Iterable[int], *, sign: int) -> int:
    """Return the least (sign -1) or greatest (sign 1) sum of all certain and any possible numbers, at least one."""
    fixed, free = list(certain), list(possible)
    beneficial = [number for number in free if number * sign > 0]
    if fixed or beneficial:
        return sum(fixed) + sum(beneficial)
    return sign * max(number * sign for number in free)


def _may_exceed(bound: Bound, certain: list[_Pair], possible: list[_Pair]) -> bool:
    """Return whether a sum may exceed both parts of an upper bound."""
    greatest = [_extreme((p[part] for p in certain), (p[part] for p in possible), sign=1) for part in (0, 1)]
    if greatest[0] <= bound.seats or greatest[1] <= 0:
        return False
    if bound.seats == 0 or bound.percent == 0:  # exceeding one part implies exceeding the other
        return True
    base = (sum(spare for spare, _ in certain), sum(share for _, share in certain))
    sums: set[_Pair] = {base}
    for spare, share in possible:
        sums |= {(total_spare + spare, total_share + share) for total_spare, total_share in sums}
        if len(sums) > _MAX_SUMS:
            return True
    return any(spare > bound.seats and share > 0 for spare, share in sums)


def pool_name(titles: Iterable[str], written: str) -> str:
    """Return the display name of a pool: the names of its first products, or the set as written if it has none."""
    names = list(dict.fromkeys(titles))
    return (", ".join(names[:_MAX_NAMES]) + (", …" if names[_MAX_NAMES:] else "")) or written


def purchased_units(skus: Iterable[SkuFact]) -> int | None:
    """Return the purchased units of SKUs: enabled, warning and suspended; None if Graph did not give a number."""
    total = 0
    for sku in skus:
        if sku.usable is None or sku.suspended is None:
            return None
        total += sku.usable + sku.suspended
    return total
