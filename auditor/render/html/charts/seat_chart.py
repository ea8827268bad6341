"""The seats of a product into the geometry of a small bar: assigned, spare, missing, and the bounds of the policy."""

from collections.abc import Mapping
from decimal import Decimal
from re import fullmatch, search
from typing import Any, Final

from msgspec import Struct

from auditor.domain.result.model import SeatCount

WIDTH: Final = 240
"""Units of the bar's view box; what is drawn lies between 0 and WIDTH."""


class Picture(Struct, frozen=True, kw_only=True):
    """Lengths and places along the bar, in units of its view box."""

    usable: int
    """Where the usable seats end."""
    assigned: int
    """How far assigned seats reach inside the usable ones."""
    over: int
    """The length of what is assigned beyond the usable seats."""
    grace: int
    """The length, at the end of the usable seats, of those in their grace period."""
    zone: tuple[int, int] | None
    """Where assigned seats ought to end: from, to."""


def picture(
    *, usable: int | None, consumed: int | None, warning: int | None, facts: Mapping[str, Any]
) -> Picture | None:
    """Return the bar of a product; None where a number is not known or there is nothing to draw."""
    if usable is None or consumed is None or max(usable, consumed) <= 0:
        return None
    whole = max(usable, consumed)

    def at(seats: int | Decimal) -> int:
        return round(min(max(seats, 0), whole) * WIDTH / whole)

    grace = min(warning or 0, usable) if "usable" not in facts or facts["usable"] == usable else 0
    return Picture(
        usable=at(usable),
        assigned=at(min(usable, consumed)),
        over=WIDTH - at(usable),
        grace=at(usable) - at(usable - max(grace, 0)),
        zone=_zone(usable, facts, at),
    )


def bound(written: object, usable: int) -> Decimal | None:
    """Return a bound of spare seats, as a policy writes it (`5`, `5%`, `{percent: 5, seats: 10}`), in seats."""
    text = str(written)
    plain = fullmatch(r"\s*(\d{1,9})\s*", text)
    if plain is not None:
        return Decimal(plain[1])
    share = search(r"(\d{1,3}(?:\.\d{1,6})?)\s*%", text) or search(r"percent:\s*'?(\d{1,3}(?:\.\d{1,6})?)", text)
    seats = search(r"seats:\s*(\d{1,9})", text)
    if share is None and seats is None:
        return None
    least = Decimal(seats[1]) if seats is not None else Decimal(0)
    return max(least, Decimal(share[1]) * usable / 100) if share is not None else least


def tightest(seats: SeatCount) -> Mapping[str, str]:
    """Return the `minimum` and `maximum` of spare seats that keep every policy's bounds at once.

    What is missing is not bounded, nor is it by a minimum of none, for the bar ends there by itself. Nothing is
    returned where the seats are not known or no number of them keeps all bounds.
    """
    if seats.usable is None:
        return {}
    # Bounds on where assigned seats end can be held against each other whatever each policy counts as usable.
    last = min((each.usable - (each.minimum or 0) for each in seats.bounds), default=seats.usable)
    first = max((each.usable - each.maximum for each in seats.bounds if each.maximum is not None), default=0)
    if last < max(first, 0):
        return {}
    least, most = max(seats.usable - last, 0), seats.usable - max(first, 0)
    limits = {"minimum": str(least)} if least else {}
    return limits | {"maximum": str(most)} if any(each.maximum is not None for each in seats.bounds) else limits


def _zone(usable: int, facts: Mapping[str, Any], at: Any) -> tuple[int, int] | None:
    if "assigned" in facts or (facts.get("minimum") is None and facts.get("maximum") is None):
        return None
    least = bound(facts["minimum"], usable) if facts.get("minimum") is not None else Decimal(0)
    most = bound(facts["maximum"], usable) if facts.get("maximum") is not None else Decimal(usable)
    if least is None or most is None or most < least:
        return None
    return at(usable - most), at(usable - least)
