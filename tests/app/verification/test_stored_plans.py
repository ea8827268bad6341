"""Which of the plans in a store an audit verifies."""

from datetime import UTC, datetime

import pytest

from auditor.app.verification.stored_plans import by_preference
from auditor.store.plans import plan_name


@pytest.mark.parametrize(
    ("made", "verified"),
    [
        (["20T02:00", "21T02:00", "22T02:00"], "20T02:00"),  # the whole week, not what is left since last night
        (["10T02:00", "12T02:00", "22T23:00"], "12T02:00"),  # the last one that somebody had time for
        (["22T23:00", "22T23:30", "23T02:00"], "22T23:00"),
        (["23T02:00", "24T02:00"], None),
    ],
)
def test_the_plan_that_people_had_a_week_for_is_verified(made: list[str], verified: str | None) -> None:
    names = [plan_name("contoso", datetime.fromisoformat(f"2026-11-{day}:00+00:00")) for day in made]
    chosen = by_preference(names, datetime(2026, 11, 23, 2, tzinfo=UTC))
    assert chosen[:1] == ([] if verified is None else [names[made.index(verified)]])
