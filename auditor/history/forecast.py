"""Forecasts when seats run out from the seats of many nights, with an interval, or gives the reason for no forecast."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from math import ceil, sqrt
from typing import Final

import numpy as np

from auditor.domain.message import Count, Message
from auditor.domain.trends import Forecast

METHOD: Final = Message("Theil-Sen slope of weekly medians, Sen's 90% interval")
"""Robust against outliers. Weekly medians, so that weekends do not look like changes, and the seven nights of a week do
not count as independent observations."""
_MIN_WEEKS: Final = 8
_WINDOW: Final = timedelta(days=182)
_MAX_AGE: Final = timedelta(days=14)
_HORIZON: Final = 730
"""In days; later dates are not reported."""
_Z: Final = 1.6448536269514722
_MAX_DEVIATION: Final = 6.0
"""Deviation of the last week, in median absolute deviations from the trend, above which the trend is not continued."""


def forecast(
    instants: Sequence[datetime], consumed: Sequence[int | None], usable: Sequence[int | None], now: datetime
) -> Forecast:
    """Forecast when the `usable` seats of the last night are all assigned; `instants` are in ascending order."""
    points = [(instant, seats) for instant, seats in zip(instants, consumed, strict=True) if seats is not None]
    if not points or usable[-1] is None or consumed[-1] is None:
        return _no_forecast(Message("the seats of the last night are not known"))
    if now - points[-1][0] > _MAX_AGE:
        return _no_forecast(Message("the last night is more than two weeks old"))
    weeks = _weekly(points)
    if len(weeks) < _MIN_WEEKS:
        return _no_forecast(
            Message("{weeks} of the {needed} weeks that it needs", weeks=Count(len(weeks)), needed=Count(_MIN_WEEKS))
        )
    x = np.array([week for week, _ in weeks], dtype=float)
    y = np.array([seats for _, seats in weeks], dtype=float)
    low, middle, high = _slopes(x, y)
    residuals = y - (np.median(y - middle * x) + middle * x)
    spread = max(1.0, float(np.median(np.abs(residuals))))
    if abs(residuals[-1]) > _MAX_DEVIATION * spread and abs(residuals[-1]) > 0.02 * max(1, usable[-1]):
        return _no_forecast(Message("the last week deviates from the trend, so the trend is not continued"))
    spare = usable[-1] - consumed[-1]
    if spare <= 0:
        return _no_forecast(Message("there are no spare seats"))
    day = points[-1][0].date()

    def exhausted_on(slope: float) -> date | None:
        days = ceil(spare / slope * 7) if slope > 0 and spare / slope * 7 <= _HORIZON else None
        return None if days is None else day + timedelta(days=days)

    return Forecast(
        method=METHOD,
        per_week=(low, middle, high),
        expected=exhausted_on(middle),
        earliest=exhausted_on(high),
        latest=exhausted_on(low),
    )


def _no_forecast(reason: Message) -> Forecast:
    return Forecast(method=METHOD, silent=reason)


def _weekly(points: Sequence[tuple[datetime, int]]) -> list[tuple[int, float]]:
    """Return (week, median of its seats) for each week with a night; the last week is 0, earlier ones are negative."""
    end = points[-1][0]
    weeks: dict[int, list[int]] = {}
    for instant, seats in points:
        if end - instant <= _WINDOW:
            weeks.setdefault(-((end - instant) // timedelta(days=7)), []).append(seats)
    return [(week, float(np.median(weeks[week]))) for week in sorted(weeks)]


def _slopes(x: np.ndarray, y: np.ndarray) -> tuple[float, float, float]:
    """Return (low, median, high) of all pairwise slopes: the ends are Sen's interval (1968, by Kendall's tau)."""
    first, second = np.triu_indices(len(x), 1)
    slopes = np.sort((y[second] - y[first]) / (x[second] - x[first]))
    count = len(x)
    width = _Z * sqrt(count * (count - 1) * (2 * count + 5) / 18)
    low = max(0, int((len(slopes) - width) / 2))
    high = min(len(slopes) - 1, ceil((len(slopes) + width) / 2))
    return float(slopes[low]), float(np.median(slopes)), float(slopes[high])
