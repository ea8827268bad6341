"""The actions to which a plan adds what changes about seats: decisions, and findings that its requests fix."""

from typing import Any

import pytest

from tests.builders.tenant.answers import decided_plan
from tests.builders.tenant.crowded_tenant import subscription
from tests.builders.tenant.plan_tenants import E3, grant, group, snapshot, user

IDLE = """version: 1
policies:
  - {id: idle, owner: finance, severity: low, seats: {of: paid, spare: {max: 1}}}
  - {id: stock, owner: desk, severity: high, seats: {of: paid, spare: {max: 9}}}
"""
ENDING = """version: 1
policies:
  - {id: ending, severity: low, subscriptions: {of: paid, expiring: {within: 90d}}}
"""
HOLDERS = [user("stays", grant(E3))]


def test_decided_seats_with_a_finding_belong_to_the_owners_of_its_policies() -> None:
    tenant = snapshot(HOLDERS, {E3: 6})
    (question,) = decided_plan(IDLE, [tenant]).tenants[0].questions
    answer = {"question": question.id, "answer": {"renewal": {"seats": 2, "renew": True}}}
    (action,) = decided_plan(IDLE, [tenant], answer).tenants[0].actions
    assert (action.kind, action.count, action.owners) == ("remove-seats-at-renewal", 4, ("finance",))


@pytest.mark.parametrize(
    ("renewed", "title", "confidence"),
    [
        ((True, True), "Renew Microsoft 365 E3", "certain"),
        ((False, False), "Prepare for the end of Microsoft 365 E3", "certain"),
        ((True, False), "Renew Microsoft 365 E3, or prepare for its end", "review"),
        ((True, None), "Renew Microsoft 365 E3, or prepare for its end", "review"),
    ],
)
def test_action_about_subscriptions_follows_decisions_that_agree(
    renewed: tuple[bool | None, bool | None], title: str, confidence: str
) -> None:
    rows = [{**subscription("SPE_E3", 3, f"2026-12-{day}"), "id": f"s{day}"} for day in (10, 20)]
    tenant = snapshot([user("nobody")], {E3: 6}, subscriptions=rows)
    by_subject = {question.subject: question.id for question in decided_plan(ENDING, [tenant]).tenants[0].questions}
    decisions = [
        {"question": by_subject[row["id"]], "answer": {"renewal": {"seats": 3, "renew": renew}}}
        for row, renew in zip(rows, renewed, strict=True)
        if renew is not None
    ]
    actions = decided_plan(ENDING, [tenant], *decisions).tenants[0].actions
    assert [(a.title, a.confidence) for a in actions if a.kind == "expiring"] == [(title, confidence)]


@pytest.mark.parametrize(("usable", "findings"), [(3, [3, 1]), (4, [2, 1])])
@pytest.mark.parametrize("by_group", [1, 2])
@pytest.mark.parametrize("facts", [{"department": "Shop"}, {"accountEnabled": False}])
def test_missing_seats_are_part_of_the_action_whose_requests_free_most_of_them(
    usable: int, findings: list[int], by_group: int, facts: dict[str, Any]
) -> None:
    ((name, value),) = facts.items()
    rules = f"""version: 1
policies:
  - {{id: shop, severity: low, users: {{{name}: {str(value).lower()}}}, assignments: {{of: paid, allow: []}}}}
  - {{id: enough, severity: critical, seats: {{of: [SPE_E3], spare: {{min: 0}}}}}}
"""
    grants = [grant(E3, "g1")] * by_group + [grant(E3)] * (3 - by_group)
    people = [user(f"shop{number}", given, **facts) for number, given in enumerate(grants)]
    tenant = snapshot([*people, *HOLDERS], {E3: usable}, groups=[group("g1", E3)])
    plan = decided_plan(rules, [tenant]).tenants[0]
    actions = sorted(plan.actions, key=lambda action: -action.count)
    assert [action.kind for action in actions] == (
        ["unassign", "group-license"] if by_group == 1 else ["group-license", "unassign"]
    )
    assert ([len(action.findings) for action in actions], plan.proof.remaining) == (findings, ())
    missing = usable == 3
    assert actions[0].concern is not None
    assert actions[0].concern.worst == ("critical" if missing else "low")
    assert ("no seats have to be bought" in " ".join(actions[0].next)) is missing
    assert ("3 seats today, 4 assigned" in " ".join(actions[0].prerequisites)) is missing
