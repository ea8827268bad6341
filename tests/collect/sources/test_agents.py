"""Tests that agent users are identified if a policy needs it, also in clouds without the property."""

import pytest
from msgspec.structs import replace

from auditor.domain.enums import Source
from tests.builders.tenant.collection import PEOPLE, collect
from tests.emulator.fixtures import auditor_app, running_emulator
from tests.emulator.tenant.directory import load, stable_id

pytestmark = pytest.mark.slow
AGENTS = replace(PEOPLE, user_properties=(*PEOPLE.user_properties, "agent"))
_USERS: dict[str, dict[str, object]] = {
    "ann@contoso.example": {},
    "typed@contoso.example": {"@odata.type": "#microsoft.graph.agentUser"},
    "parent@contoso.example": {"identityParentId": "7d0f2f6c-6b5c-4b0a-9a53-0d6f3f1f8f10"},
    "blank@contoso.example": {"identityParentId": "", "@odata.type": "#microsoft.graph.user"},
    "odd@contoso.example": {"identityParentId": 7},
}


@pytest.mark.parametrize(("refused", "agents"), [(False, {"typed", "parent"}), (True, {"typed"})])
def test_agents_are_identified_by_type_or_parent(refused: bool, agents: set[str]) -> None:  # noqa: FBT001
    document = {
        "name": "contoso",
        "tenantId": stable_id("agents", "contoso"),
        "users": [{"userPrincipalName": name, **more} for name, more in _USERS.items()],
    }
    tenant = load(document)
    tenant.register(auditor_app())
    with running_emulator([tenant]) as graph:
        if refused:
            graph.faults.add("bad-request", path="/users", times=1)
        snapshot = collect(graph, AGENTS)
        requests = graph.journal.of("/users")
    users = snapshot.users()
    assert snapshot.status(Source.USERS) == "complete"
    assert {name.partition("@")[0] for name, row in users.items() if row["agent"]} == agents
    assert users["ann@contoso.example"]["agent"] is False
    assert (users["odd@contoso.example"]["notCollected"] == ["agent"]) is not refused
    assert "agent" in snapshot.manifest.coverage(Source.USERS).asked
    assert ["identityParentId" in str(record.query) for record in requests] == ([True, False] if refused else [True])


def test_agent_property_is_not_requested_if_no_policy_needs_it() -> None:
    tenant = load({"name": "contoso", "tenantId": stable_id("agents", "none"), "users": []})
    tenant.register(auditor_app())
    with running_emulator([tenant]) as graph:
        snapshot = collect(graph, PEOPLE)
        assert all("identityParentId" not in str(record.query) for record in graph.journal.of("/users"))
    assert "agent" not in snapshot.manifest.coverage(Source.USERS).asked
