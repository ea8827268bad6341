"""Plans: the changes that they make, their number of requests, their proof, and the reasons for what remains."""

from typing import Any

import pytest

from auditor.catalogue import builtin
from auditor.domain.enums import Agreement, Source, SourceStatus
from auditor.domain.policy.data_needs import EVERYTHING_ABOUT_USERS
from tests.builders.tenant.plan_tenants import (
    E3,
    E5,
    F3,
    LEAVERS,
    PRICES,
    STORE,
    VISIO,
    bodies,
    fleet,
    grant,
    planned,
    snapshot,
    user,
)

OFFICE = """policies:
  - id: office
    severity: high
    users: {department: Office}
    assignments: {require: [SPE_E3]}
"""


def test_move_is_one_request_and_keeps_disabled_plans() -> None:
    off = [plan for plan in _plans(E3) if plan in _plans(F3)][:1]
    ann = user("ann", grant(E3, off=(off[0],)), department="Store")
    plan = planned(snapshot([ann], {E3: 5, F3: 5}), STORE + PRICES)
    assert bodies(plan) == [("/users/ann/assignLicense", ["SPE_F1"], ["SPE_E3"])]
    assert [request["body"]["addLicenses"][0]["disabledPlans"] for a in plan.actions for request in a.requests] == [off]
    assert (plan.actions[0].title, plan.actions[0].guidance) == (
        "Move 1 person from Microsoft 365 E3 to Microsoft 365 F3",
        "move-users",
    )
    assert plan.after.open == 0
    assert f"{plan.actions[0].money.per_month:.2f}" == "28.20"  # type: ignore[union-attr]


def test_additional_product_keeps_disabled_plans_of_the_held_product() -> None:
    off = [plan for plan in _plans(F3) if plan in _plans(E3)][:1]
    ann = user("ann", grant(F3, off=(off[0],)), department="Office")
    plan = planned(snapshot([ann], {E3: 5, F3: 5}), OFFICE + PRICES)
    assert bodies(plan) == [("/users/ann/assignLicense", ["SPE_E3"], [])]
    assert plan.actions[0].requests[0]["body"]["addLicenses"][0]["disabledPlans"] == off


def test_additional_product_enables_a_required_service_that_the_held_product_disables() -> None:
    ann = user("ann", grant(F3, off=(_teams(F3),)), department="Office")
    plan = planned(
        snapshot([ann], {E3: 5, F3: 5}), OFFICE.replace("[SPE_E3]}", "[SPE_E3], services: {require: [TEAMS1]}}")
    )
    assert (plan.before.open, plan.after.open) == (2, 0)


def _teams(sku_id: str) -> str:
    product = builtin().product(sku_id)
    assert product is not None
    return next(plan.id for plan in product.plans if plan.name == "TEAMS1")


def _plans(sku_id: str) -> list[str]:
    product = builtin().product(sku_id)
    assert product is not None
    return [plan.id for plan in product.plans]


def test_product_is_not_removed_if_its_replacement_has_no_seat() -> None:
    ann = user("ann", grant(E3), department="Store")
    plan = planned(snapshot([ann], {E3: 5, F3: 0}), STORE)
    assert bodies(plan) == []
    assert sorted(item.code for item in plan.proof.remaining) == ["ends", "seats"]


def test_freed_seat_is_assigned_without_a_purchase() -> None:
    """The only seat is that of the leaver; the action that frees it comes before the action that takes it."""
    leaver = user("leaver", grant(F3), accountEnabled=False)
    new = user("new", department="Store")
    text = """policies:
  - {id: leavers, severity: high, users: {accountEnabled: false}, assignments: {of: paid, allow: []}}
  - {id: store, severity: high, users: {department: Store}, assignments: {require: [SPE_F1]}}
"""
    plan = planned(snapshot([leaver, new], {F3: 1}), text)
    assert bodies(plan) == [
        ("/users/leaver/assignLicense", [], ["SPE_F1"]),
        ("/users/new/assignLicense", ["SPE_F1"], []),
    ]
    assert (len(plan.proof.fixed), plan.proof.remaining, plan.proof.new) == (2, (), ())


