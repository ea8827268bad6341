"""Populations, by hand: who belongs, who does not, and of whom nobody knows."""

from datetime import timedelta
from typing import Any

import pytest

from auditor.domain.enums import Source, SourceStatus
from auditor.snapshot.manifest import format_instant
from tests.builders.tenant.tenants import NOW, finding_keys, judged, outcome, tenant, user

BLOCK = "assignments: {require: [SPE_F1]}"
"""Everyone of the population lacks it."""


def ago(days: float) -> str:
    return format_instant(NOW - timedelta(days=days))


def chosen(selector: str, *users: dict[str, Any], **state: Any) -> list[str]:
    return [row[1] for row in finding_keys(judged(BLOCK, tenant(*users, **state), users=selector))]


ANN = user("ann", department="Store", userType=None, createdDateTime=ago(10))
BOB = user("bob", department="", accountEnabled=False, createdDateTime=ago(400), onPremisesSyncEnabled=True)
CAS = user("cas", "SPE_E3", department="STRASSE", userType="Guest", usageLocation="NO")


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("{department: store}", "ann"),
        ("{department: straße}", "cas"),
        ("{department: [Store, Straße]}", "ann cas"),
        ("{department: null}", "bob"),
        ("{department: {exists: true}}", "ann cas"),
        ("{department: {exists: false}}", "bob"),
        ("{department: {not: Store}}", "bob cas"),
        ("{department: {notIn: [Store, null]}}", "cas"),
        ("{department: {not: null}}", "ann cas"),
        ("{department: {matches: 'st*e'}}", "ann cas"),
        ("{department: [Store, null]}", "ann bob"),
        ("{userType: Member}", "ann bob"),
        ("{userType: {exists: true}}", "ann bob cas"),
        ("{onPremisesSyncEnabled: false}", "ann cas"),
        ("{usageLocation: NO}", "cas"),
        ("{accountEnabled: false}", "bob"),
        ("{licensed: true}", "cas"),
        ("{licensed: false}", "ann bob"),
        ("{holds: paid}", "cas"),
        ("{createdWithin: 10d}", "ann"),
        ("{createdWithin: 9d}", ""),
        ("{createdDateTime: {before: 30d}}", "bob"),
        (f"{{createdDateTime: {{before: '{ago(10)}'}}}}", "bob"),
        (f"{{createdDateTime: {{after: '{ago(10)}'}}}}", ""),
        ("{createdDateTime: {after: 2026-11-01}}", "ann"),
        ("{createdDateTime: null}", "cas"),
        ("{}", "ann bob cas"),
        ("{any: [{department: Store}, {accountEnabled: false}]}", "ann bob"),
        ("{all: [{department: Store}, {accountEnabled: false}]}", ""),
        ("{not: {department: Store}, accountEnabled: true}", "cas"),
    ],
)
def test_who_belongs(selector: str, names: str) -> None:
    assert chosen(selector, ANN, BOB, CAS) == names.split()


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("{department: {matches: '*'}}", "full"),
        ("{department: ''}", "empty none"),
        ("{department: {in: ['', Store]}}", "empty full none"),
        ("{department: {not: ''}}", "full"),
        ("{userType: {matches: 'm*'}}", "empty full none"),
    ],
)
def test_the_empty_string_is_absence_in_a_tenant_and_in_a_policy(selector: str, names: str) -> None:
    people = [user("empty", department="", userType=""), user("full", department="Store"), user("none")]
    assert chosen(selector, *people) == names.split()


@pytest.mark.parametrize(
    ("activity", "selector", "belongs"),
    [
        ({"lastSignInDateTime": ago(91)}, "{inactiveFor: 90d}", True),
        ({"lastSignInDateTime": ago(90)}, "{inactiveFor: 90d}", False),
        # A phone that still fetches mail is use: the latest of all stamps counts.
        ({"lastSignInDateTime": ago(200), "lastNonInteractiveSignInDateTime": ago(2)}, "{inactiveFor: 90d}", False),
        (
            {"lastSignInDateTime": ago(200), "lastNonInteractiveSignInDateTime": ago(2)},
            "{inactiveFor: 90d, signal: interactive}",
            True,
        ),
        ({"lastSuccessfulSignInDateTime": ago(200)}, "{inactiveFor: 90d, signal: successful}", True),
        # Absent is not inactive.
        (None, "{inactiveFor: 1d}", False),
        ({}, "{neverSignedIn: 30d}", True),
        (None, "{neverSignedIn: 30d}", True),
        ({"lastSignInDateTime": ""}, "{neverSignedIn: 30d}", True),
        ({"lastSignInDateTime": "0001-01-01T00:00:00Z"}, "{neverSignedIn: 30d}", True),
        ({"lastSignInDateTime": "0001-01-01T00:00:00Z"}, "{inactiveFor: 30d}", False),
        ({"lastNonInteractiveSignInDateTime": ago(500)}, "{neverSignedIn: 30d}", False),
    ],
)
def test_inactive_and_never_signed_in_are_two_things(
    activity: dict[str, str] | None, selector: str, *, belongs: bool
) -> None:
    ann = user("ann", createdDateTime=ago(100), signInActivity=activity)
    assert bool(chosen(selector, ann)) is belongs


