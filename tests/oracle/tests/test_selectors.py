"""Oracle and engine agree with the specification of selectors: operators, dates, sign-ins, groups and paths."""

from typing import Any

import pytest

from tests.oracle.cases import E3, E5, FREE, VISIO, contoso_verdict, members, path, tenant, user

NEVER = "{neverSignedIn: 30d}"
PEOPLE = (
    user("a", department="Store", userType="Member", usageLocation="NO"),
    user("b", department="STORE", userType="Guest", usageLocation="no", accountEnabled=False),
    user("c", department="", userType=None, accountEnabled=None),
    user("d", department=None, userType="", onPremisesSyncEnabled=True, displayName="Straße"),
    user("e", department="Warehouse [1]", displayName="ΨΩΣ", onPremisesSyncEnabled=False),
    user("f", department="İstanbul", displayName="line\nbreak"),
)


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("{displayName: ψως}", "e"),
        ("{department: istanbul}", ""),
        ("{department: i̇stanbul}", "f"),
        # Norway, not false
        ("{usageLocation: NO}", "a b"),
        ("{usageLocation: [NO, SE]}", "a b"),
        ("{userType: member}", "a c d e f"),
        ("{userType: null}", ""),
        ("{userType: {not: Member}}", "b"),
        ("{userType: {exists: true}}", "a b c d e f"),
        ("{userType: {matches: 'mem*'}}", "a c d e f"),
        ("{onPremisesSyncEnabled: false}", "a b c e f"),
        ("{onPremisesSyncEnabled: null}", ""),
        ("{onPremisesSyncEnabled: {exists: false}}", ""),
        ("{accountEnabled: null}", "c"),
        ("{accountEnabled: {in: [null, false]}}", "b c"),
        ("{accountEnabled: {not: true}}", "b c"),
        ("{accountEnabled: {notIn: [true, null]}}", "b"),
        ("{department: {not: ''}}", "a b e f"),
        ("{department: ''}", "c d"),
        ("{department: ['']}", "c d"),
        ("{department: {is: ''}}", "c d"),
        ("{department: {in: [null]}}", "c d"),
        ("{department: {notIn: [Store, 'Warehouse [1]']}}", "c d f"),
        ("{department: {notIn: [Store, null]}}", "e f"),
        ("{department: [null, STORE, 'warehouse [1]']}", "a b c d e"),
        ("{department: {not: null}}", "a b e f"),
        ("{department: {exists: false}}", "c d"),
        ("{department: {matches: '*o*', not: Store}}", "e"),
        ("{displayName: strasse}", "d"),
        ("{displayName: {matches: '*ß*'}}", "d"),
        ("{department: {matches: 'w?rehouse*'}}", "e"),
        ("{department: {matches: 'warehouse [[]1]'}}", "e"),
        ("{department: {matches: '*'}}", "a b e f"),
        ("{department: {matches: 'st'}}", ""),
        ("{department: {matches: '[!s]*'}}", "e f"),
        ("{displayName: {matches: 'line*break'}}", "f"),
        ("{department: store, userType: guest}", "b"),
        ("{id: [A, b]}", "a b"),
        ("{}", "a b c d e f"),
        ("{not: {any: [{id: a}, {not: {id: b}}]}}", "b"),
    ],
)
def test_operators_on_properties(selector: str, expected: str) -> None:
    assert members(selector, *PEOPLE) == expected


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("{before: 2024-02-29}", "before"),
        ("{after: 2024-02-29}", "after"),
        ("{before: '2024-02-29T01:00:00+01:00'}", "before"),
        ("{is: 2024-02-29}", "at"),
        ("'2024-02-29T05:30:00+05:30'", "at"),
        ("{is: ''}", "none"),
        ("['', 2024-02-29T00:00:00.000Z]", "at none"),
        ("['2024-02-29T00:00:00z', null]", "at none"),
        ("{not: 2024-02-29}", "after before none"),
        ("{exists: true}", "after at before"),
        ("{after: 2024-02-28, before: 2024-03-01}", "after at before"),
        ("{before: '2024-02-29T00:00:00.000001Z'}", "at before"),
    ],
)
def test_creation_dates(selector: str, expected: str) -> None:
    dates = {
        "before": "2024-02-28T23:59:59.999999Z",
        "at": "2024-02-29T00:00:00Z",
        "after": "2024-02-29T00:00:00.000001Z",
    }
    people = [*(user(name, createdDateTime=date) for name, date in dates.items()), user("none")]
    assert members(f"{{createdDateTime: {selector}}}", *people) == expected


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("{createdDateTime: {before: 30d}}", "before"),
        ("{createdDateTime: {after: '2026-10-21T02:17:00Z'}}", "after"),
        ("{createdDateTime: {after: 2026-10-21}}", "after at before"),
        ("{createdWithin: 30d}", "after at"),
    ],
)
def test_durations_end_at_the_audit(selector: str, expected: str) -> None:
    people = [
        user("at", createdDateTime="2026-10-21T02:17:00Z"),
        user("before", createdDateTime="2026-10-21T02:16:59.9999999Z"),
        user("after", createdDateTime="2026-10-21T04:17:01+02:00"),
        user("never"),
    ]
    assert members(selector, *people) == expected