def test_plan_assigns_the_cheapest_product_that_satisfies_every_policy() -> None:
    text = """policies:
  - {id: suite, severity: high, assignments: {require: [[SPE_E5, SPE_E3, SPE_F1]]}}
  - {id: office, severity: high, users: {department: Office}, assignments: {deny: [SPE_F1]}}
"""
    people = [user("ann", department="Office"), user("bo", department="Store")]
    plan = planned(snapshot(people, {E3: 5, E5: 5, F3: 5}), text + PRICES)
    assert sorted(bodies(plan)) == [
        ("/users/ann/assignLicense", ["SPE_E3"], []),
        ("/users/bo/assignLicense", ["SPE_F1"], []),
    ]


@pytest.mark.slow
def test_seats_go_to_findings_of_higher_severity_first() -> None:
    text = """policies:
  - {id: low, severity: low, users: {department: Store}, assignments: {require: [SPE_F1]}}
  - {id: high, severity: high, users: {department: Ward}, assignments: {require: [SPE_F1]}}
"""
    people = [user("ann", department="Store"), user("bo", department="Ward")]
    for solver in (None, "walk", "milp"):
        plan = planned(snapshot(people, {F3: 1}), text, solver=solver)
        assert bodies(plan) == [("/users/bo/assignLicense", ["SPE_F1"], [])]
        assert [(item.code, len(plan.proof.fixed)) for item in plan.proof.remaining] == [("seats", 1)]


def test_group_licence_is_not_removed_from_the_user() -> None:
    group = {"id": "g1", "displayName": "LIC-E3", "assignedLicenses": [{"skuId": E3}], "members": ["ann", "bo"]}
    people = [user("ann", grant(E3, "g1"), accountEnabled=False), user("bo", grant(E3, "g1"))]
    plan = planned(snapshot(people, {E3: 5}, groups=[group]), LEAVERS)
    assert bodies(plan) == []
    assert [item.code for item in plan.proof.remaining] == ["group"]
    assert plan.actions[0].title.startswith("Remove 1 person from the group that assigns Microsoft 365 E3 (LIC-E3)")


def test_direct_duplicate_of_a_group_licence_is_removed() -> None:
    people = [user("ann", grant(E3, "g1"), grant(E3))]
    text = "policies: [{id: twice, severity: low, assignments: {duplicates: deny}}]"
    plan = planned(snapshot(people, {E3: 5}), text)
    assert bodies(plan) == [("/users/ann/assignLicense", [], ["SPE_E3"])]
    assert plan.after.open == 0


def test_duplicate_that_alone_enables_a_service_is_kept() -> None:
    people = [user("ann", grant(E3, "g1", off=(_plans(E3)[0],)), grant(E3))]
    text = "policies: [{id: twice, severity: low, assignments: {duplicates: deny}}]"
    plan = planned(snapshot(people, {E3: 5}), text)
    assert (bodies(plan), [item.code for item in plan.proof.remaining]) == ([], ["ends"])


def test_change_that_would_leave_too_many_seats_idle_is_left_out_and_reported() -> None:
    text = LEAVERS + "  - {id: idle, severity: medium, seats: {of: paid, spare: {max: 1}}}\n"
    people = [user(name, grant(VISIO), accountEnabled=False) for name in ("ann", "bo")]
    plan = planned(snapshot(people, {VISIO: 2}), text)
    assert len(bodies(plan)) == 1
    assert [item.code for item in plan.proof.remaining] == ["idle"]
    assert plan.proof.new == ()


def test_change_that_causes_a_new_finding_is_dropped() -> None:
    """Limits do not cover pools: only the audit of the simulated tenant shows that the change violates one."""
    text = LEAVERS + "  - {id: pool, severity: medium, seats: {of: paid, spare: {max: 1}, pool: true}}\n"
    people = [user(name, grant(VISIO), accountEnabled=False) for name in ("ann", "bo")]
    plan = planned(snapshot(people, {VISIO: 2}), text)
    assert (bodies(plan), plan.proof.new) == ([], ())
    assert {item.code for item in plan.proof.remaining} == {"limit"}
    assert {item.subject for item in plan.dropped} == {"ann", "bo"}


@pytest.mark.slow
def test_plan_respects_the_balance_of_the_fleet() -> None:
    text = LEAVERS + "  - {id: fair, severity: low, balance: {of: paid, spare: {min: 1, max: 1}}}\n"
    contoso = snapshot([user(name, grant(VISIO), accountEnabled=False) for name in ("ann", "bo")], {VISIO: 2})
    fabrikam = snapshot([user("cem", grant(VISIO))], {VISIO: 1}, name="fabrikam")
    plan = fleet([contoso, fabrikam], text)
    assert plan.proven
    assert len(bodies(plan.tenants[0])) < 2


