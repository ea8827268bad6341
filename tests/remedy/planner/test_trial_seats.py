"""Plans for a product with ten paid seats, ten of a trial, and three that are assigned."""

from typing import Any

import pytest

from auditor.remedy.planner.model import TenantPlan
from tests.builders.tenant.answers import decided_plan
from tests.builders.tenant.crowded_tenant import subscription
from tests.builders.tenant.plan_tenants import E3, grant, snapshot, user

RULES = """version: 1
policies:
  - {id: idle, severity: low, seats: {of: paid, spare: {max: 0}}}
  - {id: trials, severity: low, subscriptions: {of: paid, trials: {endingWithin: 90d}}}
prices: {currency: EUR, perSeatPerMonth: {SPE_E3: 10}}
"""
PAID, TRIAL = subscription("SPE_E3", 10, "2027-02-01"), {**subscription("SPE_E3", 10, "2026-12-20"), "isTrial": True}


def planned(
    *decisions: dict[str, Any], rows: tuple[dict[str, Any], ...] = (PAID, TRIAL), rules: str = RULES
) -> TenantPlan:
    people = [user(f"p{number}", grant(E3)) for number in range(3)]
    return decided_plan(rules, [snapshot(people, {E3: 20}, subscriptions=list(rows))], *decisions).tenants[0]


def answered(plan: TenantPlan, subject: str, **renewal: Any) -> dict[str, Any]:
    (question,) = [question for question in plan.questions if question.subject == subject]
    return {"question": question.id, "answer": {"renewal": renewal}}


def numbers(plan: TenantPlan) -> dict[str, tuple[int, float | None]]:
    """Return count and saving of each action, by kind."""
    return {a.kind: (a.count, None if a.money is None else float(a.money.per_month)) for a in plan.actions}


def test_plan_removes_the_paid_seats_that_nobody_needs_without_the_trial() -> None:
    plan = planned()
    assert numbers(plan) == {"remove-seats-at-renewal": (7, 70), "trial": (1, None)}
    assert [figures.reducible_at_renewal for figures in plan.before.money] == [70]
    (question,) = [question for question in plan.questions if question.subject == PAID["id"]]
    renewals = [answer["renewal"] for answer in question.answers if "renewal" in answer]
    assert [(renewal["seats"], renewal["renew"]) for renewal in renewals] == [(3, True), (10, True), (10, False)]
    (removal,) = [action for action in plan.actions if action.kind == "remove-seats-at-renewal"]
    assert "10 of the usable seats are those of a trial" in removal.prerequisites[0]


@pytest.mark.parametrize(("seats", "removed"), [(3, 7), (8, 2), (10, 0)])
def test_decision_about_the_paid_subscription_changes_its_seats_only(seats: int, removed: int) -> None:
    plan = planned(answered(planned(), PAID["id"], seats=seats, renew=True))
    if removed:
        assert numbers(plan)["remove-seats-at-renewal"] == (removed, 10 * removed)
        (decided,) = plan.decided_seats
        assert (decided.enabled_before, decided.enabled) == (20, 20 - removed)
        assert [(row.id, row.total_licenses) for row in decided.subscriptions] == [(PAID["id"], seats)]
    assert plan.notices == ()


def test_end_of_the_trial_removes_no_paid_seats() -> None:
    plan = planned(answered(planned(), TRIAL["id"], seats=10, renew=False))
    assert numbers(plan) == {"remove-seats-at-renewal": (7, 70), "trial": (1, None)}
    (decided,) = plan.decided_seats
    assert [(row.id, row.total_licenses) for row in decided.subscriptions] == [(TRIAL["id"], 0)]
    deciding = [
        number for number, action in enumerate(plan.actions, 1) if "decided by" in " ".join(action.prerequisites)
    ]
    assert [plan.actions[number - 1].title for number in deciding] == ["Let the trial of Microsoft 365 E3 end"]
    assert deciding == [decided.action]


@pytest.mark.parametrize(("seats", "left"), [(13, 13), (5, 10)])
def test_decision_about_the_product_keeps_the_seats_of_the_trial(seats: int, left: int) -> None:
    """Two subscriptions are paid, so that the question is about the product: its seats include those of the trial."""
    half = [{**PAID, "id": name, "totalLicenses": 5} for name in ("one", "two")]
    before = planned(rows=(*half, TRIAL))
    plan = planned(answered(before, E3, seats=seats, renew=True), rows=(*half, TRIAL))
    assert numbers(plan)["remove-seats-at-renewal"] == (20 - left, 10 * (20 - left))
    assert [notice.code for notice in plan.notices] == ([] if seats == left else ["decision.seats"])


@pytest.mark.parametrize(
    ("maximum", "removed", "subjects"), [(12, 0, {TRIAL["id"]}), (8, 2, {TRIAL["id"], PAID["id"]})]
)
def test_limit_on_purchased_seats_asks_about_paid_ones_only_if_too_many_are_left_without_the_trial(
    maximum: int, removed: int, subjects: set[str]
) -> None:
    rules = RULES.replace("spare: {max: 0}", f"purchased: {{max: {maximum}}}")
    plan = planned(rules=rules)
    assert [action.count for action in plan.actions if action.kind != "trial"] == ([removed] if removed else [])
    assert {question.subject for question in plan.questions} == subjects
