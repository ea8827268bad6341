"""Trends into the words and small pictures that the terminal and the HTML page share."""

from collections.abc import Sequence
from datetime import date
from typing import Final, TypeVar

from auditor.domain.trends import Cohorts, Forecast, PolicyTrend

T = TypeVar("T")
_BARS: Final = "▁▂▃▄▅▆▇█"


def sparkline(values: Sequence[float | None], width: int = 24) -> str:
    """Return a line of bars; a gap where a value is not known, the last value of each stretch where many share one."""
    shown = sampled(values, width)
    known = [value for value in shown if value is not None]
    if not known:
        return ""
    low, high = min(known), max(known)
    span = (high - low) or 1
    return "".join(
        " " if value is None else _BARS[round((value - low) / span * (len(_BARS) - 1))] if high > low else _BARS[0]
        for value in shown
    )


def sampled(values: Sequence[T], width: int = 24) -> list[T]:
    """Return at most `width` values: the last of each stretch where many share one."""
    step = max(1, -(-len(values) // width))
    return [values[min(start + step, len(values)) - 1] for start in range(0, len(values), step)]


def change(values: Sequence[int | None]) -> str:
    """Return `first → last`; a question mark for what is not known."""
    first, last = (("?" if value is None else f"{value:,}") for value in (values[0], values[-1]))
    return last if len(values) == 1 or first == last else f"{first} → {last}"


def runs_out(forecast: Forecast) -> str:
    """Return when seats run out, with the interval, or why nobody can say."""
    if forecast.silent is not None:
        return f"no forecast: {forecast.silent}"
    if forecast.earliest is None:
        return "not within two years"
    until = "open" if forecast.latest is None else _day(forecast.latest)
    middle = "no date likely" if forecast.expected is None else _day(forecast.expected)
    return f"{middle} ({_day(forecast.earliest)} to {until})"


def told_cohorts(cohorts: Cohorts | None) -> str:
    """Return who kept, got, gave back and lost it."""
    if cohorts is None:
        return "not known"
    return f"{cohorts.kept:,} kept, {cohorts.new:,} new, {cohorts.reclaimed:,} reclaimed, {cohorts.lapsed:,} lapsed"


def repair(policy: PolicyTrend) -> str:
    """Return how long mending took."""
    if policy.repair_days is None:
        return "none mended"
    return f"{policy.repaired:,} mended, median {policy.repair_days:.0f} days"


def _day(day: date) -> str:
    return day.isoformat()
