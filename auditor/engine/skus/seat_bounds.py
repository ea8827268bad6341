"""Compares spare seats with bounds, in integers and fractions, so that rounding cannot change the result."""

from enum import Enum, auto
from fractions import Fraction
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
    fewest = _least(consumed, minimum)
    if fewest is None:
        return None, False
    maximum_usable = _most(consumed, maximum)
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
    return _least(consumed, minimum), _most(consumed, maximum)


def _least(consumed: int, minimum: Bound | None) -> int | None:
    """Return the fewest usable seats that leave the minimum spare."""
    if minimum is None:
        return max(consumed, 0)
    share = 1 - minimum.percent / 100
    if share == 0 and consumed > 0:
        return None
    by_share = 0 if share == 0 else ceil(consumed / share)
    return max(consumed + minimum.seats, by_share, 0)


def _most(consumed: int, maximum: Bound | None) -> int | None:
    """Return the most usable seats that leave at most the maximum spare; None if every number does."""
    if maximum is None or maximum.percent == 100:
        return None
    share: Fraction = 1 - maximum.percent / 100
    return max(consumed + maximum.seats, floor(consumed / share))


def whole_seats(bound: Bound, usable: int, *, up: bool) -> int:
    """Return a bound in whole seats, with its share rounded; integers only, because it is called often."""
    seats, hundred = bound.percent.numerator * usable, bound.percent.denominator * 100
    return max(bound.seats, -(-seats // hundred) if up else seats // hundred)
