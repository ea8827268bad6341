"""Data needs of policies: exactly the sources and properties that they use."""

import pytest

from auditor.checks.data_needs import ALWAYS, PEOPLE, needs
from auditor.domain.enums import Source
from auditor.policy.loader import load

PEOPLE_SOURCES = ALWAYS.sources | PEOPLE.sources


def needed(block: str, users: str = "{}", more: str = ""):  # type: ignore[no-untyped-def]
    text = f"version: 1\npolicies: [{{id: a, severity: low, users: {users}, {block}}}]\n{more}"
    return needs(load([("p.yaml", text.encode())]).policies)


@pytest.mark.parametrize(
    ("block", "more"),
    [
        ("seats: {spare: {min: 1}}", set()),
        ("seats: {of: trial, spare: {min: 1}}", {Source.SUBSCRIPTIONS}),
        ("purchases: {unknown: deny}", set()),
        ("purchases: {trials: deny}", {Source.SUBSCRIPTIONS}),
        ("subscriptions: {states: {deny: [Warning]}}", {Source.SUBSCRIPTIONS}),
        ("balance: {spare: {min: 1, max: 2}}", set()),
        ("budget: {limit: 1}", set()),
        ("health: {groups: deny}", {Source.GROUPS}),
        ("health: {errors: deny}", {Source.USERS}),
        ("seats: {assigned: {max: 1}}", {Source.USERS}),
        ("attributes: {require: [city]}", {Source.USERS}),
        ("attributes: {require: [mailboxType]}", {Source.USERS, Source.MAILBOXES}),
        ("assignments: {allow: [paid]}", {Source.USERS}),
        ("assignments: {allow: [trial]}", {Source.USERS, Source.SUBSCRIPTIONS}),
    ],
)
def test_sources_of_constraint_blocks(block: str, more: set[Source]) -> None:
    assert needed(block).sources == ALWAYS.sources | more


@pytest.mark.parametrize(
    ("users", "sources", "properties"),
    [
        ("{city: Oslo}", set(), {"city"}),
        ("{extensionAttribute7: x}", set(), {"onPremisesExtensionAttributes"}),
        ("{costCenter: '4711'}", set(), {"employeeOrgData"}),
        ("{division: {exists: true}}", set(), {"employeeOrgData"}),
        ("{mailboxType: shared}", {Source.MAILBOXES}, set()),
        ("{inactiveFor: 90d}", {Source.SIGN_IN_ACTIVITY}, set()),
        ("{neverSignedIn: 30d}", {Source.SIGN_IN_ACTIVITY}, {"createdDateTime"}),
        ("{createdWithin: 30d}", set(), {"createdDateTime"}),
        ("{heldFor: {atLeast: 30d}}", set(), {"assignedLicenses", "licenseAssignmentStates"}),
        ("{heldFor: {of: trial, atLeast: 30d}}", {"subscriptions"}, {"assignedLicenses", "licenseAssignmentStates"}),
        ("{managedDevice: false}", {Source.DEVICES}, set()),
        ("{licensedVia: direct}", set(), {"assignedLicenses", "licenseAssignmentStates"}),
        ("{inactiveIn: {services: [teams], for: 9d}}", {Source.USAGE}, set()),
        ("{inactiveIn: {services: [teams, copilot], for: 9d}}", {Source.USAGE, Source.COPILOT_USAGE}, set()),
        ("{inactiveIn: {services: '*', for: 9d}}", {Source.USAGE}, set()),
        ("{appsUnused: {for: 90d}}", {Source.APP_USAGE}, set()),
        ("{mailboxUsage: {archive: true}}", {Source.MAILBOX_USAGE}, set()),
        ("{agent: false}", set(), {"agent"}),
        ("{memberOf: Staff}", {Source.GROUPS, Source.MEMBERS}, set()),
        (
            "{not: {any: [{jobTitle: Chef}, {all: [{officeLocation: {matches: 'A*'}}]}]}}",
            set(),
            {"jobTitle", "officeLocation"},
        ),
        ("{holds: trial}", {Source.SUBSCRIPTIONS}, set()),
        ("{hasRole: '*'}", {Source.DIRECTORY_ROLES}, set()),
        ("{coveredBy: conditionalAccess}", {Source.CONDITIONAL_ACCESS}, {"userPrincipalName", "userType"}),
    ],
)
def test_sources_and_properties_of_selectors(users: str, sources: set[Source], properties: set[str]) -> None:
    data_needs = needed("assignments: {allow: []}", users)
    assert data_needs.sources == PEOPLE_SOURCES | sources
    assert set(data_needs.user_properties) == {*PEOPLE.user_properties, *properties}


def test_groups_are_requested_by_the_names_in_the_policy() -> None:
    data_needs = needed("assignments: {allow: []}", "{memberOf: [B, A], not: {memberOf: {group: C, transitive: true}}}")
    assert (data_needs.groups, data_needs.transitive_groups, data_needs.licensed_groups) == (("A", "B"), ("C",), False)
    assert needed("health: {groups: deny}").licensed_groups


def test_each_period_of_the_app_usage_report_is_requested_once() -> None:
    users = "{any: [{appsUnused: {for: 180d}}, {appsUnused: {apps: [word], for: 30d}}, {appsUnused: {for: 30d}}]}"
    assert needed("assignments: {allow: []}", users).app_usage_periods == ("D180", "D30")


def test_spare_seats_need_no_users_for_any_population() -> None:
    assert needed("seats: {spare: {min: 1}}", "{inactiveFor: 90d}").sources == ALWAYS.sources


def test_waiver_needs_users_only_if_a_policy_evaluates_users() -> None:
    waiver = "waivers: [{id: w, policies: [a], users: {inactiveFor: 9d}, reason: r, owner: o, expires: 2027-01-01}]"
    assert needed("seats: {spare: {min: 1}}", more=waiver).sources == ALWAYS.sources
    assert Source.SIGN_IN_ACTIVITY in needed("assignments: {allow: []}", more=waiver).sources


@pytest.mark.parametrize(
    "more",
    [
        "waivers: [{id: w, policies: [a], products: [trial], reason: r, owner: o, expires: 2027-01-01}]",
        "contracts: [{id: c, products: [trial], term: P1Y, ends: 2027-03-31, renews: automatically}]",
        "products: {free: [trial]}",
    ],
)
def test_trials_in_waivers_contracts_and_free_need_subscriptions(more: str) -> None:
    assert needed("seats: {spare: {min: 1}}", more=more).sources == ALWAYS.sources | {Source.SUBSCRIPTIONS}


def test_files_without_policies_have_the_minimal_needs() -> None:
    assert needs(load([("p.yaml", b"version: 1\npopulations: {a: {city: Oslo}}")]).policies) == ALWAYS
