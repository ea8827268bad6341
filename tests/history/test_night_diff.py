"""Comparison of two instants by the seats of nights, without results."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from auditor.history.night_diff import compare_instants
from auditor.store.commit import NightCounts

START = datetime(2026, 11, 1, 2, tzinfo=UTC)
NO_RESULT = "findings and money are not compared: a result is missing"
SAME = "both instants select the same night"


def night(day: int, **consumed: int | None) -> NightCounts:
    seats: Any = [
        {"skuId": name, "skuPartNumber": name, "usable": 9, "consumed": count} for name, count in consumed.items()
    ]
    return NightCounts(instant=START + timedelta(days=day), complete=True, summary={"seats": seats})


NIGHTS = [night(0, A=4, B=1, C=2), night(2, A=7, B=1, D=None), night(4, A=7, B=1, D=3)]


@pytest.mark.parametrize(
    ("first", "last", "day", "unknown", "seats"),
    [
        (-1, 2, False, ["nothing is stored at or before 2026-10-31 02:00"], {}),
        (-1, 2, True, [NO_RESULT], {"A": (4, 7), "C": (2, None), "D": (None, None)}),
        (0, 3, False, [NO_RESULT], {"A": (4, 7), "C": (2, None), "D": (None, None)}),
        (1, 4, False, [NO_RESULT], {"A": (4, 7), "C": (2, None), "D": (None, 3)}),
        (1, 4, True, [NO_RESULT], {"D": (None, 3)}),
        (3, 2, False, [SAME, NO_RESULT], {}),
        (1, 2, True, [SAME, NO_RESULT], {}),
        (1, 1, True, [SAME, NO_RESULT], {}),
    ],
)
def test_nights_are_selected_and_only_changed_seats_are_listed(
    first: int,
    last: int,
    day: bool,  # noqa: FBT001
    unknown: list[str],
    seats: dict[str, tuple[int | None, int | None]],
) -> None:
    between = compare_instants("t", NIGHTS, None, START + timedelta(days=first), START + timedelta(days=last), day=day)
    assert list(map(str, between.unknown)) == unknown
    assert {row.sku: row.consumed for row in between.seats} == seats
    spare = [tuple(None if count is None else 9 - count for count in row.consumed) for row in between.seats]
    assert [row.spare for row in between.seats] == spare
