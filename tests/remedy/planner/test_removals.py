"""Removals from groups, of direct licences and of the licences of empty groups: the actions, and their titles."""

from typing import Any

import pytest

from tests.builders.tenant.answers import decided_plan
from tests.builders.tenant.plan_tenants import (
    CLOUD_GROUP,
    E3,
    E5,
    F3,
    LEAVERS,
    PRICES,
    STORE,
    VISIO,
    bodies,
    grant,
    group,
    planned,
    snapshot,
    user,
)


def _leaver(*grants: dict[str, Any]) -> dict[str, Any]:
    return user("leaver", *grants, accountEnabled=False)


def test_product_that_no_left_group_assigns_is_a_separate_action_with_its_own_severity() -> None:
    people = [_leaver(grant(E3, "g1"), grant(VISIO)), user("stays", grant(VISIO)), user("member", grant(E3, "g1"))]
    groups = [group("LIC", E3, **CLOUD_GROUP)]
    over = "  - {id: over, severity: critical, seats: {of: [VISIOCLIENT], spare: {min: 0}}}\n"
    plan = planned(snapshot(people, {E3: 5, VISIO: 1}, groups=groups), LEAVERS + over + PRICES)
    named = {finding.fingerprint: finding for finding in plan.findings}
    assert [
        (action.title.partition(" – ")[0], sorted({named[fingerprint].severity for fingerprint in action.findings}))
        for action in plan.actions
    ] == [
        ("Unassign Visio Plan 2 from 1 person", ["critical", "high"]),
        ("Remove 1 person from the group that assigns Microsoft 365 E3 (LIC)", ["high"]),
    ]
    assert [len(action.requests) for action in plan.actions] == [1, 1]
    assert plan.proof.remaining == ()


def test_product_that_a_left_group_also_assigns_stays_in_the_action_about_the_group() -> None:
    people = [_leaver(grant(E3, "g1"), grant(E3))]
    plan = planned(snapshot(people, {E3: 5}, groups=[group("LIC", E3, **CLOUD_GROUP)]), LEAVERS)
    (action,) = plan.actions
    assert action.title.startswith("Remove 1 person from the group that assigns Microsoft 365 E3 (LIC)")
    assert len(action.requests) == 2


def test_title_does_not_name_a_group_that_does_not_assign_a_removed_add_on() -> None:
    base = "  - {id: base, severity: high, users: {holds: [VISIOCLIENT]}, assignments: {require: [SPE_E3]}}\n"
    rules = LEAVERS.replace("{of: paid, allow: []}", "{deny: [SPE_E3]}") + base
    people = [_leaver(grant(E3, "g1"), grant(VISIO))]
    tenant = snapshot(people, {E3: 5, VISIO: 5}, groups=[group("LIC", E3, **CLOUD_GROUP)])
    plan = decided_plan("version: 1\n" + rules, [tenant], {"for": {"policy": "leavers"}, "answer": {"release": True}})
    (action,) = plan.tenants[0].actions
    assert action.title.partition(" – ")[0] == "Unassign Microsoft 365 E3 + Visio Plan 2 from 1 person"
    assert [request["method"] for request in action.requests] == ["DELETE", "POST"]
    assert plan.tenants[0].proof.remaining == ()


@pytest.mark.parametrize("name", ["department", "Department"])
def test_decided_property_is_set_instead_of_removing_the_licence_from_the_group(name: str) -> None:
    """The names of properties in rules are not case-sensitive."""
    rules = "version: 1\npolicies: [{id: no-e3, severity: high, users: {city: Breda}, assignments: {deny: [SPE_E3]}}]"
    facts = {**CLOUD_GROUP, "groupTypes": ["DynamicMembership"], "membershipRule": f'user.{name} -eq "Store"'}
    store = group("STORE", E3, **facts, membershipRuleProcessingState="On", members=["ann"])
    tenant = snapshot([user("ann", grant(E3, "g1"), city="Breda", department="Store")], {E3: 1}, groups=[store])
    before = decided_plan(rules, [tenant]).tenants[0]
    assert [request["path"] for action in before.actions for request in action.requests] == ["/groups/g1/assignLicense"]
    (question,) = [question for question in before.questions if question.kind == "set"]
    assert question.products == ("department",)
    decision = {"question": question.id, "answer": {"set": {"department": "Office"}}}
    plan = decided_plan(rules, [tenant], decision).tenants[0]
    requests = [request for action in plan.actions for request in action.requests]
    assert [(request["path"], request["body"]) for request in requests] == [("/users/ann", {"department": "Office"})]
    assert plan.after.open == 0


def test_replacement_comes_from_the_chosen_group_instead_of_changing_the_licence_of_the_group() -> None:
    members = {"g1": ("ann", E3), "f1": ("bo", F3), "f2": ("cem", F3)}
    groups = [
        group(name.upper(), sku, identifier=name, members=[person], **CLOUD_GROUP)
        for name, (person, sku) in members.items()
    ]
    people = [user(person, grant(sku, name), department="Store") for name, (person, sku) in members.items()]
    tenant, rules = snapshot(people, {E3: 1, F3: 9}, groups=groups), f"version: 1\n{STORE}"
    (question,) = decided_plan(rules, [tenant]).tenants[0].questions
    decision = {"question": question.id, "answer": {"group": {"id": "f2"}}}
    plan = decided_plan(rules, [tenant], decision).tenants[0]
    assert [request["path"] for action in plan.actions for request in action.requests] == [
        "/groups/f2/members/$ref",
        "/groups/g1/members/ann/$ref",
    ]


