"""Computes the geometry of the seat bar of a product: assigned, spare and missing seats, and the policy's bounds."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from re import fullmatch, search
from typing import Any, Final

from msgspec import Struct

from auditor.domain.result.model import SeatCount

WIDTH: Final = 240
"""Width of the bar, in units of its view box."""


class SeatBar(Struct, frozen=True, kw_only=True):
    """Lengths and positions on the bar, in units of its view box."""

    usable: int
    """End of the usable seats."""
    assigned: int
    """End of the assigned seats within the usable ones."""
    over: int
    """Length of the assigned seats beyond the usable ones."""
    grace: int
    """Length of the seats in their grace period, at the end of the usable seats."""
    zone: tuple[int, int] | None
    """Range (from, to) in which the assigned seats must end."""


def seat_bar(
    *, usable: int | None, consumed: int | None, warning: int | None, facts: Mapping[str, Any]
) -> SeatBar | None:
    """Return the bar of a product; None if a number is not known or there is nothing to draw."""
    if usable is None or consumed is None or max(usable, consumed) <= 0:
        return None
    total = max(usable, consumed)

    def length(seats: int | Decimal) -> int:
        return round(min(max(seats, 0), total) * WIDTH / total)

    grace = min(warning or 0, usable) if "usable" not in facts or facts["usable"] == usable else 0
    return SeatBar(
        usable=length(usable),
        assigned=length(min(usable, consumed)),
        over=WIDTH - length(usable),
        grace=length(usable) - length(usable - max(grace, 0)),
        zone=_zone(usable, facts, length),
    )


def bound_in_seats(value: object, usable: int) -> Decimal | None:
    """Return a bound of spare seats, in the syntax of policies (`5`, `5%`, `{percent: 5, seats: 10}`), in seats.

    Returns None if `value` is no such bound.
    """
    text = str(value)
    count = fullmatch(r"\s*(\d{1,9})\s*", text)
    if count is not None:
        return Decimal(count[1])
    percent = search(r"(\d{1,3}(?:\.\d{1,6})?)\s*%", text) or search(r"percent:\s*'?(\d{1,3}(?:\.\d{1,6})?)", text)
    seats = search(r"seats:\s*(\d{1,9})", text)
    if percent is None and seats is None:
        return None
    minimum = Decimal(seats[1]) if seats is not None else Decimal(0)
    return max(minimum, Decimal(percent[1]) * usable / 100) if percent is not None else minimum


def effective_bounds(seats: SeatCount) -> Mapping[str, str]:
    """Return the `minimum` and `maximum` of spare seats that satisfy the bounds of all policies.

    A key is left out if there is no such bound; so is a minimum of 0, because the bar ends there anyway. A maximum may
    exceed the usable seats: it is the number that the policy allows. The result is empty if the seats are not known or
    no number of them satisfies all bounds.
    """
    if seats.usable is None:
        return {}
    # Bounds on assigned seats are comparable between policies that count different seats as usable.
    last = min((bounds.usable - (bounds.minimum or 0) for bounds in seats.bounds), default=seats.usable)
    first = max((bounds.usable - bounds.maximum for bounds in seats.bounds if bounds.maximum is not None), default=0)
    if last < max(first, 0):
        return {}
    minimum, maximum = max(seats.usable - last, 0), seats.usable - first
    limits = {"minimum": str(minimum)} if minimum else {}
    return limits | {"maximum": str(maximum)} if any(bounds.maximum is not None for bounds in seats.bounds) else limits


def _zone(usable: int, facts: Mapping[str, Any], length: Callable[[Decimal], int]) -> tuple[int, int] | None:
    if "assigned" in facts or (facts.get("minimum") is None and facts.get("maximum") is None):
        return None
    minimum = bound_in_seats(facts["minimum"], usable) if facts.get("minimum") is not None else Decimal(0)
    maximum = bound_in_seats(facts["maximum"], usable) if facts.get("maximum") is not None else Decimal(usable)
    if minimum is None or maximum is None or maximum < minimum:
        return None
    return length(usable - maximum), length(usable - minimum)
