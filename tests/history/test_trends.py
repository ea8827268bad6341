"""Trends of nights and results that are given in any order."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from auditor.domain.trends import Cohorts
from auditor.history.logged_result import LoggedResult
from auditor.history.trends import last_display_name, trends
from auditor.store.commit import NightCounts

START = datetime(2026, 11, 1, 2, tzinfo=UTC)


def seat(consumed: int | None, usable: int | None = 9) -> dict[str, Any]:
    return {"skuId": "e3", "skuPartNumber": "SPE_E3", "usable": usable, "consumed": consumed}


def night(day: int, *seats: Mapping[str, Any], complete: bool = True, **summary: Any) -> NightCounts:
    summary = {"users": 5, "blocked": 1, "licensed": 4, "seats": seats, **summary}
    return NightCounts(instant=START + timedelta(days=day), complete=complete, summary=summary)


def entry(day: int, *policies: Mapping[str, Any], not_evaluated: int = 0, **summary: Any) -> LoggedResult:
    summary = {"open": {}, "waived": 0, "money": {}, "seats": [], "policies": policies, **summary}
    return LoggedResult(
        number=day, as_of=START + timedelta(days=day, hours=1), run="", events="", sha256="", size=0, checkpoint=False,
        summary={**summary, "notEvaluated": not_evaluated},
    )  # fmt: skip


def policy(name: str, opened: int, repair: Mapping[str, int], **more: Any) -> dict[str, Any]:
    counts = {"open": opened, "waived": 0, "opened": opened, "closed": len(repair), "ages": [0], "repair": repair}
    return {"id": name, "severity": None, "status": "pass", **counts, **more}


def test_seats_are_those_of_nights_and_of_results_of_other_days() -> None:
    found = trends(
        "t",
        [
            night(9, seat(7), seat(2) | {"skuId": "b"}),
            night(0, seat(4), seat(3) | {"skuId": "a", "skuPartNumber": ""}),
            night(3, seat(None)),
        ],
        [entry(3, seats=[seat(1)]), entry(5, seats=[seat(6)])],
        now=START,
    )
    assert found is not None
    new, small, large = found.seats
    assert (new.sku_id, new.instants) == ("b", small.instants[-1:])
    assert (large.sku, [(instant - START).days for instant in large.instants]) == ("a", [0, 3, 5, 9])
    assert (small.consumed, small.spare) == ((4, None, 6, 7), (5, None, 3, 2))
    assert (large.consumed, large.spare) == ((3, None, None, None), (6, None, None, None))


@pytest.mark.parametrize(("last", "reason"), [(None, "two weeks old"), (START + timedelta(days=1), "of the 8 weeks")])
def test_forecast_is_of_the_end_of_the_period(last: datetime | None, reason: str) -> None:
    found = trends("t", [night(0, seat(4))], [], now=START + timedelta(days=90), between=(None, last))
    assert found is not None
    assert reason in str(found.seats[0].forecast.silent)


def test_cohorts_of_overlapping_comparisons_count_once() -> None:
    def compared(day: int, since: int, new: int, kept: int) -> NightCounts:
        counts = {"e3": {"kept": kept, "new": new, "reclaimed": 0, "lapsed": 1}}
        return night(day, seat(4), cohorts={"since": (START + timedelta(days=since)).isoformat(), "skus": counts})

    found = trends("t", [compared(9, 5, 1, 7), compared(7, 5, 10, 8), compared(5, 1, 100, 9)], [], now=START)
    assert found is not None
    assert found.seats[0].cohorts == Cohorts(nights=2, kept=7, new=101, reclaimed=0, lapsed=2)


@pytest.mark.parametrize(
    ("repair", "days"),
    [
        ({}, None),
        ({"4": 0}, None),
        ({"4": 1}, 4),
        ({"9": 1, "4": 1}, 6.5),
        ({"4": 2, "9": 1}, 4),
        ({"4": 1, "9": 3}, 9),
    ],
)
def test_median_of_repair_days(repair: Mapping[str, int], days: float | None) -> None:
    found = trends("t", [], [entry(1, policy("p", 2, {})), entry(2, policy("p", 3, repair))], now=START)
    assert found is not None
    assert (found.policies[0].repaired, found.policies[0].repair_days) == (sum(repair.values()), days)
    assert (found.policies[0].opened, found.policies[0].open) == (3, (2, 3))


def test_last_known_title_and_severity_of_a_policy_are_used() -> None:
    first = entry(1, policy("q", 1, {}), policy("p", 2, {}, severity="high", title="P"))
    found = trends("t", [], [entry(2, policy("p", 2, {}, status="not-evaluated")), first], now=START)
    assert found is not None
    assert [(p.policy, p.title, p.severity) for p in found.policies] == [("p", "P", "high"), ("q", None, None)]
    assert found.not_evaluated == {"p"}
    assert last_display_name([night(1, displayName="B"), night(3)], [entry(2, displayName="A")]) == "A"


@pytest.mark.parametrize(
    ("nights", "results", "unknown"),
    [
        ([night(1)], [entry(1)], []),
        (
            [night(1, complete=False, users=None)], [entry(1, not_evaluated=2)],
            ["the only night was not read completely", "people are not counted in the only night",
             "in the only result some policy could not be evaluated"],
        ),
        (
            [night(1, complete=False), night(2)], [entry(1, not_evaluated=2), entry(2)],
            ["one of 2 nights was not read completely", "in 1 of 2 results some policy could not be evaluated"],
        ),
        (
            [night(1, complete=False), night(2, users=None), night(3, complete=False)], [],
            ["2 of 3 nights were not read completely", "people are not counted in 1 of 3 nights",
             "no result is stored: findings and money over time are not known"],
        ),
    ],
)  # fmt: skip
def test_missing_data_is_reported(nights: list[NightCounts], results: list[LoggedResult], unknown: list[str]) -> None:
    found = trends("t", nights, results, now=START)
    assert found is not None
    assert list(map(str, found.unknown)) == unknown
