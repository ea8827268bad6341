"""The summary of a plan."""

from msgspec.structs import replace

from auditor.policy.loader import load
from auditor.remedy.messages import ENGLISH
from auditor.render.plan.summary import summary
from tests.builders.tenant.answers import answered_plan
from tests.builders.tenant.crowded_tenant import subscription
from tests.builders.tenant.plan_tenants import E3, PRICES, VISIO, grant, planned, snapshot, user

LEAVERS = (
    "policies: [{id: leavers, severity: high, users: {accountEnabled: false}, assignments: {of: paid, allow: []}}]\n"
)


def test_plan_with_excluded_alternatives_is_not_called_the_best() -> None:
    plan = planned(snapshot([user("ann", grant(E3), accountEnabled=False)], {E3: 5}), LEAVERS)
    for solver in ("none", "walk", "milp"):
        limited = replace(plan, solver=replace(plan.solver, name=solver, optimal=False))
        text = " ".join(summary(limited, ENGLISH))
        assert "A better plan may exist" in text


def test_findings_fixed_by_decided_seats_are_counted_apart_from_those_fixed_by_requests() -> None:
    spare = LEAVERS.replace("]\n", ", {id: spare, severity: low, seats: {of: [SPE_E3], spare: {max: 1}}}]\n")
    people = [user("ann", grant(E3), accountEnabled=False), user("bo", grant(E3))]
    state = snapshot(people, {E3: 9}, subscriptions=[subscription("SPE_E3", 9, "2026-12-20")])
    plan, _ = answered_plan([state], load([("policies/p.yaml", f"version: 1\n{spare}".encode())]).policies)
    first, *_ = summary(plan.tenants[0], ENGLISH)
    assert first.endswith(
        "has 2 open findings. Decided purchases and renewals fix 1 of them. 1 request fixes 1 of them; 0 remain."
    )


def test_missing_prices_are_mentioned_only_if_there_is_a_price_list() -> None:
    state = snapshot([user("ann", grant(E3), accountEnabled=False)], {E3: 5})
    for prices, mentioned in (("", False), (PRICES, True)):
        plan = planned(state, LEAVERS + prices)
        plan = replace(plan, solver=replace(plan.solver, unpriced=(VISIO,)))
        assert any("Products without a price" in text for text in summary(plan, ENGLISH)) == mentioned