def test_overlap_keeps_the_product_with_more_services() -> None:
    text = "policies: [{id: one, severity: low, assignments: {exclusive: [[SPE_E3, SPE_E5]]}}]\n"
    plan = planned(snapshot([user("ann", grant(E3), grant(E5))], {E3: 1, E5: 1}), text + PRICES)
    assert bodies(plan) == [("/users/ann/assignLicense", [], ["SPE_E3"])]
    assert (plan.actions[0].guidance, plan.actions[0].confidence) == ("overlap", "review")
    assert any("lose these services" in warning for warning in plan.actions[0].warnings)


def test_retry_comes_after_the_change_that_frees_its_seat() -> None:
    group = licensing_group("new", sku=F3) | {"hasMembersWithLicenseErrors": True}
    people = [
        user("leaver", grant(F3), accountEnabled=False),
        user("new", grant(F3, "g1", error="CountViolation"), department="Store"),
    ]
    text = LEAVERS + (
        "  - {id: errors, severity: high, health: {errors: deny, groups: deny}}\n"
        "  - {id: store, severity: high, users: {department: Store}, assignments: {require: [SPE_F1]}}\n"
    )
    plan = planned(snapshot(people, {F3: 1}, groups=[group]), text)
    paths = [request["path"] for action in plan.actions for request in action.requests]
    assert paths == ["/users/leaver/assignLicense", "/users/new/reprocessLicenseAssignment"]
    assert (plan.before.open, plan.after.open) == (4, 0)


def test_retry_is_a_separate_action_from_other_changes_of_the_user() -> None:
    group = licensing_group("ann", sku=F3) | {"hasMembersWithLicenseErrors": True}
    ann = user("ann", grant(VISIO), grant(F3, "g1", error="CountViolation"))
    text = "policies:\n  - {id: errors, severity: low, health: {errors: deny}}\n"
    text += "  - {id: visio, severity: high, assignments: {deny: [VISIOCLIENT]}}\n"
    plan = planned(snapshot([ann], {F3: 1, VISIO: 1}, groups=[group]), text)
    assert [(action.kind, len(action.requests), len(action.findings)) for action in plan.actions] == [
        ("unassign", 1, 1),
        ("reprocess", 1, 1),
    ]
    assert plan.actions[1].title == "Reprocess the group licences of 1 person: Microsoft 365 F3"
    assert plan.after.open == 0


def test_leaver_gets_no_product_in_addition_to_a_group_licence() -> None:
    people = [user("ann", grant(E3, "g1"), accountEnabled=False), user("bo", grant(E3, "g1"), department="Sales")]
    text = STORE.replace("{department: Store}", "{accountEnabled: false}")
    plan = planned(snapshot(people, {E3: 2, F3: 2}, groups=[licensing_group("ann", "bo", sku=E3)]), text)
    assert bodies(plan) == []
    assert [item.code for item in plan.proof.remaining] == ["group", "group"]


def test_services_are_switched_without_removing_the_licence() -> None:
    teams = _teams(E3)
    text = """policies:
  - {id: on, severity: low, users: {department: Office}, assignments: {services: {require: [TEAMS1]}}}
  - {id: off, severity: low, users: {department: Store}, assignments: {services: {deny: [TEAMS1]}}}
"""
    people = [user("ann", grant(E3, off=(teams,)), department="Office"), user("bo", grant(E3), department="Store")]
    plan = planned(snapshot(people, {E3: 2}), text)
    disabled_plans = {
        request["path"]: request["body"]["addLicenses"][0]["disabledPlans"]
        for action in plan.actions
        for request in action.requests
    }
    assert disabled_plans == {"/users/ann/assignLicense": [], "/users/bo/assignLicense": [teams]}
    assert plan.after.open == 0


@pytest.mark.parametrize(("allowed", "expected"), [("[NL]", [("PATCH", {"usageLocation": "NL"})]), ("[NL, BE]", [])])
def test_usage_location_is_set_only_if_one_value_is_allowed(allowed: str, expected: list[Any]) -> None:
    text = f"policies: [{{id: where, severity: low, attributes: {{require: [usageLocation], allow: {{usageLocation: {allowed}}}}}}}]"
    plan = planned(snapshot([user("ann", grant(E3), usageLocation=None)], {E3: 1}), text)
    assert [(r["method"], r["body"]) for action in plan.actions for r in action.requests] == expected
    assert plan.after.open == 1 - len(expected)


