"""Section 2 of the policy language (selectors): members of populations, and unknown memberships."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.builders.tenant.small_tenant import ASKED, E5, FLOW, path, selected, who

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
STEP = timedelta(microseconds=1)
PEOPLE = (
    {"id": "a", "department": "Store", "userType": "Member", "usageLocation": "NO", "accountEnabled": True},
    {"id": "b", "department": "STORE", "userType": "Guest", "usageLocation": "no", "accountEnabled": False},
    {"id": "c", "department": "", "userType": None, "usageLocation": None, "accountEnabled": None},
    {"id": "d", "department": None, "userType": "", "onPremisesSyncEnabled": True, "displayName": "Straße"},
    {"id": "e", "department": "Warehouse [1]", "displayName": "ΨΩΣ", "onPremisesSyncEnabled": False},
    {"id": "f", "department": "İstanbul", "displayName": "line\nbreak", "extensionAttribute15": "x"},
)


VALUES = (
    # Strings of attributes are compared case-insensitively by Unicode case folding.
    ("{department: store}", "a b"),
    ("{displayName: STRASSE}", "d"),
    ("{displayName: strasse}", "d"),
    ("{displayName: ψως}", "e"),
    ("{department: istanbul}", ""),
    ("{department: i̇stanbul}", "f"),
    # `usageLocation: NO` is the text NO (Norway), not false
    ("{usageLocation: NO}", "a b"),
    ("{usageLocation: [NO, SE]}", "a b"),
    # A missing userType counts as Member.
    ("{userType: Member}", "a c d e f"),
    ("{userType: {not: Member}}", "b"),
    ("{userType: null}", ""),
    ("{userType: {exists: true}}", "a b c d e f"),
    ("{userType: {matches: 'mem*'}}", "a c d e f"),
    # onPremisesSyncEnabled false
    ("{onPremisesSyncEnabled: false}", "a b c e f"),
    ("{onPremisesSyncEnabled: null}", ""),
    ("{onPremisesSyncEnabled: {exists: false}}", ""),
    # null (absent or empty string)
    ("{department: null}", "c d"),
    ("{department: {is: null}}", "c d"),
    ("{accountEnabled: null}", "c"),
    ("{accountEnabled: {not: true}}", "b c"),
    ("{accountEnabled: {not: false}}", "a c d e f"),
    ("{accountEnabled: {notIn: [true, null]}}", "b"),
    # not and notIn are true for an absent value
    ("{department: {not: Store}}", "c d e f"),
    ("{department: {notIn: [Store, 'Warehouse [1]']}}", "c d f"),
    # exists: true means present and not the empty string
    ("{department: {exists: true}}", "a b e f"),
    ("{department: {exists: false}}", "c d"),
    # null in not, in, notIn or a list means absence, so `not: null` means present
    ("{department: {not: null}}", "a b e f"),
    ("{department: {not: ''}}", "a b e f"),
    ("{department: [Store, null]}", "a b c d"),
    ("{department: {in: [null]}}", "c d"),
    ("{department: {notIn: [null, Store]}}", "e f"),
    ("{department: [null]}", "c d"),
    # matches is a shell glob
    ("{department: {matches: 'st*'}}", "a b"),
    ("{department: {matches: 'w?rehouse*'}}", "e"),
    ("{department: {matches: 'warehouse [[]1]'}}", "e"),
    ("{department: {matches: '*'}}", "a b e f"),
    ("{department: {matches: 'st'}}", ""),
    ("{department: {matches: '[!s]*'}}", "e f"),
    ("{displayName: {matches: 'line*break'}}", "f"),
    # all operators and all keys must match
    ("{department: {matches: 'st*', not: store}}", ""),
    ("{department: store, userType: guest}", "b"),
    ("{extensionAttribute15: X}", "f"),
    ("{id: [A, b]}", "a b"),
    ("{}", "a b c d e f"),
    # any, all, not
    ("{any: [{department: store}, {id: e}]}", "a b e"),
    ("{all: [{department: store}, {userType: guest}]}", "b"),
    ("{not: {department: store}}", "c d e f"),
    ("{not: {any: [{id: a}, {not: {id: b}}]}}", "b"),
    ("{department: store, not: {id: a}}", "b"),
)


def test_operators_on_properties(tmp_path: Path) -> None:
    assert selected(tmp_path, VALUES, *PEOPLE) == list(VALUES)


ACTIVITY = (
    ("{inactiveFor: 90d}", "old-i old-n old-s"),
    ("{inactiveFor: 90d, signal: any}", "old-i old-n old-s"),
    ("{inactiveFor: 90d, signal: interactive}", "mixed old-i"),
    ("{inactiveFor: 90d, signal: successful}", "old-s"),
    ("{neverSignedIn: 30d}", "never-edge never-old never-undated never-year-one"),
    ("{not: {neverSignedIn: 30d}}", "edge mixed never-new old-i old-n old-s"),
    ("{createdWithin: 30d}", "never-edge never-new"),
    ("{createdWithin: 14d}", "never-new"),
)


def test_sign_in_activity(tmp_path: Path) -> None:
    edge = NOW - timedelta(days=90)
    month = NOW - timedelta(days=30)
    year_one = datetime(1, 1, 1, tzinfo=UTC)
    users = (
        {"id": "edge", "lastSignInDateTime": edge},
        {"id": "old-i", "lastSignInDateTime": edge - STEP},
        {"id": "old-n", "lastNonInteractiveSignInDateTime": edge - STEP},
        {"id": "old-s", "lastSuccessfulSignInDateTime": edge - STEP, "lastSignInDateTime": year_one},
        {"id": "mixed", "lastSignInDateTime": edge - STEP, "lastNonInteractiveSignInDateTime": NOW},
        {"id": "never-old", "createdDateTime": month - STEP},
        {"id": "never-edge", "createdDateTime": month},
        {"id": "never-new", "createdDateTime": month + timedelta(days=20)},
        {"id": "never-undated"},
        {"id": "never-year-one", "lastSignInDateTime": year_one, "createdDateTime": year_one},
    )
    assert selected(tmp_path, ACTIVITY, *users) == list(ACTIVITY)


DATES = (
    ("{createdDateTime: {before: 2024-02-29}}", "before"),
    ("{createdDateTime: {after: 2024-02-29}}", "after"),
    ("{createdDateTime: {before: '2024-02-29T01:00:00+01:00'}}", "before"),
    ("{createdDateTime: {after: '2024-02-28T23:00:00-01:00'}}", "after"),
    ("{createdDateTime: {is: 2024-02-29}}", "at"),
    ("{createdDateTime: 2024-02-29}", "at"),
    ("{createdDateTime: '2024-02-29T00:00:00Z'}", "at"),
    ("{createdDateTime: ['2024-02-29T00:00:00z', null]}", "at none"),
    ("{createdDateTime: null}", "none"),
    ("{createdDateTime: {not: 2024-02-29}}", "after before none"),
    ("{createdDateTime: {exists: true}}", "after at before"),
    ("{not: {createdDateTime: {before: 2024-02-29}}}", "after at none"),
    ("{createdDateTime: {after: 2024-02-28, before: 2024-03-01}}", "after at before"),
    ("{createdDateTime: {before: '2024-02-29T00:00:00.000001Z'}}", "at before"),
)


def test_creation_dates(tmp_path: Path) -> None:
    day = datetime(2024, 2, 29, tzinfo=UTC)
    users = (
        {"id": "before", "createdDateTime": day - STEP},
        {"id": "at", "createdDateTime": day},
        {"id": "after", "createdDateTime": day + STEP},
        {"id": "none"},
    )
    assert selected(tmp_path, DATES, *users) == list(DATES)


def test_duration_counts_back_from_the_audits_instant_across_a_leap_day(tmp_path: Path) -> None:
    users = (
        {"id": "feb28", "createdDateTime": datetime(2024, 2, 28, 12, tzinfo=UTC)},
        {"id": "feb29", "createdDateTime": datetime(2024, 2, 29, 12, tzinfo=UTC)},
        {"id": "mar1", "createdDateTime": datetime(2024, 3, 1, 12, tzinfo=UTC)},
    )
    members = who(
        tmp_path,
        {
            "before": "{createdDateTime: {before: 1d}}",
            "after": "{createdDateTime: {after: 1d}}",
            "within": "{createdWithin: 1d}",
        },
        *users,
        as_of="2024-03-01T12:00:00Z",
    )
    assert members == {"before": "feb28", "after": "mar1", "within": "feb29 mar1"}


def test_holds_and_licensed_use_only_assigned_licences(tmp_path: Path) -> None:
    users = (
        {"id": "held", "licences": [path(E5)]},
        {"id": "lost", "licences": [path(E5, held=False, state="Error", error="CountViolation")]},
        {"id": "free", "licences": [path(FLOW)]},
        {"id": "none"},
    )
    members = who(
        tmp_path,
        {
            "holds": "{holds: SPE_E5}",
            "guid": f"{{holds: {E5.upper()}}}",
            "paid": "{holds: paid}",
            "free": "{holds: free}",
            "glob": "{holds: 'spe_*'}",
            "some": "{licensed: true}",
            "nothing": "{licensed: false}",
            "unknown": "{holds: [NO_SUCH]}",
        },
        *users,
    )
    assert members == {
        "holds": "held", "guid": "held", "paid": "held", "free": "free", "glob": "held", "some": "free held",
        "nothing": "lost none", "unknown": "",
    }  # fmt: skip


GROUPS = (
    {"id": "G-1", "displayName": "Sales"},
    {"id": "G-2", "displayName": "Twice"},
    {"id": "G-3", "displayName": "twice"},
    {"id": "G-4", "displayName": "Sales EU"},
)
MEMBERS = (
    {"groupId": "G-1", "userId": "a", "transitive": False},
    {"groupId": "G-1", "userId": "a", "transitive": True},
    {"groupId": "G-1", "userId": "b", "transitive": True},
    {"groupId": "G-2", "userId": "b", "transitive": False},
)


IN_GROUPS = (
    ("{memberOf: sales}", "a"),
    ("{memberOf: g-1}", "a"),
    ("{memberOf: {group: SALES, transitive: true}}", "a b"),
    ("{memberOf: {group: SALES, transitive: false}}", "a"),
    ("{memberOf: [Sales, G-2]}", "a b"),
    # a group that the tenant does not have, or a name of two groups, makes memberOf unknown
    ("{memberOf: Nobody}", " ?"),
    ("{memberOf: twice}", " ?"),
    ("{not: {memberOf: twice}}", " ?"),
    ("{memberOf: [Sales, Nobody]}", "a ?"),
    # a policy that can be decided without the unknown fact is decided
    ("{memberOf: Nobody, id: zz}", ""),
    ("{any: [{memberOf: Nobody}, {not: {id: zz}}]}", "a b c"),
)


def test_member_of(tmp_path: Path) -> None:
    users = ({"id": "a"}, {"id": "b"}, {"id": "c"})
    assert selected(tmp_path, IN_GROUPS, *users, groups=GROUPS, members=MEMBERS) == list(IN_GROUPS)


UNREAD_SOURCES = (
    ("{inactiveFor: 1d}", "signInActivity"),
    ("{neverSignedIn: 0d}", "signInActivity"),
    ("{mailboxType: shared}", "mailboxes"),
    ("{mailboxType: null}", "mailboxes"),
    ("{not: {mailboxType: shared}}", "mailboxes"),
    ("{memberOf: Sales}", "members"),
    ("{memberOf: Sales}", "groups"),
)


@pytest.mark.slow
@pytest.mark.parametrize("status", ["denied", "unavailable", "not-needed"])
def test_selector_on_an_unread_source_is_neither_a_pass_nor_a_finding(status: str, tmp_path: Path) -> None:
    stamp = datetime(2020, 1, 1, tzinfo=UTC)
    users = ({"id": "a", "lastSignInDateTime": stamp, "mailboxType": "shared"}, {"id": "b"})
    for source in sorted({source for _, source in UNREAD_SOURCES}):
        cases = [(selector, " ?") for selector, hidden in UNREAD_SOURCES if hidden == source]
        assert selected(tmp_path, cases, *users, groups=GROUPS, members=MEMBERS, status={source: status}) == cases


NOT_COLLECTED = tuple(
    (selector, " ?")
    for selector in (
        "{department: Store}", "{department: null}", "{department: {not: Store}}", "{department: {exists: false}}",
        "{department: {matches: '*'}}", "{not: {department: Store}}", "{any: [{department: Store}, {id: zz}]}",
        "{department: {notIn: [Store, null]}}",
    )
)  # fmt: skip


def test_property_that_was_not_collected_is_unknown(tmp_path: Path) -> None:
    collected = [name for name in ASKED if name != "department"]
    assert selected(tmp_path, NOT_COLLECTED, *PEOPLE, asked=collected) == list(NOT_COLLECTED)


def test_fact_that_was_not_collected_for_one_user_is_unknown_only_for_that_user(tmp_path: Path) -> None:
    users = (
        {"id": "a", "department": "Store", "notCollected": ["department"]},
        {"id": "b", "department": "Store"},
        {"id": "c", "notCollected": ["signInActivity", "mailboxType"]},
    )
    members = who(
        tmp_path,
        {
            "is": "{department: Store}",
            "not": "{department: {not: Store}}",
            "decided": "{department: Store, id: b}",
            "never": "{neverSignedIn: 1d}",
            "mailbox": "{mailboxType: {not: shared}}",
        },
        *users,
    )
    assert members == {"is": "b ?", "not": "c ?", "decided": "b", "never": "a b ?", "mailbox": "a b ?"}


PATHS = (
    # a SKU whose active paths all last changed at least that long before the audit's instant
    ("{heldFor: {of: [SPE_E5], atLeast: 30d}}", "edge group old other ?"),
    ("{heldFor: {of: [FLOW_FREE], atLeast: 30d}}", "other"),
    ("{heldFor: {atLeast: 30d}}", "edge group old other ?"),
    ("{heldFor: {of: [SPE_E5], atLeast: 31d}}", "group old ?"),
    ("{not: {heldFor: {of: [SPE_E5], atLeast: 30d}}}", "error lost new one-new ?"),
    ("{heldFor: {of: [SPE_E5], atLeast: 30d}, id: one-new}", ""),
    # has an active path of that kind for any SKU
    ("{licensedVia: group}", "group one-new"),
    ("{licensedVia: direct}", "edge new old one-new other undated"),
    ("{not: {licensedVia: direct}}", "error group lost"),
)


def test_held_for_and_licensed_via(tmp_path: Path) -> None:
    edge, old = NOW - timedelta(days=30), NOW - timedelta(days=400)
    users = (
        {"id": "edge", "licences": [path(E5, lastUpdatedDateTime=edge)]},
        {"id": "new", "licences": [path(E5, lastUpdatedDateTime=edge + STEP)]},
        {"id": "old", "licences": [path(E5, lastUpdatedDateTime=old), path(FLOW, lastUpdatedDateTime=NOW)]},
        {"id": "group", "licences": [path(E5, "G-1", lastUpdatedDateTime=old, state="ActiveWithError")]},
        {
            "id": "one-new",
            "licences": [path(E5, lastUpdatedDateTime=old), path(E5, "G-1", lastUpdatedDateTime=NOW)],
        },
        {"id": "undated", "licences": [path(E5, lastUpdatedDateTime=old), path(E5)]},
        {"id": "error", "licences": [path(E5, lastUpdatedDateTime=old, state="Error")]},
        {"id": "lost", "licences": [path(E5, held=False, lastUpdatedDateTime=old, state="Error")]},
        {
            "id": "other",
            "licences": [
                path(E5, lastUpdatedDateTime=edge),
                path(E5, "G-1", lastUpdatedDateTime=NOW, state="Disabled"),
                path(FLOW, lastUpdatedDateTime=old),
            ],
        },
    )
    assert selected(tmp_path, PATHS, *users) == list(PATHS)


WITHOUT_PATHS = (
    ("{heldFor: {of: [SPE_E5], atLeast: 30d}}", " ?"),
    ("{heldFor: {of: [FLOW_FREE], atLeast: 30d}}", ""),
    ("{licensedVia: direct}", " ?"),
    ("{licensedVia: direct, licensed: false}", ""),
    ("{not: {licensedVia: group}}", "none ?"),
)


def test_people_without_licences_have_no_paths_if_paths_were_not_collected(tmp_path: Path) -> None:
    users = ({"id": "none"}, {"id": "some", "licences": [path(E5, state=None)]})
    collected = [name for name in ASKED if name != "licenseAssignmentStates"]
    assert selected(tmp_path, WITHOUT_PATHS, *users, asked=collected) == list(WITHOUT_PATHS)
