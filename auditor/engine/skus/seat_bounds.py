"""Compares spare seats with bounds, in integers and fractions, so that rounding cannot change the result."""

from enum import Enum, auto
from math import ceil, floor

from auditor.domain.policy.model import Bound


class Breach(Enum):
    """How spare seats break a bound."""

    OVER_ASSIGNED = auto()
    BELOW_MINIMUM = auto()
    ABOVE_MAXIMUM = auto()


def broken_bounds(
    usable: int, consumed: int, minimum: Bound | None, maximum: Bound | None
) -> list[tuple[Breach, str | None]]:
    """Return the breaches of the bounds, each with the bound as written.

    If the bounds contradict each other, there can be too few and too many spare seats at once.
    """
    spare = usable - consumed
    breaches: list[tuple[Breach, str | None]] = []
    if spare < 0:
        breaches.append((Breach.OVER_ASSIGNED, None))
    elif minimum is not None and (spare < minimum.seats or share_excess(spare, usable, minimum) < 0):
        breaches.append((Breach.BELOW_MINIMUM, minimum.written))
    if maximum is not None and spare > maximum.seats and share_excess(spare, usable, maximum) > 0:
        breaches.append((Breach.ABOVE_MAXIMUM, maximum.written))
    return breaches


def share_excess(spare: int, usable: int, bound: Bound) -> int:
    """Return by how much spare seats exceed a bound's share of the usable seats, times a factor of the bound."""
    return spare * 100 * bound.percent.denominator - bound.percent.numerator * usable


def adjustment(usable: int, consumed: int, minimum: Bound | None, maximum: Bound | None) -> tuple[int | None, bool]:
    """Return the smallest number of seats to buy (+) or remove (−) that keeps both bounds, and whether both can hold.

    Percentages are of the usable seats after the change, and no seat in use is removed. If the bounds cannot both
    hold, the change leads to the fewest seats that keep the minimum; None if no number of seats does.
    """
    fewest, maximum_usable = usable_range(consumed, minimum, maximum)
    if fewest is None:
        return None, False
    if maximum_usable is not None and fewest > maximum_usable:
        return fewest - usable, False
    if usable < fewest:
        return fewest - usable, True
    if maximum_usable is not None and usable > maximum_usable:
        return maximum_usable - usable, True
    return 0, True


def usable_range(consumed: int, minimum: Bound | None, maximum: Bound | None) -> tuple[int | None, int | None]:
    """Return the fewest and the most usable seats that keep both bounds with `consumed` seats in use.

    The first is None if no number of seats keeps the minimum, the second if every number keeps the maximum.
    """
    fewest: int | None = max(consumed, 0)
    if minimum is not None:
        share = 1 - minimum.percent / 100
        by_share = ceil(consumed / share) if share else 0
        fewest = max(consumed + minimum.seats, by_share, 0) if share or consumed <= 0 else None
    if maximum is None or maximum.percent == 100:
        return fewest, None
    return fewest, max(consumed + maximum.seats, floor(consumed / (1 - maximum.percent / 100)))


def beyond_quota(holders: int, consumed: int, quota: Bound) -> int:
    """Return how many of the holders have to lose their seat so that the quota is kept.

    A share is one of the consumed seats, which become fewer with every holder who loses one.
    """
    share = quota.percent / 100
    by_share = ceil((holders - share * consumed) / (1 - share)) if share < 1 else 0
    return max(0, min(holders - quota.seats, by_share))


def whole_seats(bound: Bound, usable: int, *, up: bool) -> int:
    """Return a bound in whole seats, with its share rounded; integers only, because it is called often."""
    seats, hundred = bound.percent.numerator * usable, bound.percent.denominator * 100
    return max(bound.seats, -(-seats // hundred) if up else seats // hundred)
