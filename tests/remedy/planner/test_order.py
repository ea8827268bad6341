"""The order of the requests and of the actions of a plan."""

from typing import Any

import pytest

from auditor.domain.actions.action import Action
from auditor.domain.actions.kind import ActionKind
from auditor.remedy.planner.draft import bought_first
from tests.builders.tenant.answers import answered_plan
from tests.builders.tenant.plan_tenants import CLOUD_GROUP, E3, F3, VISIO, bodies, grant, group, planned, snapshot, user
from tests.builders.tenant.tenants import policy_set

TEXT = """policies:
  - {id: store, severity: high, users: {department: Store}, assignments: {deny: [SPE_E3], require: [SPE_F1]}}
  - {id: office, severity: medium, users: {department: Office}, assignments: {deny: [SPE_F1], require: [SPE_E3]}}
"""
TEAMS, YAMMER = "57ff2da0-773e-42df-b2af-ffb7a2317929", "7547a3fe-08ee-4ccb-b430-5077c5041653"
PEOPLE = [user("ann", grant(E3), department="Store"), user("bo", grant(F3), department="Office")]


def test_move_comes_after_a_less_severe_one_that_frees_its_seat() -> None:
    plan = planned(snapshot(PEOPLE, {E3: 2, F3: 1}), TEXT)
    assert bodies(plan) == [
        ("/users/bo/assignLicense", ["SPE_E3"], ["SPE_F1"]),
        ("/users/ann/assignLicense", ["SPE_F1"], ["SPE_E3"]),
    ]
    assert (plan.after.open, plan.dropped, plan.solver.optimal) == (0, (), True)


def test_more_severe_move_comes_first_if_both_have_a_free_seat() -> None:
    plan = planned(snapshot(PEOPLE, {E3: 2, F3: 2}), TEXT)
    assert [path for path, _, _ in bodies(plan)] == ["/users/ann/assignLicense", "/users/bo/assignLicense"]


def test_moves_that_wait_for_each_other_are_left_out_and_reported() -> None:
    plan = planned(snapshot(PEOPLE, {E3: 1, F3: 1}), TEXT)
    assert bodies(plan) == []
    assert [item.subject for item in plan.dropped] == ["ann", "bo"]
    assert (plan.solver.optimal, plan.solver.reached, plan.solver.bound) == (False, 0, 2200)


def test_title_names_the_services_that_are_turned_on_and_off() -> None:
    ann = user("ann", grant(E3, off=(TEAMS,)), department="Office")
    text = """policies:
  - id: services
    severity: low
    assignments: {services: {require: [TEAMS1], deny: [YAMMER_ENTERPRISE]}}
"""
    action = planned(snapshot([ann], {E3: 1}), text).actions[0]
    assert action.title == (
        "Turn off Yammer Enterprise (YAMMER_ENTERPRISE) and turn on Microsoft Teams (TEAMS1) for 1 person"
    )
    assert action.requests[0]["body"]["addLicenses"][0]["disabledPlans"] == [YAMMER]


def test_duplicate_is_removed_after_the_group_licence_is_retried() -> None:
    erring = group("LIC-E3", E3, hasMembersWithLicenseErrors=True, members=["ann"])
    ann = user("ann", grant(E3), grant(E3, "g1", error="CountViolation"))
    text = """policies:
  - {id: errors, severity: high, health: {errors: deny}}
  - {id: twice, severity: low, assignments: {duplicates: deny}}
  - {id: none, severity: low, assignments: {deny: [SPE_E3]}}
"""
    paths = [
        request["path"].rpartition("/")[2]
        for action in planned(snapshot([ann], {E3: 1}, groups=[erring]), text).actions
        for request in action.requests
    ]
    assert paths == ["reprocessLicenseAssignment", "assignLicense"]


def test_requests_about_ids_that_are_encoded_in_paths_are_planned() -> None:
    assigned = {**CLOUD_GROUP, "members": ["bo/1", "cy"]}
    text = "policies: [{id: a, severity: high, users: {accountEnabled: false}, assignments: {of: paid, allow: []}}]"
    groups = [group("LIC-E3", E3, identifier="g 1", **assigned)]
    people = [
        user("ann@x", grant(E3), accountEnabled=False),
        user("bo/1", grant(E3, "g 1"), accountEnabled=False),
        user("cy", grant(E3, "g 1")),
    ]
    plan = planned(snapshot(people, {E3: 5}, groups=groups), text)
    assert [request["path"] for action in plan.actions for request in action.requests] == [
        "/users/ann%40x/assignLicense",
        "/groups/g%201/members/bo%2F1/$ref",
    ]
    assert (plan.after.open, plan.dropped) == (0, ())


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
