"""Pools of seats to which some SKUs may or may not belong: which bounds every combination breaks, or some do."""

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from auditor.domain.policy.model import Bound, Seats
from auditor.engine.skus.seat_bounds import Breach, broken_bounds, share_excess
from auditor.engine.tenant_facts import SkuFact

MAX_SUMS = 4096
"""The maximum number of sums of a pool that are tried; beyond that, the least and greatest sums decide."""

_Pair = tuple[int, int]
"""Usable and consumed seats; or the spare seats, and by how much they exceed the share of a bound, times a factor."""


class PoolBreaches(Struct, frozen=True, kw_only=True):
    """How a pool to which some SKUs may or may not belong breaks the bounds of a policy."""

    certain: frozenset[Breach] = frozenset()
    """The breaches whichever of the possible SKUs belong to the pool."""
    undecided: bool = False
    """Whether another breach depends on which of the possible SKUs belong to it."""


def pool_breaches(block: Seats, included: Sequence[SkuFact], doubtful: Sequence[SkuFact]) -> PoolBreaches:
    """Return the breaches of the sum over `included` and any subset of `doubtful`.

    An empty pool breaks no bound; a SKU without seat numbers may break any.
    """
    seats = [_seats(block, sku) for sku in (*included, *doubtful)]
    pairs = [pair for pair in seats if pair is not None]
    if len(pairs) < len(seats):
        return PoolBreaches(undecided=True)
    certain, possible = pairs[: len(included)], pairs[len(included) :]
    sums = _sums(certain, possible)
    if sums is None:
        return _estimate(block, certain, possible)
    choices = [frozenset(breach for breach, _ in broken_bounds(*pair, block.minimum, block.maximum)) for pair in sums]
    if not certain:
        choices.append(frozenset())
    always, sometimes = frozenset.intersection(*choices), frozenset.union(*choices)
    return PoolBreaches(certain=always, undecided=always != sometimes)


def _seats(block: Seats, sku: SkuFact) -> _Pair | None:
    """Return usable and consumed seats; None if Graph gave no numbers."""
    usable = block.usable(sku.enabled, sku.warning)
    return None if usable is None or sku.consumed is None else (usable, sku.consumed)


def _sums(certain: Sequence[_Pair], possible: Sequence[_Pair]) -> set[_Pair] | None:
    """Return the sums of all certain and any possible seats, of at least one SKU; None if there are too many."""
    sums = {_total(certain)} if certain else set()
    for pair in possible:
        sums |= {_total((pair, other)) for other in sums} | (set() if certain else {pair})
        if len(sums) > MAX_SUMS:
            return None
    return sums


def _total(pairs: Iterable[_Pair]) -> _Pair:
    firsts, seconds = zip(*pairs, strict=True)
    return sum(firsts), sum(seconds)


def _estimate(block: Seats, certain: Sequence[_Pair], possible: Sequence[_Pair]) -> PoolBreaches:
    """Return the breaches by the least and greatest sums; a breach of both parts of a bound is undecided."""
    spare = _range(certain, possible, lambda usable, consumed: usable - consumed)
    always: set[Breach] = set()
    sometimes: set[Breach] = set()
    if spare[0] < 0:
        (always if spare[1] < 0 else sometimes).add(Breach.OVER_ASSIGNED)
    for bound, breach in ((block.minimum, Breach.BELOW_MINIMUM), (block.maximum, Breach.ABOVE_MAXIMUM)):
        if bound is None or spare[1] < 0:
            continue
        excess = _range(certain, possible, _excess_over(bound))
        (least, greatest), (least_excess, greatest_excess) = spare, excess
        if breach is Breach.BELOW_MINIMUM:
            sure = least >= 0 and (greatest < bound.seats or greatest_excess < 0)
            maybe = least < bound.seats or least_excess < 0
        else:
            sure = least > bound.seats and least_excess > 0
            maybe = greatest > bound.seats and greatest_excess > 0
        if sure or maybe:
            (always if sure else sometimes).add(breach)
    if not certain:
        always, sometimes = set(), always | sometimes
    return PoolBreaches(certain=frozenset(always), undecided=bool(sometimes))


def _excess_over(bound: Bound) -> Callable[[int, int], int]:
    return lambda usable, consumed: share_excess(usable - consumed, usable, bound)


def _range(certain: Sequence[_Pair], possible: Sequence[_Pair], number: Callable[[int, int], int]) -> _Pair:
    """Return the least and greatest sum of a number over all certain and any possible seats, of at least one SKU."""
    fixed, free = [number(*pair) for pair in certain], [number(*pair) for pair in possible]
    below, above = sum(value for value in free if value < 0), sum(value for value in free if value > 0)
    if fixed:
        return sum(fixed) + below, sum(fixed) + above
    return below or min(free), above or max(free)


def purchased_units(skus: Iterable[SkuFact]) -> int | None:
    """Return the purchased units of SKUs: enabled, warning and suspended; None if Graph did not give a number."""
    total = 0
    for sku in skus:
        if sku.usable is None or sku.suspended is None:
            return None
        total += sku.usable + sku.suspended
    return total
