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


def test_steady_growth_gives_the_exact_day() -> None:
    result = forecast_of([700 + day for day in range(100)])
    assert (result.silent, result.expected) == (None, date(2026, 1, 1) + timedelta(days=99 + 201))
    assert result.earliest <= result.expected <= result.latest


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


def test_no_growth_gives_no_date() -> None:
    result = forecast_of([500 for _ in range(100)])
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
