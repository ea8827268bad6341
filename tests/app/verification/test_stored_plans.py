"""Selection of the stored plan that an audit verifies."""

from datetime import UTC, datetime

import pytest

from auditor.app.verification.stored_plans import by_preference
from auditor.store.plans import plan_name


@pytest.mark.parametrize(
    ("days", "verified"),
    [
        (["16T02:00", "21T02:00", "22T02:00"], "16T02:00"),  # the oldest plan of the last week
        (
            ["10T02:00", "12T02:00", "22T23:00"],
            "12T02:00",
        ),  # the latest plan before that week: the last one is too recent
        (["22T23:00", "22T23:30", "23T02:00"], "22T23:00"),
        (["23T02:00", "24T02:00"], None),
    ],
)
def test_oldest_plan_of_the_last_week_is_verified_else_the_latest_earlier_one(
    days: list[str], verified: str | None
) -> None:
    names = [plan_name("contoso", datetime.fromisoformat(f"2026-11-{day}:00+00:00")) for day in days]
    chosen = by_preference(names, datetime(2026, 11, 23, 2, tzinfo=UTC))
    assert chosen[:1] == ([] if verified is None else [names[days.index(verified)]])
