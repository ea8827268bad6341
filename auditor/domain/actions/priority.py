"""In which order actions are shown: by severity, money and days left."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import Final

from auditor.domain.enums import Severity

FIRST: Final = 5
"""Actions that are named as what matters most."""
SOON: Final = 90
"""Days within which the date of a saving counts as near."""

_SEVERITY: Final = {
    Severity.CRITICAL: 200,
    Severity.HIGH: 100,
    Severity.MEDIUM: 60,
    Severity.LOW: 30,
    Severity.INFO: 0,
}
_MONEY: Final = 60
"""Points of the largest saving; a smaller one has its share of them."""
_DAYS: Final = ((7, 30), (14, 25), (30, 20), (60, 10), (SOON, 5))
"""Most days that are left, and the points for it."""


class Reason(Enum):
    """Why an action stands where it stands."""

    WEIGHT = "weight"
    """By its points alone."""
    SAVING = "saving"
    """It has the largest saving of those with a date within `SOON` days."""
    DEADLINE = "deadline"
    """Its date is the nearest of all."""
    BOTH = "both"
    """The largest saving with a near date, and the nearest date of all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """What the rank of an action depends on."""

    severity: Severity
    """Of its worst finding."""
    saves: Decimal = Decimal(0)
    """Money a month."""
    due: date | None = None
    findings: int = 0


def ranked(weights: Sequence[Weight], today: date) -> list[tuple[int, Reason]]:
    """Return the places of weights, the most important first, each with why it stands there.

    The points of severity, money and days left are added up; of equal sums those with more findings go first, then
    those that came first. Where there is a saving with a date within `SOON` days, the largest is among the first
    `FIRST`, and so is the nearest date.
    """
    largest = max((weight.saves for weight in weights), default=Decimal(0))
    keys = [(-_points(weight, largest, today), -weight.findings) for weight in weights]
    order = sorted(range(len(weights)), key=keys.__getitem__)
    dated = [(place, due) for place in order if (due := weights[place].due) is not None and due >= today]
    near = [place for place, due in dated if (due - today).days <= SOON and weights[place].saves > 0]
    saving = max(near, key=lambda place: weights[place].saves, default=None)
    deadline = min(dated, key=lambda item: item[1], default=(None, today))[0]
    kept = {place for place in (saving, deadline) if place is not None}
    others = [place for place in order if place not in kept]
    first = kept.union(others[: FIRST - len(kept)])
    order.sort(key=lambda place: place not in first)
    return [(place, _reason(place, saving, deadline)) for place in order]


def _reason(place: int, saving: int | None, deadline: int | None) -> Reason:
    if place == saving:
        return Reason.BOTH if place == deadline else Reason.SAVING
    return Reason.DEADLINE if place == deadline else Reason.WEIGHT


def _points(weight: Weight, largest: Decimal, today: date) -> int:
    points = _SEVERITY[weight.severity]
    if weight.saves > 0:
        points += int(_MONEY * weight.saves / largest)
    if weight.due is not None and weight.due >= today:
        left = (weight.due - today).days
        points += next((worth for most, worth in _DAYS if left <= most), 0)
    return points
