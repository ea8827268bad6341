"""Forecasts of seat usage: correct for steady trends, and without a date if the data does not allow one."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest

from auditor.history.forecast import forecast

START = datetime(2026, 1, 1, 2, tzinfo=UTC)


def nights(values: Sequence[int | None]) -> list[datetime]:
    return [START + timedelta(days=day) for day in range(len(values))]


def forecast_of(values: Sequence[int | None], usable: int | None = 1000, late: int = 0):  # type: ignore[no-untyped-def]
    instants = nights(values)
    return forecast(instants, values, [usable] * len(values), instants[-1] + timedelta(days=late))


@pytest.mark.parametrize(
    "values",
    [
        pytest.param([700 + day for day in range(100)], id="steady"),
        pytest.param([9] * 300 + [616 + day for day in range(184)], id="nights before the last half year"),
        pytest.param([700 + day for day in range(93)] + [808 + day for day in range(7)], id="a small deviation"),
    ],
)
def test_steady_growth_gives_the_exact_day(values: list[int | None]) -> None:
    result = forecast_of(values, late=14)
    last = values[-1]
    assert last is not None
    day = date(2026, 1, 1) + timedelta(days=len(values) - 1 + 1000 - last)
    assert (result.silent, result.earliest, result.expected, result.latest) == (None, day, day, day)


@pytest.mark.parametrize(
    ("usable", "days"),
    [(600, (40, 51, 72)), (549 + 730, (568, 730, None)), (549 + 731, (569, None, None))],
)
def test_interval_of_accelerating_growth(usable: int, days: tuple[int | None, ...]) -> None:
    """Sen's interval of the 28 slopes of 0, 1, 4, … 49 is from the eighth to the seventh from the end."""
    values: list[int | None] = [None] * 50
    values[::7] = [500 + week * week for week in range(8)]
    result = forecast_of(values, usable)
    dates = [None if number is None else date(2026, 2, 19) + timedelta(days=number) for number in days]
    assert (result.per_week, [result.earliest, result.expected, result.latest]) == ((5.0, 7.0, 9.0), dates)


@pytest.mark.slow
def test_interval_contains_the_true_slope_in_nine_of_ten_cases() -> None:
    random = Random(7)
    hits = 0
    for _ in range(100):
        noise: list[int | None] = [
            round(500 + 2 * day + random.gauss(0, 12) - (20 if day % 7 > 4 else 0)) for day in range(120)
        ]
        result = forecast_of(noise, usable=1400)
        low, _, high = result.per_week
        hits += low <= 14 <= high
    assert hits >= 85


def test_one_outlier_changes_the_date_by_at_most_three_days() -> None:
    values: list[int | None] = [700 + day for day in range(100)]
    values[40] = 0
    assert abs((forecast_of(values).expected - forecast_of([700 + day for day in range(100)]).expected).days) <= 3


@pytest.mark.parametrize("last", [20, 21])
def test_no_growth_gives_no_date(last: int) -> None:
    result = forecast_of([20] * 93 + [last] * 7, usable=40)
    assert (result.silent, result.expected, result.earliest) == (None, None, None)


@pytest.mark.parametrize(
    ("values", "usable", "days_late", "reason"),
    [
        ([500, 501, 502], 1000, 0, "of the 8 weeks"),
        ([None] * 100, 1000, 0, "not known"),
        ([500] * 99 + [None], 1000, 0, "not known"),
        ([500 + day for day in range(100)], None, 0, "not known"),
        ([500 + day for day in range(100)], 1000, 30, "two weeks old"),
        ([500 + day for day in range(100)], 599, 0, "there are no spare seats"),
        ([500 + day for day in range(96)] + [900] * 4, 1000, 0, "deviates from the trend"),
    ],
)
def test_no_forecast_with_a_reason(values: list[int | None], usable: int | None, days_late: int, reason: str) -> None:
    result = forecast_of(values, usable, days_late)
    assert reason in result.silent
    assert (result.per_week, result.expected, result.earliest, result.latest) == (None, None, None, None)