@pytest.mark.parametrize(("created", "belongs"), [(ago(30), True), (ago(29), False), (None, True)])
def test_a_new_account_has_time_to_sign_in(created: str | None, *, belongs: bool) -> None:
    assert bool(chosen("{neverSignedIn: 30d}", user("ann", createdDateTime=created))) is belongs


def test_without_sign_in_data_nobody_is_inactive_and_nothing_passes() -> None:
    """A premium licence is missing: everybody would be inactive to a careless reader, and nobody to another."""
    state = tenant(ANN, BOB, unread={Source.SIGN_IN_ACTIVITY: SourceStatus.UNAVAILABLE})
    result = judged(BLOCK, state, users="{any: [{inactiveFor: 90d}, {neverSignedIn: 30d}]}")
    assert (finding_keys(result), outcome(result), result.policies[0].missing) == (
        [],
        "not-evaluated",
        ("signInActivity",),
    )


def test_what_can_be_decided_without_the_unknown_is_decided() -> None:
    state = tenant(ANN, BOB, unread={Source.SIGN_IN_ACTIVITY: SourceStatus.UNAVAILABLE})
    certain = judged(BLOCK, state, users="{any: [{department: Store}, {inactiveFor: 90d}]}")
    assert ([row[1] for row in finding_keys(certain)], outcome(certain)) == (["ann"], "not-evaluated")
    impossible = judged(BLOCK, state, users="{department: Nobody, inactiveFor: 90d}")
    assert (finding_keys(impossible), outcome(impossible)) == ([], "pass")
    harmless = judged("assignments: {deny: [SPE_E5]}", state, users="{inactiveFor: 90d}")
    assert (finding_keys(harmless), outcome(harmless)) == ([], "pass")  # nobody holds one, whoever is inactive


def test_a_property_nobody_asked_for_is_unknown_and_its_negation_too() -> None:
    state = tenant(ANN, unasked=["department"])
    for selector in ("{department: Store}", "{department: {not: Store}}", "{department: null}"):
        result = judged(BLOCK, state, users=selector)
        assert (finding_keys(result), outcome(result), result.policies[0].missing) == (
            [],
            "not-evaluated",
            ("users.department",),
        )


def test_a_fact_that_is_missing_of_one_user_leaves_the_others_judged() -> None:
    hidden = user("bob", notCollected=["department"])
    result = judged(BLOCK, tenant(ANN, hidden, CAS), users="{department: Store}")
    assert ([row[1] for row in finding_keys(result)], outcome(result)) == (["ann"], "not-evaluated")


GROUPS = [
    {"id": "g1", "displayName": "Staff", "members": ["id-ann"], "transitiveMembers": ["id-ann", "id-bob"]},
    {"id": "g2", "displayName": "Twins", "members": ["id-cas"], "transitiveMembers": []},
    {"id": "g3", "displayName": "twins", "members": [], "transitiveMembers": []},
    {"id": "g4", "displayName": "Hidden", "members": [], "membersStatus": "denied"},
]


def test_members_of_groups() -> None:
    assert chosen("{memberOf: staff}", ANN, BOB, CAS, groups=GROUPS) == ["ann"]
    assert chosen("{memberOf: g1}", ANN, BOB, CAS, groups=GROUPS) == ["ann"]
    assert chosen("{memberOf: {group: Staff, transitive: true}}", ANN, BOB, CAS, groups=GROUPS) == ["ann", "bob"]
    assert chosen("{memberOf: [Staff, g2]}", ANN, BOB, CAS, groups=GROUPS) == ["ann", "cas"]


@pytest.mark.parametrize(("name", "why"), [("Gone", "Gone"), ("Twins", "Twins"), ("Hidden", "Hidden")])
def test_a_group_that_is_missing_ambiguous_or_unread_is_unknown_with_the_reason(name: str, why: str) -> None:
    result = judged(BLOCK, tenant(ANN, groups=GROUPS), users=f"{{memberOf: {name}}}")
    assert (finding_keys(result), outcome(result)) == ([], "not-evaluated")
    assert why in (result.policies[0].reason or "")


def test_attributes() -> None:
    people = [
        user("ann", "SPE_E3", usageLocation="DE", city="  "),
        user("bob", "SPE_E3", usageLocation="", city="Oslo"),
        user("cas", usageLocation=None),
    ]
    result = judged("attributes: {require: [usageLocation, city], allow: {usageLocation: [NL, BE]}}", tenant(*people))
    assert finding_keys(result) == [
        ("attribute.missing", "bob", None, "usageLocation"),
        ("attribute.not-allowed", "ann", None, "usageLocation"),
    ]
    everyone = judged("attributes: {require: [usageLocation]}", tenant(*people), users="{}")
    assert [row[1] for row in finding_keys(everyone)] == ["bob", "cas"]
