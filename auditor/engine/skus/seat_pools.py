"""Pools of seats that some SKUs may or may not belong to: whether any answer about those breaks a bound."""

from collections.abc import Iterable, Sequence

from auditor.domain.policy.model import Bound, Seats
from auditor.engine.tenant_facts import SkuFact

_MOST_SUMS = 4096
"""Sums that are tried one by one where a bound has a number and a share of seats; beyond that a breach is possible."""

_NAMED = 3
"""Products that the name of a pool lists."""

_Pair = tuple[int, int]
"""Spare seats, and by how much they exceed the share of a bound, times a common factor."""


def possible_breach(block: Seats, chosen: Sequence[SkuFact], doubtful: Sequence[SkuFact]) -> bool:
    """Tell whether the sum over `chosen` and some of `doubtful` may break a bound; a pool of nothing breaks none.

    A SKU without numbers may break any.
    """
    seats = [_seats(block, sku) for sku in (*chosen, *doubtful)]
    pairs = [pair for pair in seats if pair is not None]
    if len(pairs) < len(seats):
        return True
    sure, open_ = pairs[: len(chosen)], pairs[len(chosen) :]
    least = _extreme((usable - consumed for usable, consumed in sure), (u - c for u, c in open_), sign=-1)
    if least < (block.minimum.seats if block.minimum is not None else 0):
        return True
    if block.minimum is not None:
        beyond = [_beyond(block.minimum, pair)[1] for pair in pairs]
        if _extreme(beyond[: len(sure)], beyond[len(sure) :], sign=-1) < 0:
            return True
    return block.maximum is not None and _may_exceed(
        block.maximum, [_beyond(block.maximum, pair) for pair in sure], [_beyond(block.maximum, pair) for pair in open_]
    )


def _seats(block: Seats, sku: SkuFact) -> _Pair | None:
    """Return usable and consumed seats; None where Graph gave no numbers."""
    usable = block.usable(sku.enabled, sku.warning)
    return None if usable is None or sku.consumed is None else (usable, sku.consumed)


def _beyond(bound: Bound, seats: _Pair) -> _Pair:
    usable, consumed = seats
    spare = usable - consumed
    return spare, spare * 100 * bound.percent.denominator - bound.percent.numerator * usable


def _extreme(sure: Iterable[int], open_: Iterable[int], *, sign: int) -> int:
    """Return the least (sign -1) or greatest (sign 1) sum of all of some numbers and any of others, of one at least."""
    fixed, free = list(sure), list(open_)
    helping = [number for number in free if number * sign > 0]
    if fixed or helping:
        return sum(fixed) + sum(helping)
    return sign * max(number * sign for number in free)


def _may_exceed(bound: Bound, sure: list[_Pair], open_: list[_Pair]) -> bool:
    """Tell whether a sum may exceed both parts of an upper bound."""
    most = [_extreme((p[part] for p in sure), (p[part] for p in open_), sign=1) for part in (0, 1)]
    if most[0] <= bound.seats or most[1] <= 0:
        return False
    if bound.seats == 0 or bound.percent == 0:  # one part follows from the other
        return True
    base = (sum(spare for spare, _ in sure), sum(share for _, share in sure))
    sums: set[_Pair] = {base}
    for spare, share in open_:
        sums |= {(before + spare, other + share) for before, other in sums}
        if len(sums) > _MOST_SUMS:
            return True
    return any(spare > bound.seats and share > 0 for spare, share in sums)


def pool_name(titles: Iterable[str], written: str) -> str:
    """Return what people call a pool: the names of its first products; the words of the policy where it has none."""
    names = list(dict.fromkeys(titles))
    return (", ".join(names[:_NAMED]) + (", …" if names[_NAMED:] else "")) or written


def purchased_units(skus: Iterable[SkuFact]) -> int | None:
    """Return the units bought of some SKUs: enabled, warning and suspended; None where Graph did not give one."""
    total = 0
    for sku in skus:
        if sku.usable is None or sku.suspended is None:
            return None
        total += sku.usable + sku.suspended
    return total
