"""Order of actions: a purchase comes before the first request that takes its seats, of any kind."""

from typing import Any

import pytest

from auditor.domain.actions.action import Action
from auditor.domain.actions.kind import ActionKind
from auditor.remedy.planner.draft import bought_first
from tests.builders.tenant.answers import answered_plan
from tests.builders.tenant.plan_tenants import F3, VISIO, grant, group, snapshot, user
from tests.builders.tenant.tenants import policy_set


def action(name: str, kind: ActionKind, product: str = "") -> Action:
    return Action(id=name, guidance="", findings=(), title=name, kind=kind, sku_id=product)


@pytest.mark.parametrize(
    ("takers", "order"),
    [
        ({}, "set leave buy-e3 buy-f3 move"),
        ({"move": {"f3"}}, "set leave buy-e3 buy-f3 move"),
        ({"set": {"f3"}}, "buy-f3 set leave buy-e3 move"),  # a membership rule adds them to a group that assigns it
        ({"set": {"e3"}, "leave": {"f3"}, "move": {"f3"}}, "buy-e3 set buy-f3 leave move"),
    ],
)
def test_bought_first_moves_purchases_before_the_first_taker_of_their_seats(
    takers: dict[str, set[str]], order: str
) -> None:
    actions = (
        action("set", ActionKind.ATTRIBUTE_SET),
        action("leave", ActionKind.LEAVE_GROUP),
        action("buy-e3", ActionKind.BUY, "e3"),
        action("buy-f3", ActionKind.BUY, "f3"),
        action("move", ActionKind.MOVE),
    )
    assert " ".join(ordered_action.id for ordered_action in bought_first(actions, takers)) == order


@pytest.mark.slow
def test_seats_of_a_dynamic_group_are_bought_before_the_property_is_set() -> None:
    text = """policies:
  - {id: placed, severity: low, attributes: {require: [department]}}
  - {id: office, severity: high, users: {department: Office}, assignments: {require: [SPE_F1]}}
"""
    kind: dict[str, Any] = {"groupTypes": ["DynamicMembership"], "membershipRule": 'user.department -eq "Sales"'}
    sales = group("SALES", F3, **kind, membershipRuleProcessingState="On", members=["known"])
    people = [
        user("known", grant(F3, "g1"), department="Sales"),
        user("placeless", grant(VISIO), department=None),
        user("office", department="Office"),
    ]
    plan, _ = answered_plan([snapshot(people, {F3: 1, VISIO: 1}, groups=[sales])], policy_set(text))
    (tenant,) = plan.tenants
    assert (plan.proven, tenant.proof.remaining) == (True, ())
    assert [(plan_action.kind, plan_action.count) for plan_action in tenant.actions] == [
        ("buy", 2),
        ("attribute-set", 1),
        ("assign", 1),
    ]