@pytest.mark.parametrize(
    ("signal", "expected"), [("", "past"), (", signal: successful", "quiet"), (", signal: interactive", "bot past")]
)
def test_inactive_for(signal: str, expected: str) -> None:
    on = {"lastSignInDateTime": "2026-08-22T02:17:00Z"}
    people = [
        user("at", signInActivity=on),
        user("past", signInActivity={"lastSignInDateTime": "2026-08-22T02:16:59Z"}),
        user("quiet", signInActivity={**on, "lastSuccessfulSignInDateTime": "2026-01-01T00:00:00Z"}),
        user("bot", signInActivity={"lastNonInteractiveSignInDateTime": "2026-11-19T00:00:00Z", "lastSignInDateTime": "2025-01-01T00:00:00Z"}),
        user("never", signInActivity={"lastSignInDateTime": "0001-01-01T00:00:00Z", "lastSuccessfulSignInDateTime": ""}),
        user("absent"),
    ]  # fmt: skip
    assert members(f"{{inactiveFor: 90d{signal}}}", *people) == expected


def test_never_signed_in() -> None:
    unset = {"lastSignInDateTime": "0001-01-01T00:00:00Z"}
    seen = user("seen", signInActivity={"lastNonInteractiveSignInDateTime": "2020-01-01T00:00:00Z"})
    old = user("old", createdDateTime="2026-10-21T02:17:00Z", signInActivity=unset)
    people = [old, user("new", createdDateTime="2026-10-21T02:17:01Z"), user("undated"), seen]
    assert members(NEVER, *people) == "old undated"
    assert members(NEVER, *people, sources={"signInActivity": "partial"}) == "?"
    assert members(NEVER, seen, sources={"signInActivity": "partial"}) == ""
    assert members(NEVER, seen, sources={"signInActivity": "denied"}) == "?"
    assert members("{inactiveFor: 30d}", seen | {"unknown": ["signInActivity"]}) == "?"


@pytest.mark.parametrize("status", ["partial", "denied", "unavailable"])
def test_account_that_was_created_later_needs_no_sign_in_data(status: str) -> None:
    young = user("young", createdDateTime="2026-11-19T00:00:00Z")
    assert members(NEVER, young, sources={"signInActivity": status}) == ""
    assert members(f"{{not: {NEVER}}}", young, sources={"signInActivity": status}) == "young"


def test_a_creation_date_that_was_not_collected_leaves_never_signed_in_unknown() -> None:
    blind = user("a", unknown=["createdDateTime"])
    assert members(NEVER, blind) == "?"
    assert members("{createdWithin: 30d}", blind) == "?"
    assert members(NEVER, blind | {"signInActivity": {"lastSignInDateTime": "2020-01-01T00:00:00Z"}}) == ""


def test_mailbox_type() -> None:
    people = [user("a", mailboxType="shared"), user("b")]
    partial = {"mailboxes": "partial"}
    assert members("{mailboxType: Shared}", *people) == "a"
    assert members("{mailboxType: shared}", *people, sources=partial) == "a ?"
    assert members("{mailboxType: null}", *people, user("c", unknown=["mailboxType"])) == "b ?"
    assert members("{mailboxType: null}", *people, sources=partial) == "?"


def test_holds_and_licensed() -> None:
    people = [user("a", (E3,)), user("b"), user("c", (FREE,))]
    assert members("{holds: paid}", *people) == "a"
    assert members("{licensed: false}", *people) == "b"
    assert members("{licensed: true}", *people, notCollected=["assignedLicenses"]) == "?"


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("STRASSE", "a"),
        ("{group: G1, transitive: true}", "a b"),
        ("sales", "?"),
        ("[g3, Straße]", "a b"),
        ("[g3, gone]", "b ?"),
        ("half", "a ?"),
    ],
)
def test_member_of(group: str, expected: str) -> None:
    groups = [
        {"id": "g1", "displayName": "Straße", "members": ["A"], "transitiveMembers": ["a", "b"]},
        {"id": "g2", "displayName": "Sales", "members": ["a"]},
        {"id": "g3", "displayName": "SALES", "members": ["b"]},
        {"id": "g4", "displayName": "Half", "members": ["a"], "membersStatus": "partial"},
    ]
    assert members(f"{{memberOf: {group}}}", user("a"), user("b"), groups=groups) == expected