OVERLAP = "policies:\n  - {id: suites, severity: medium, assignments: {exclusive: [[SPE_E3, SPE_E5]]}}\n"


def test_steps_of_a_planned_change_are_about_the_path_that_its_requests_change() -> None:
    people = [user("both", grant(E3), grant(E5, "g1")), user("other", grant(E5, "g1"))]
    plan = planned(snapshot(people, {E3: 5, E5: 5}, groups=[group("LIC", E5, **CLOUD_GROUP)]), OVERLAP)
    (action,) = plan.actions
    assert {request["path"].rpartition("/")[2] for request in action.requests} == {"assignLicense"}
    texts = "\n".join((*action.prerequisites, *action.steps, *action.warnings))
    assert "On the **Licenses and Apps** tab of the user" in texts
    assert "If the licence is" not in texts
    assert "from a licensed group" not in texts


def test_suite_is_not_removed_because_the_smaller_product_would_have_spare_seats() -> None:
    """Without the suite the person would lose Teams and Office; that is for somebody to decide, not for the plan."""
    rules = (
        OVERLAP.replace("SPE_E5", "VISIOCLIENT")
        + "  - {id: spare, severity: low, seats: {of: paid, spare: {max: 0}}}\n"
    )
    tenant = snapshot([user("both", grant(E3), grant(VISIO)), user("other", grant(E3))], {E3: 3, VISIO: 1})
    plan = planned(tenant, rules)
    assert [action for action in plan.actions if action.requests] == []
    assert "idle" in {item.code for item in plan.proof.remaining}
    decision = {"for": {"policy": "suites"}, "answer": {"keep": "VISIOCLIENT"}}
    (decided,) = decided_plan("version: 1\n" + rules, [tenant], decision).tenants
    titles = [action.title for action in decided.actions if action.requests]
    assert titles == ["Unassign Microsoft 365 E3 from 1 person"]


def test_steps_for_a_product_that_is_also_assigned_directly_are_about_both_paths() -> None:
    people = [_leaver(grant(E3, "g1"), grant(E3))]
    plan = planned(snapshot(people, {E3: 5}, groups=[group("LIC", E3, **CLOUD_GROUP)]), LEAVERS)
    (action,) = plan.actions
    steps = "\n".join(action.steps)
    assert "Direct assignment: Clear the products" in steps
    assert "Group assignment: In the Microsoft Entra admin center" in steps


def test_move_to_a_product_that_a_group_should_give_follows_the_article_about_its_error() -> None:
    """Steps that assign the product directly would leave the error of the group."""
    rules = STORE + "  - {id: errors, severity: low, health: {errors: deny}}\n"
    mixed = user("mixed", grant(E3), grant(F3, "g1", error="MutuallyExclusiveViolation"), department="Store")
    plan = planned(snapshot([mixed], {E3: 5, F3: 5}, groups=[group("LIC", F3, **CLOUD_GROUP)]), rules)
    (action,) = [action for action in plan.actions if action.requests]
    assert action.title == "Move 1 person from Microsoft 365 E3 to Microsoft 365 F3"
    assert [request["path"].rpartition("/")[2] for request in action.requests] == [
        *("assignLicense", "reprocessLicenseAssignment"),
    ]
    assert action.guidance == "group-error-exclusive"


EMPTY = "policies:\n  - {id: empty, severity: low, health: {empty: deny}}\n"


def empty(*skus: str, **facts: Any) -> dict[str, Any]:
    return group("LIC-Old", *skus, **{**CLOUD_GROUP, "members": [], "memberCount": 0, **facts})


def test_all_licences_of_an_empty_group_are_removed_in_one_request() -> None:
    plan = planned(snapshot([user("ann")], {E3: 5, VISIO: 5}, groups=[empty(E3, VISIO)]), EMPTY)
    ((path, added, removed),) = bodies(plan)
    assert (path, added, sorted(removed)) == ("/groups/g1/assignLicense", [], ["SPE_E3", "VISIOCLIENT"])
    (action,) = plan.actions
    assert action.title == "Remove the licences of the group LIC-Old, which has no members, or add its members"
    assert action.confidence == "review"
    assert plan.proof.fixed == action.findings
    assert not plan.proof.remaining


@pytest.mark.parametrize(
    "facts",
    [
        {"groupTypes": ["DynamicMembership"], "membershipRule": 'user.department -eq "X"'},
        {"onPremisesSyncEnabled": True},
        {"licenseProcessingState": {"state": "QueuedForProcessing"}},
    ],
    ids=["a rule adds members", "the local directory adds members", "processing is pending"],
)
def test_group_that_may_get_members_keeps_its_licences(facts: dict[str, Any]) -> None:
    plan = planned(snapshot([user("ann")], {E3: 5}, groups=[empty(E3, **facts)]), EMPTY)
    assert bodies(plan) == []
    assert [item.code for item in plan.proof.remaining] == ["person"]


def test_group_whose_licence_is_still_assigned_to_a_user_keeps_it() -> None:
    """The membership has ended, but Microsoft Entra ID has not processed the removal yet."""
    plan = planned(snapshot([user("ann", grant(E3, "g1"))], {E3: 5}, groups=[empty(E3)]), EMPTY)
    assert bodies(plan) == []
    assert [item.code for item in plan.proof.remaining] == ["person"]
