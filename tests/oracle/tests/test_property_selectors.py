"""Oracle and engine agree with the specification of operators on properties, dates and assignment paths."""

from typing import Any

import pytest

from auditor.policy.yaml.reader import parse
from tests.oracle.cases import E3, E5, FREE, path, population_of, user


def members(selector: str, *users: dict[str, Any], **more: Any) -> str:
    """Return the ids of the users who certainly match a selector, followed by `?` if it is unknown for others."""
    document: Any = parse(f"users: {selector}", file="p.yaml").value
    inside, outcome = population_of(document["users"], *users, **more)
    return " ".join(sorted(inside)) + (" ?" if outcome == "not-evaluated" else "")


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
        # Norway, not false
        ("{usageLocation: NO}", "a b"),
        ("{usageLocation: [NO, SE]}", "a b"),
        ("{userType: {not: Member}}", "b"),
        ("{userType: {exists: true}}", "a b c d e f"),
        ("{userType: {matches: 'mem*'}}", "a c d e f"),
        ("{onPremisesSyncEnabled: null}", ""),
        ("{onPremisesSyncEnabled: {exists: false}}", ""),
        ("{accountEnabled: null}", "c"),
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
    assert members(selector, known, user("b"), groups=groups, sources={source: status}) == " ?"


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
        ("{heldFor: {of: [SPE_E3], atLeast: 30d}}", " ?"),
        ("{heldFor: {of: [FLOW_FREE], atLeast: 30d}}", ""),
        ("{licensedVia: direct}", " ?"),
        ("{licensedVia: direct, licensed: false}", ""),
        ("{not: {licensedVia: group}}", "none ?"),
    ],
)
def test_people_without_licences_have_no_paths_if_paths_were_not_collected(selector: str, expected: str) -> None:
    assert members(selector, user("none"), user("some", (E3,)), notCollected=["licenseAssignmentStates"]) == expected
