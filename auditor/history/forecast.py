"""Forecasts from the seats of many nights when they run out, with an interval, or gives the reason for no forecast."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from math import ceil, sqrt
from typing import Final

import numpy as np

from auditor.domain.message import Message
from auditor.domain.trends import Forecast

METHOD: Final = Message("Theil-Sen slope of weekly medians, Sen's 90% interval")
"""Robust against single odd nights; weeks, so that a weekend is no change, and seven nights are no seven proofs."""
_WEEKS: Final = 8
_LOOKED_AT: Final = timedelta(days=182)
_STALE: Final = timedelta(days=14)
_HORIZON: Final = 730
"""Days; a date further away is not reported."""
_Z: Final = 1.6448536269514722
_JUMP: Final = 6.0
"""Median absolute deviations from the trend at which the last week contradicts it."""


def forecast(
    at: Sequence[datetime], consumed: Sequence[int | None], usable: Sequence[int | None], now: datetime
) -> Forecast:
    """Return when `usable` seats, as they stand at the end, are all taken; `at` ascends."""
    points = [(moment, seats) for moment, seats in zip(at, consumed, strict=True) if seats is not None]
    if not points or usable[-1] is None or consumed[-1] is None:
        return _no_forecast(Message("the seats of the last night are not known"))
    if now - points[-1][0] > _STALE:
        return _no_forecast(Message("the last night is more than two weeks old"))
    weeks = _weekly(points)
    if len(weeks) < _WEEKS:
        return _no_forecast(Message("{weeks} of the {needed} weeks that it needs", weeks=len(weeks), needed=_WEEKS))
    x = np.array([week for week, _ in weeks], dtype=float)
    y = np.array([seats for _, seats in weeks], dtype=float)
    low, middle, high = _slopes(x, y)
    apart = y - (np.median(y - middle * x) + middle * x)
    spread = max(1.0, float(np.median(np.abs(apart))))
    if abs(apart[-1]) > _JUMP * spread and abs(apart[-1]) > 0.02 * max(1, usable[-1]):
        return _no_forecast(Message("the last week deviates from the trend, so the trend is not continued"))
    spare = usable[-1] - consumed[-1]
    if spare <= 0:
        return _no_forecast(Message("no seat is spare"))
    day = points[-1][0].date()

    def out(slope: float) -> date | None:
        days = ceil(spare / slope * 7) if slope > 0 and spare / slope * 7 <= _HORIZON else None
        return None if days is None else day + timedelta(days=days)

    return Forecast(
        method=METHOD, per_week=(low, middle, high), expected=out(middle), earliest=out(high), latest=out(low)
    )


def _no_forecast(why: Message) -> Forecast:
    return Forecast(method=METHOD, silent=why)


def _weekly(points: Sequence[tuple[datetime, int]]) -> list[tuple[int, float]]:
    """Return (weeks before the end, below zero; median of the seats) of each week that has a night."""
    end = points[-1][0]
    weeks: dict[int, list[int]] = {}
    for moment, seats in points:
        if end - moment <= _LOOKED_AT:
            weeks.setdefault(-((end - moment) // timedelta(days=7)), []).append(seats)
    return [(week, float(np.median(weeks[week]))) for week in sorted(weeks)]


def _slopes(x: np.ndarray, y: np.ndarray) -> tuple[float, float, float]:
    """Return the median of all pairwise slopes, between the ends of Sen's interval (1968, by Kendall's tau)."""
    first, second = np.triu_indices(len(x), 1)
    slopes = np.sort((y[second] - y[first]) / (x[second] - x[first]))
    count = len(x)
    width = _Z * sqrt(count * (count - 1) * (2 * count + 5) / 18)
    low = max(0, int((len(slopes) - width) / 2))
    high = min(len(slopes) - 1, ceil((len(slopes) + width) / 2))
    return float(slopes[low]), float(np.median(slopes)), float(slopes[high])
