"""Groups that give licences are read with their kinds."""

from collections.abc import Iterator
from typing import Any

import pytest

from auditor.domain.data_needs import Needs
from auditor.domain.enums import Source
from tests.builders.collection import PEOPLE, Collected, collect
from tests.emulator.directory import Tenant, load, stable_id
from tests.emulator.fixtures import auditor_app, running_emulator
from tests.emulator.server import Emulator

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


@pytest.fixture
def graph(running: Emulator) -> Emulator:
    running.faults.clear()
    running.journal.clear()
    return running


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
