"""A forecast is right where the past goes on, and silent where nobody can know."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random

import pytest

from auditor.history.forecast import forecast

START = datetime(2026, 1, 1, 2, tzinfo=UTC)


def nights(values: Sequence[int | None]) -> list[datetime]:
    return [START + timedelta(days=day) for day in range(len(values))]


def forecast_of(values: Sequence[int | None], usable: int | None = 1000, late: int = 0):  # type: ignore[no-untyped-def]
    at = nights(values)
    return forecast(at, values, [usable] * len(values), at[-1] + timedelta(days=late))


def test_steady_growth_runs_out_on_the_day() -> None:
    found = forecast_of([700 + day for day in range(100)])
    assert (found.silent, found.expected) == (None, date(2026, 1, 1) + timedelta(days=99 + 201))
    assert found.earliest <= found.expected <= found.latest


def test_the_interval_holds_the_truth_nine_times_in_ten() -> None:
    random = Random(7)
    held = 0
    for _ in range(100):
        noise: list[int | None] = [
            round(500 + 2 * day + random.gauss(0, 12) - (20 if day % 7 > 4 else 0)) for day in range(120)
        ]
        found = forecast_of(noise, usable=1400)
        low, _, high = found.per_week
        held += low <= 14 <= high
    assert held >= 85


def test_one_odd_night_changes_little() -> None:
    values: list[int | None] = [700 + day for day in range(100)]
    values[40] = 0
    assert abs((forecast_of(values).expected - forecast_of([700 + day for day in range(100)]).expected).days) <= 3


def test_no_growth_is_no_date() -> None:
    found = forecast_of([500 for _ in range(100)])
    assert (found.silent, found.expected, found.earliest) == (None, None, None)


@pytest.mark.parametrize(
    ("values", "usable", "late", "why"),
    [
        ([500, 501, 502], 1000, 0, "of the 8 weeks"),
        ([None] * 100, 1000, 0, "not known"),
        ([500] * 99 + [None], 1000, 0, "not known"),
        ([500 + n for n in range(100)], None, 0, "not known"),
        ([500 + n for n in range(100)], 1000, 30, "two weeks old"),
        ([500 + n for n in range(100)], 599, 0, "no seat is spare"),
        ([500 + n for n in range(96)] + [900] * 4, 1000, 0, "deviates from the trend"),
    ],
)
def test_it_is_silent_and_says_why(values: list[int | None], usable: int | None, late: int, why: str) -> None:
    found = forecast_of(values, usable, late)
    assert why in found.silent
    assert (found.per_week, found.expected, found.earliest, found.latest) == (None, None, None, None)
