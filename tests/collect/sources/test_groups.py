"""Groups that give licences are read with their kinds."""

from collections.abc import Iterator
from typing import Any

import pytest

from auditor.app.tenants.collection import everything
from auditor.collect.sources.groups import add_groups
from auditor.domain.enums import Source
from auditor.domain.policy.data_needs import Needs
from auditor.snapshot.schema import GROUPS
from tests.builders.tenant.collection import PEOPLE, Collected, collect
from tests.emulator.fixtures import auditor_app, running_emulator
from tests.emulator.server import Emulator
from tests.emulator.tenant.directory import Tenant, load, stable_id

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


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    with running_emulator([_tenant()]) as emulator:
        yield emulator


def _groups(found: Collected) -> dict[str, dict[str, Any]]:
    return {row["displayName"]: row for row in found.tables["groups"].to_pylist()}


def test_licensed_groups_come_with_their_kinds(graph: Emulator) -> None:
    found = collect(graph, LICENSED)
    rows = _groups(found)
    for name in ("Dynamic", "Synced"):
        assert {key: rows[name][key] for key in _KINDS[name]} == _KINDS[name]
    assert rows["Assigned"]["groupTypes"] == []
    assert (rows["Assigned"]["securityEnabled"], rows["Assigned"]["mailEnabled"]) == (True, False)
    assert rows["Assigned"]["membershipRule"] is None
    assert {"groupTypes", "membershipRuleProcessingState"} <= set(found.manifest.coverage(Source.GROUPS).asked)


def test_a_kind_of_another_type_is_not_known(graph: Emulator) -> None:
    damaged = _groups(collect(graph, LICENSED))["Damaged"]
    assert [damaged[key] for key in _KINDS["Damaged"]] == [None, None, None]


def test_the_groups_of_licences_come_with_their_kinds_where_no_policy_asks_for_groups(graph: Emulator) -> None:
    rows = _groups(collect(graph, PEOPLE))
    assert set(rows) == {"Synced"}
    assert rows["Synced"]["groupTypes"] == []
    assert rows["Synced"]["onPremisesSyncEnabled"] is True
    assert rows["Synced"]["assignedLicenses"] == []


NESTED = Needs(sources=frozenset({Source.GROUPS, Source.MEMBERS}), licensed_groups=True, nested_groups=True)
_LARGE = 1_100


@pytest.fixture(scope="module")
def nesting() -> Iterator[Emulator]:
    names = [f"u{number:04}@contoso.example" for number in range(_LARGE)]
    plain = {
        "Many": names,
        "Both": [*names, "Inner"],
        "Above": ["Inner", "Dynamic", names[0]],
        "Empty": [],
        "Hidden": names[:3],
    }
    groups = [
        {"displayName": name, "assignedLicenses": [_E3], "members": members}
        | ({"visibility": "HiddenMembership"} if name == "Hidden" else {})
        for name, members in plain.items()
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
@pytest.mark.parametrize("whole", [False, True])
def test_nested_groups_and_the_number_of_members(nesting: Emulator, whole: bool) -> None:  # noqa: FBT001
    nesting.reset()
    found = collect(nesting, everything() if whole else NESTED)
    rows = _groups(found)
    names = {row["id"]: name for name, row in rows.items()}
    assert found.status(Source.GROUPS) == found.status(Source.MEMBERS) == "complete"
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
    batched = [record for record in nesting.journal.records if record.batched]
    if not whole:
        assert not found.tables["members"].num_rows
        assert len(batched) == 35 + 2 * 2, "one request a group, and two more of large ones"


@pytest.mark.slow
def test_members_that_are_refused_are_not_known(nesting: Emulator) -> None:
    nesting.reset()
    refused = {group.document["displayName"]: group.id for group in nesting.tenants["contoso"].groups.values()}["Above"]
    nesting.faults.add("denied", path=f"/groups/{refused}/members", times=None)
    found = collect(nesting, NESTED)
    rows = _groups(found)
    assert (rows["Above"]["memberCount"], rows["Above"]["nestedGroups"]) == (None, None)
    assert rows["Empty"]["memberCount"] == 0
    assert found.status(Source.GROUPS) == "complete"
    assert found.status(Source.MEMBERS) == "partial"
    nesting.reset()
    nesting.faults.add("denied", path="/groups/*/members", times=None)
    found = collect(nesting, NESTED)
    assert found.status(Source.MEMBERS) == "denied"
    assert sum(record.batched for record in nesting.journal.records) == 20
    nesting.faults.clear()


@pytest.mark.parametrize("turned", [False, True])
def test_a_group_keeps_its_name_whichever_source_ends_first(*, turned: bool) -> None:
    rows = [{"id": "g", "membersStatus": "complete"}, {"id": "g", "displayName": "Admins"}]
    (group,) = add_groups(GROUPS.empty_table(), rows[::-1] if turned else rows).to_pylist()
    assert (group["displayName"], group["membersStatus"]) == ("Admins", "complete")
