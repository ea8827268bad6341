"""Tests that groups with licences are collected with their type, nested groups and member counts."""

from collections.abc import Iterator
from typing import Any

import pytest

from auditor.app.tenants.collection import all_needs
from auditor.collect.sources.groups import add_groups
from auditor.domain.enums import Source
from auditor.domain.policy.data_needs import Needs
from auditor.snapshot.schema import GROUPS
from tests.builders.tenant.collection import PEOPLE, Collected, collect
from tests.emulator.fixtures import auditor_app, running_emulator, shared_emulator
from tests.emulator.server import Emulator
from tests.emulator.tenant.directory import Tenant, load, stable_id
from tests.emulator.wire import answer

LICENSED = Needs(sources=frozenset({Source.GROUPS}), licensed_groups=True)
_E3: dict[str, Any] = {"skuId": "05e9a617-0261-4cee-bb44-138d3ef5d965", "disabledPlans": []}
_RULE = 'user.mail -eq "ann@contoso.example"'
_KINDS: dict[str, dict[str, Any]] = {
    "Assigned": {},
    "Dynamic": {
        "groupTypes": ["DynamicMembership", "Unified"],
        "membershipRule": _RULE,
        "membershipRuleProcessingState": "Paused",
        "mailEnabled": True,
        "visibility": "Private",
    },
    "Synced": {"onPremisesSyncEnabled": True, "isAssignableToRole": False},
    "Damaged": {"groupTypes": "DynamicMembership", "membershipRule": 7, "onPremisesSyncEnabled": "true"},
}


def _tenant() -> Tenant:
    groups = [
        {"displayName": name, "assignedLicenses": [_E3], "members": ["ann@contoso.example"], **kind}
        for name, kind in _KINDS.items()
    ]
    group = stable_id(stable_id("groups", "contoso"), "group", "Synced")
    state = {"skuId": _E3["skuId"], "assignedByGroup": group, "disabledPlans": [], "state": "Active", "error": "None"}
    tenant = load(
        {
            "name": "contoso",
            "tenantId": stable_id("groups", "contoso"),
            "subscribedSkus": [{"skuPartNumber": "SPE_E3", "enabled": 10}],
            "users": [
                {
                    "userPrincipalName": "ann@contoso.example",
                    "assignedLicenses": [_E3],
                    "licenseAssignmentStates": [state],
                }
            ],
            "groups": groups,
        }
    )
    tenant.register(auditor_app())
    return tenant


running = shared_emulator(_tenant)


def _groups(snapshot: Collected) -> dict[str, dict[str, Any]]:
    return {row["displayName"]: row for row in snapshot.tables["groups"].to_pylist()}


def test_licensed_groups_have_type_properties(graph: Emulator) -> None:
    snapshot = collect(graph, LICENSED)
    rows = _groups(snapshot)
    for name in ("Dynamic", "Synced"):
        assert {key: rows[name][key] for key in _KINDS[name]} == _KINDS[name]
    assert rows["Assigned"]["groupTypes"] == []
    assert (rows["Assigned"]["securityEnabled"], rows["Assigned"]["mailEnabled"]) == (True, False)
    assert rows["Assigned"]["membershipRule"] is None
    assert {"groupTypes", "membershipRuleProcessingState"} <= set(snapshot.manifest.coverage(Source.GROUPS).asked)


def test_group_properties_of_the_wrong_type_are_null(graph: Emulator) -> None:
    damaged = _groups(collect(graph, LICENSED))["Damaged"]
    assert [damaged[key] for key in _KINDS["Damaged"]] == [None, None, None]


def test_groups_of_licence_assignments_have_type_properties_without_group_policies(graph: Emulator) -> None:
    rows = _groups(collect(graph, PEOPLE))
    assert set(rows) == {"Synced"}
    assert rows["Synced"]["groupTypes"] == []
    assert rows["Synced"]["onPremisesSyncEnabled"] is True
    assert rows["Synced"]["assignedLicenses"] == []


NESTED = Needs(sources=frozenset({Source.GROUPS, Source.MEMBERS}), licensed_groups=True, nested_groups=True)
_LARGE = 1_100


