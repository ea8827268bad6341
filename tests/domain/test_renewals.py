"""Renewal dates night by night: which ones move by a month, in time proportional to the number of nights."""

from datetime import UTC, date, datetime, timedelta

import pytest

from auditor.domain.renewals import moved_by_a_month

FIRST = datetime(2026, 1, 1, tzinfo=UTC)


class CountedDay(date):
    """A day that counts how often days are subtracted."""

    subtractions = 0

    def __sub__(self, other):  # type: ignore[no-untyped-def]
        CountedDay.subtractions += 1
        return super().__sub__(other)


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([], False),
        ([0], False),
        ([0, 0, 30], True),
        ([0, 26], False),
        ([0, 27], True),
        ([0, 31], True),
        ([0, 32], False),
        ([0, 15, 30], True),
        ([30, 0], False),
        ([30, 0, 30], True),
        ([0, 365, 0, 0], False),
    ],
)
def test_date_that_moves_forward_by_a_month_between_any_two_nights(days: list[int], expected: bool) -> None:  # noqa: FBT001
    nights = [(FIRST + timedelta(days=night), date(2027, 1, 1) + timedelta(days=day)) for night, day in enumerate(days)]
    assert moved_by_a_month(reversed(nights)) is expected


def test_nights_with_the_same_date_are_compared_once() -> None:
    CountedDay.subtractions = 0
    nights = [(FIRST + timedelta(days=night), CountedDay(2027 + night // 365, 1, 1)) for night in range(1000)]
    assert not moved_by_a_month(nights)
    assert CountedDay.subtractions < 1000