def test_any_all_not_and_populations() -> None:
    people = [user("a", department="Store"), user("b", department="Board", accountEnabled=False), user("c")]
    assert members("{any: [{department: Store}, {accountEnabled: false}]}", *people) == "a b"
    assert members("{all: [{department: {exists: true}}, {not: {department: Store}}]}", *people) == "b"
    verdict = contoso_verdict({"users": {"not": "shop"}, "assignments": {"require": ["SPE_E3"]}}, tenant(*people),
                  populations={"shop": {"population": "floor"}, "floor": {"department": "Store"}})  # fmt: skip
    assert {key.subject_id for key in verdict.findings} == {"b", "c"}


def test_three_valued_logic_decides_without_the_unknown_fact() -> None:
    blind = {"notCollected": ["department"]}
    people = [user("a", accountEnabled=False), user("b")]
    assert members("{any: [{accountEnabled: false}, {department: x}]}", *people, **blind) == "a ?"
    assert members("{accountEnabled: null, department: x}", *people, **blind) == ""
    assert members("{department: x}", user("a", (VISIO,)), **blind) == "", "no finding either way"
    assert members("{department: x}", user("a", unknown=["department"]), user("b", department="x")) == "b ?"


@pytest.mark.parametrize(
    ("status", "expected"), [("partial", "ann ?"), ("denied", "?"), ("unavailable", "?"), ("not-needed", "?")]
)
def test_policy_is_not_evaluated_if_users_were_not_read_completely(status: str, expected: str) -> None:
    assert members("{accountEnabled: true}", user(), sources={"users": status}) == expected


def test_ids_of_users_and_groups_are_compared_without_regard_to_case() -> None:
    groups = [{"id": "G1", "displayName": "x", "members": ["ANN"]}]
    assert members("{memberOf: g1}", user("Ann"), groups=groups) == "Ann"


@pytest.mark.parametrize("status", ["denied", "unavailable", "not-needed"])
@pytest.mark.parametrize(
    ("selector", "source"),
    [
        ("{inactiveFor: 1d}", "signInActivity"),
        ("{mailboxType: null}", "mailboxes"),
        ("{not: {mailboxType: shared}}", "mailboxes"),
        ("{memberOf: Sales}", "members"),
        ("{memberOf: Sales}", "groups"),
    ],
)
def test_selector_on_an_unread_source_is_unknown(selector: str, source: str, status: str) -> None:
    known = user("a", signInActivity={"lastSignInDateTime": "2020-01-01T00:00:00Z"}, mailboxType="shared")
    groups = [{"id": "g", "displayName": "Sales", "members": ["a"]}]
    assert members(selector, known, user("b"), groups=groups, sources={source: status}) == "?"


def since(sku: str, date: str | None, group: str | None = None, state: str = "Active") -> dict[str, Any]:
    return path(sku, group, state=state) | {"lastUpdatedDateTime": date}


OLD, EDGE, LATER = "2025-10-16T00:00:00Z", "2026-10-21T02:17:00Z", "2026-10-21T02:17:01Z"


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        # All active paths last changed at least that long ago.
        ("{heldFor: {of: [SPE_E5], atLeast: 30d}}", "edge group old other ?"),
        ("{heldFor: {of: [FLOW_FREE], atLeast: 30d}}", "other"),
        ("{heldFor: {of: [SPE_E5], atLeast: 31d}}", "group old ?"),
        ("{not: {heldFor: {of: [SPE_E5], atLeast: 30d}}}", "error new one-new ?"),
        ("{heldFor: {of: [SPE_E5], atLeast: 30d}, id: one-new}", ""),
        # An active path of that kind for any product.
        ("{licensedVia: group}", "group one-new"),
        ("{licensedVia: direct}", "edge new old one-new other undated"),
        ("{not: {licensedVia: direct}}", "error group"),
    ],
)
def test_held_for_and_licensed_via(selector: str, expected: str) -> None:
    paths = {
        "edge": [since(E5, EDGE)],
        "new": [since(E5, LATER)],
        "old": [since(E5, OLD), since(FREE, LATER)],
        "group": [since(E5, OLD, "g", "ActiveWithError")],
        "one-new": [since(E5, OLD), since(E5, LATER, "g")],
        "undated": [since(E5, OLD), since(E5, None)],
        "error": [since(E5, OLD, state="Error")],
        "other": [since(E5, EDGE), since(E5, LATER, "g", "Disabled"), since(FREE, OLD)],
    }
    people = [
        user(name, tuple({row["skuId"]: None for row in rows}), licenseAssignmentStates=rows)
        for name, rows in paths.items()
    ]
    assert members(selector, *people) == expected


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("{heldFor: {of: [SPE_E3], atLeast: 30d}}", "?"),
        ("{heldFor: {of: [FLOW_FREE], atLeast: 30d}}", ""),
        ("{licensedVia: direct}", "?"),
        ("{licensedVia: direct, licensed: false}", ""),
        ("{not: {licensedVia: group}}", "none ?"),
    ],
)
def test_people_without_licences_have_no_paths_if_paths_were_not_collected(selector: str, expected: str) -> None:
    assert members(selector, user("none"), user("some", (E3,)), notCollected=["licenseAssignmentStates"]) == expected
