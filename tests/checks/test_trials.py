"""Seats of trials beside paid ones: they can neither be removed nor save anything, and end by themselves."""

from decimal import Decimal
from random import Random
from typing import Any

import pytest

from auditor.domain.result.finding import Finding
from auditor.snapshot.model import Snapshot
from tests.builders.tenant.tenants import bought, euros, judged, one, subscription, tenant, user

PRICE = Decimal(10)


def state(paid: int, trial: int, held: int, *, days: tuple[int, int] = (40, 20), **more: Any) -> Snapshot:
    rows = [
        subscription("paid", ends=days[0], isTrial=False, totalLicenses=paid),
        subscription("trial", ends=days[1], isTrial=True, totalLicenses=trial),
    ]
    people = [user(f"p{number}", "SPE_E3") for number in range(held)]
    owned = [bought("SPE_E3", paid + trial, held, **more)]
    return tenant(*people, subscribedSkus=owned, subscriptions=[row for row in rows if row["totalLicenses"]])


def found(block: str, snapshot: Snapshot) -> Finding:
    return one(judged(block, snapshot, prices=f"{{SPE_E3: {PRICE}}}"))


@pytest.mark.parametrize("seed", range(20))
def test_finding_about_spare_seats_costs_the_paid_ones_that_nobody_needs_without_the_trial(seed: int) -> None:
    random = Random(seed)
    paid, trial, maximum = random.randint(0, 20), random.randint(1, 20), random.randint(0, 4)
    held = random.randint(0, max(0, paid + trial - maximum - 1))
    finding = found(f"seats: {{of: [SPE_E3], spare: {{max: {maximum}}}}}", state(paid, trial, held))
    assert finding.evidence["adjust"] == held + maximum - paid - trial
    assert finding.evidence["trial"] == trial
    assert euros(finding) == PRICE * max(0, paid - held - maximum)


@pytest.mark.parametrize(("paid", "held", "over", "cost"), [(10, 3, 12, 20), (5, 3, 7, 0), (10, 14, 12, 20)])
def test_finding_about_too_many_purchased_seats_costs_those_that_do_not_end_with_the_trial(
    paid: int, held: int, over: int, cost: int
) -> None:
    finding = found("seats: {of: [SPE_E3], purchased: {max: 8}}", state(paid, 10, held))
    assert finding.evidence["adjust"] == -over
    assert euros(finding) == cost


@pytest.mark.parametrize(("held", "cost"), [(14, 60), (8, 40), (20, 60)])
def test_quota_costs_the_paid_seats_beyond_it(held: int, cost: int) -> None:
    """Ten seats are paid: of fourteen holders, four have a seat of the trial."""
    assert euros(found("seats: {of: [SPE_E3], assigned: {max: 4}}", state(10, 10, held))) == cost


@pytest.mark.parametrize(("block", "cost"), [("{deny: [SPE_E3]}", 100), ("{trials: deny}", 0)])
def test_purchase_that_is_not_allowed_costs_its_paid_seats(block: str, cost: int) -> None:
    paid = 10 if "deny: [" in block else 0
    assert euros(found(f"purchases: {block}", state(paid, 5, 0))) == cost


@pytest.mark.parametrize(("paid", "cost"), [(0, 0), (1, PRICE)])
def test_seat_of_a_person_costs_nothing_if_the_product_is_a_trial(paid: int, cost: int) -> None:
    assert euros(found("assignments: {deny: [SPE_E3]}", state(paid, 5, 1))) == cost


@pytest.mark.parametrize(
    ("days", "costs"),
    [
        ((40, 20), {"trial": 0, "paid": 70}),  # of 17 spare seats, 10 are attributed to the trial, which ends first
        ((20, 40), {"paid": 70, "trial": 0}),  # 10 are attributed to the paid one, but 3 of its seats are needed
    ],
)
def test_idle_seats_before_a_renewal_cost_those_that_nobody_needs_without_the_trial(
    days: tuple[int, int], costs: dict[str, int]
) -> None:
    block = "subscriptions: {of: [SPE_E3], expiring: {within: 60d, idle: {min: 1}}}"
    result = judged(block, state(10, 10, 3, days=days), prices=f"{{SPE_E3: {PRICE}}}")
    assert {finding.subject.id: euros(finding) for finding in result.findings} == costs
    needed = {finding.subject.id: finding.evidence.get("neededAfterTrials") for finding in result.findings}
    assert needed == {"paid": 3 if days == (20, 40) else None, "trial": None}


@pytest.mark.parametrize(("status", "trial"), [("Enabled", 10), ("Warning", 10), ("Suspended", None), (None, None)])
def test_seats_of_a_trial_count_if_they_are_usable(status: str | None, trial: int | None) -> None:
    snapshot = tenant(
        subscribedSkus=[bought("SPE_E3", 20, 3)],
        subscriptions=[subscription("t", ends=20, isTrial=True, totalLicenses=10, status=status)],
    )
    result = judged("seats: {of: [SPE_E3], spare: {max: 0}}", snapshot)
    assert (one(result).evidence.get("trial"), result.seats[0].trial) == (trial, trial)