@pytest.fixture(scope="module")
def nested_groups() -> Iterator[Emulator]:
    names = [f"u{number:04}@contoso.example" for number in range(_LARGE)]
    members_by_group = {
        "Many": names,
        "Both": [*names, "Inner"],
        "Above": ["Inner", "Dynamic", names[0]],
        "Empty": [],
        "Hidden": names[:3],
    }
    groups = [
        {"displayName": name, "assignedLicenses": [_E3], "members": members}
        | ({"visibility": "HiddenMembership"} if name == "Hidden" else {})
        for name, members in members_by_group.items()
    ]
    groups += [{"displayName": f"Small {number:02}", "assignedLicenses": [_E3]} for number in range(30)]
    groups += [{"displayName": "Inner", "members": names[:2]}, {"displayName": "Dynamic"}]
    document = {
        "name": "contoso",
        "tenantId": stable_id("nested", "contoso"),
        "users": [{"userPrincipalName": name} for name in names],
        "groups": groups,
    }
    tenant = load(document)
    tenant.register(auditor_app())
    with running_emulator([tenant]) as emulator:
        yield emulator


@pytest.mark.slow
@pytest.mark.parametrize("all_sources", [False, True])
def test_nested_groups_and_member_counts(nested_groups: Emulator, all_sources: bool) -> None:  # noqa: FBT001
    nested_groups.reset()
    snapshot = collect(nested_groups, all_needs() if all_sources else NESTED)
    rows = _groups(snapshot)
    names = {row["id"]: name for name, row in rows.items()}
    assert snapshot.status(Source.GROUPS) == snapshot.status(Source.MEMBERS) == "complete"
    assert {
        name: (row["memberCount"], {names[group] for group in row["nestedGroups"]})
        for name, row in rows.items()
        if row["assignedLicenses"] and not name.startswith("Small")
    } == {
        "Many": (_LARGE, set()),
        "Both": (_LARGE + 1, {"Inner"}),
        "Above": (3, {"Inner", "Dynamic"}),
        "Empty": (0, set()),
        "Hidden": (0, set()),
    }
    assert rows["Inner"]["memberCount"] is None
    batched = [record for record in nested_groups.journal.records if record.batched]
    if not all_sources:
        assert not snapshot.tables["members"].num_rows
        assert len(batched) == 35 + 2 * 2, "one request per group, and two more for each large one"


@pytest.mark.slow
def test_member_count_that_is_no_number_is_a_failure(nested_groups: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    nested_groups.reset()

    def without_count(document: dict[str, Any]) -> Any:
        return answer(document | ({"@odata.count": None} if "@odata.count" in document else {}))

    with monkeypatch.context() as damaged:
        damaged.setattr("tests.emulator.endpoints.groups.answer", without_count)
        snapshot = collect(nested_groups, NESTED)
    rows = _groups(snapshot)
    assert (rows["Many"]["memberCount"], rows["Many"]["nestedGroups"], rows["Above"]["memberCount"]) == (None, [], 3)
    assert snapshot.status(Source.MEMBERS) == "partial"


@pytest.mark.slow
def test_denied_members_are_null(nested_groups: Emulator) -> None:
    nested_groups.reset()
    denied_group = {
        group.document["displayName"]: group.id for group in nested_groups.tenants["contoso"].groups.values()
    }["Above"]
    nested_groups.faults.add("denied", path=f"/groups/{denied_group}/members", times=None)
    snapshot = collect(nested_groups, NESTED)
    rows = _groups(snapshot)
    assert (rows["Above"]["memberCount"], rows["Above"]["nestedGroups"]) == (None, None)
    assert rows["Empty"]["memberCount"] == 0
    assert snapshot.status(Source.GROUPS) == "complete"
    assert snapshot.status(Source.MEMBERS) == "partial"
    nested_groups.reset()
    nested_groups.faults.add("denied", path="/groups/*/members", times=None)
    snapshot = collect(nested_groups, NESTED)
    assert snapshot.status(Source.MEMBERS) == "denied"
    assert sum(record.batched for record in nested_groups.journal.records) == 20
    nested_groups.faults.clear()


@pytest.mark.parametrize("is_reversed", [False, True])
def test_add_groups_merges_rows_in_any_order(*, is_reversed: bool) -> None:
    rows = [{"id": "g", "membersStatus": "complete"}, {"id": "g", "displayName": "Admins"}]
    (group,) = add_groups(GROUPS.empty_table(), rows[::-1] if is_reversed else rows).to_pylist()
    assert (group["displayName"], group["membersStatus"]) == ("Admins", "complete")
