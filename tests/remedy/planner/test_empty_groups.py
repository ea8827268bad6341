"""Licences of empty groups: removed unless a rule, the local directory or pending processing may add members."""

from typing import Any

import pytest

from tests.builders.tenant.plan_tenants import CLOUD_GROUP, E3, VISIO, bodies, grant, group, planned, snapshot, user

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