def test_nothing_is_changed_if_assignment_paths_were_not_collected() -> None:
    person = user("ann", grant(E3), accountEnabled=False)
    not_collected = tuple(set(EVERYTHING_ABOUT_USERS) - {"accountEnabled", "assignedLicenses", "id", "usageLocation"})
    plan = planned(snapshot([person], {E3: 1}, unasked=not_collected), LEAVERS)
    assert (bodies(plan), [item.code for item in plan.proof.remaining]) == ([], ["paths"])


def test_plan_of_an_incomplete_snapshot_lists_what_it_omits() -> None:
    shared = "severity: low, users: {mailboxType: shared}, assignments: {deny: paid}"
    text = f"{LEAVERS}  - {{id: mail, {shared}}}\n  - {{id: room, {shared}}}\n"
    state = snapshot(
        [user("ann", grant(E3), accountEnabled=False)], {E3: 1}, statuses={Source.MAILBOXES: SourceStatus.DENIED}
    )
    plan = fleet([state], text)
    assert not plan.complete
    assert any(item.startswith("Mailbox types: denied") for item in plan.tenants[0].omitted)
    assert any(item.startswith("mail, room: ") for item in plan.tenants[0].omitted)
    assert bodies(plan.tenants[0]) == [("/users/ann/assignLicense", [], ["SPE_E3"])]


@pytest.mark.parametrize(
    ("agreement", "kind"), [(Agreement.MOSA, "remove-seats"), (Agreement.MCA, "remove-seats-at-renewal")]
)
def test_agreement_decides_when_seats_are_removed(agreement: Agreement, kind: str) -> None:
    text = "policies: [{id: idle, severity: medium, seats: {of: paid, spare: {max: 1}}}]"
    plan = planned(snapshot([], {E3: 9}, agreement=agreement), text)
    assert [(action.kind, action.count) for action in plan.actions] == [(kind, 8)]


@pytest.mark.slow
def test_plan_does_not_depend_on_the_order_of_users() -> None:
    people = [user(f"u{number}", grant(E3), department="Store") for number in range(9)]
    text = STORE + PRICES
    assert planned(snapshot(people, {E3: 9, F3: 4}), text) == planned(snapshot(people[::-1], {E3: 9, F3: 4}), text)


def licensing_group(*members: str, extra: tuple[str, ...] = (), sku: str = E5) -> dict[str, Any]:
    return {
        "id": "g1",
        "displayName": "LIC-E5",
        "assignedLicenses": [{"skuId": sku}],
        "licenseProcessingState": {"state": "ProcessingComplete"},
        "members": [*members, *extra],
    }


def test_group_licence_is_changed_if_all_members_should_move() -> None:
    off = [plan for plan in _plans(E5) if plan in _plans(F3)][:1]
    people = [user(name, grant(E5, "g1", off=tuple(off)), department="Store") for name in ("ann", "bo")]
    state = snapshot(people, {E5: 2, F3: 2}, groups=[licensing_group("ann", "bo")])
    plan = planned(state, STORE.replace("SPE_E3, ", "") + PRICES)
    assert bodies(plan) == [("/groups/g1/assignLicense", ["SPE_F1"], ["SPE_E5"])]
    assert (
        plan.actions[0].title
        == "Change the group LIC-E5 to assign Microsoft 365 F3 instead of Microsoft 365 E5 to 2 people"
    )
    assert plan.after.open == 0
    assert plan.actions[0].requests[0]["body"]["addLicenses"][0]["disabledPlans"] == off
    assert any("every member of the group LIC-E5" in warning for warning in plan.actions[0].warnings)


@pytest.mark.parametrize(
    ("others", "extra", "seats"),
    [
        ([user("cem", grant(E5, "g1"), department="Office")], ("cem",), 2),
        ([], ("somebody-unknown",), 2),
        ([], (), 1),
    ],
    ids=["a member may keep it", "an unknown member", "too few seats"],
)
def test_group_licence_is_kept_unless_all_members_can_move(
    others: list[dict[str, Any]], extra: tuple[str, ...], seats: int
) -> None:
    people = [*(user(name, grant(E5, "g1"), department="Store") for name in ("ann", "bo")), *others]
    state = snapshot(people, {E5: 3, F3: seats}, groups=[licensing_group("ann", "bo", extra=extra)])
    plan = planned(state, STORE)
    assert bodies(plan) == []
    assert plan.after.open == plan.before.open == 4
