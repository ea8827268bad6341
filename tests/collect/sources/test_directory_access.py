"""Tests that directory roles and Conditional Access policies are collected, and documented errors of Graph reported."""

from collections.abc import Iterator
from typing import Any

import pytest

from auditor.app.tenants.collection import all_needs
from auditor.collect.sources.registry import permissions_for
from auditor.domain.enums import Source
from auditor.domain.policy.data_needs import Needs
from tests.builders.tenant.collection import Collected, collect
from tests.emulator.fixtures import auditor_app, shared_emulator
from tests.emulator.server import Emulator
from tests.emulator.tenant.directory import READ_ROLES, Tenant, load, stable_id

pytestmark = pytest.mark.slow
ADMIN, READER = "62e90394-69f5-4237-9190-012177145e10", "f2ef992c-3afb-46b9-b7cf-a126ee74c451"
CUSTOM = "aaaaaaaa-0000-4000-8000-000000000001"
DELETED = "aaaaaaaa-0000-4000-8000-000000000009"
APPLICATION = "aaaaaaaa-0000-4000-8000-00000000000a"
ID = stable_id("access", "contoso")
USERS = ("ann", "bo", "cy", "dee")
ROLES = Needs(sources=frozenset({Source.USERS, Source.DIRECTORY_ROLES}), eligible_roles=True)
ACTIVE = Needs(sources=frozenset({Source.USERS, Source.DIRECTORY_ROLES}))
ACCESS = Needs(sources=frozenset({Source.USERS, Source.CONDITIONAL_ACCESS}))
ROLE_PATHS = ("/roleManagement/directory/roleAssignments", "/roleManagement/directory/roleDefinitions")
ELIGIBLE = "/roleManagement/directory/roleEligibilityScheduleInstances"
POLICIES = "/identity/conditionalAccess/policies"


def user(name: str) -> str:
    return stable_id(ID, "user", f"{name}@contoso.example")


def group(name: str) -> str:
    return stable_id(ID, "group", name)


def assignment(number: int, principal: str, role: str) -> dict[str, Any]:
    return {"id": f"a{number}", "principalId": principal.upper(), "roleDefinitionId": role, "directoryScopeId": "/"}


def policy(name: str, **users: Any) -> dict[str, Any]:
    return {
        "id": stable_id(ID, "policy", name),
        "displayName": name,
        "state": users.pop("state", "enabled"),
        "conditions": {"users": users, "userRiskLevels": [], "signInRiskLevels": []},
        "grantControls": None,
    }


def _tenant() -> Tenant:
    tenant = load(
        {
            "name": "contoso",
            "tenantId": ID,
            "users": [{"userPrincipalName": f"{name}@contoso.example"} for name in USERS],
            "groups": [
                {"displayName": "Admins", "members": ["bo@contoso.example", "Nested"]},
                {"displayName": "Nested", "members": ["cy@contoso.example"]},
                {"displayName": "Report only", "members": ["dee@contoso.example"]},
            ],
            "roleDefinitions": [
                {"id": ADMIN, "templateId": ADMIN, "displayName": "Global Administrator", "isBuiltIn": True},
                {"id": CUSTOM, "templateId": CUSTOM, "displayName": "Own", "isBuiltIn": False},
            ],
            "roleAssignments": [
                assignment(1, user("ann"), ADMIN),
                assignment(2, group("Admins"), CUSTOM),
                assignment(3, APPLICATION, ADMIN),
                assignment(4, DELETED, ADMIN),
            ],
            "roleEligibilityScheduleInstances": [assignment(5, user("dee"), READER)],
            "conditionalAccessPolicies": [
                policy(
                    "Everybody", includeUsers=["All"], excludeGroups=[group("Admins"), DELETED], excludeRoles=[ADMIN]
                ),
                policy("Report only", includeGroups=[group("Report only")], state="enabledForReportingButNotEnforced"),
            ],
            "accessPage": 1,
        }
    )
    tenant.register(auditor_app())
    return tenant


running = shared_emulator(_tenant)


@pytest.fixture
def graph(running: Emulator) -> Iterator[Emulator]:
    running.reset()
    yield running
    running.tenants["contoso"].access.governance = True
    running.tenants["contoso"].register(auditor_app())


def members(snapshot: Collected) -> set[tuple[str, str, bool]]:
    return {(row["groupId"], row["userId"], row["transitive"]) for row in snapshot.tables["members"].to_pylist()}


def statuses(snapshot: Collected) -> dict[str, tuple[str, str]]:
    rows = snapshot.tables["groups"].to_pylist()
    return {row["id"]: (row["membersStatus"], row["transitiveMembersStatus"]) for row in rows}


def test_roles_are_collected_with_direct_members_of_assigned_groups(graph: Emulator) -> None:
    snapshot = collect(graph, ROLES)
    coverage = snapshot.manifest.coverage(Source.DIRECTORY_ROLES)
    assert (coverage.status, coverage.reason, coverage.count) == ("complete", None, 5)
    assert coverage.asked == ("roleAssignments", "roleDefinitions", "roleEligibilityScheduleInstances")
    rows = [
        (row["principalId"], row["roleDefinitionId"], row["eligible"]) for row in snapshot.tables["role_assignments"].to_pylist()
    ]  # fmt: skip
    assert rows[0] == (user("ann"), ADMIN, False)
    assert rows[4] == (user("dee"), READER, True)
    assert members(snapshot) == {(group("Admins"), user("bo"), False)}
    assert statuses(snapshot) == {group("Admins"): ("complete", "not-needed")}
    assert {row["displayName"] for row in snapshot.tables["role_definitions"].to_pylist()} == {
        "Global Administrator",
        "Own",
    }
    # One request for each page, one for the types of all principals, one for the members of all groups.
    assert len(graph.journal.of("/roleManagement/directory/roleAssignments")) == 4
    assert [len(graph.journal.of(path)) for path in ("/directoryObjects/getByIds", "/$batch")] == [1, 1]
    assert not any("$top" in record.query or "$expand" in record.query for record in graph.journal.of(ROLE_PATHS[1]))


def test_eligible_roles_are_read_only_if_policies_need_them(graph: Emulator) -> None:
    snapshot = collect(graph, ACTIVE)
    assert not graph.journal.of(ELIGIBLE)
    assert "roleEligibilityScheduleInstances" not in snapshot.manifest.coverage(Source.DIRECTORY_ROLES).asked


def test_eligible_roles_are_partial_without_entra_id_p2(graph: Emulator) -> None:
    graph.tenants["contoso"].access.governance = False
    snapshot = collect(graph, ROLES)
    assert snapshot.status(Source.DIRECTORY_ROLES) == "partial"
    assert "AadPremiumLicenseRequired" in snapshot.reason(Source.DIRECTORY_ROLES)
    assert "eligible roles need Microsoft Entra ID P2" in snapshot.reason(Source.DIRECTORY_ROLES)
    assert len(graph.journal.of(ELIGIBLE)) == 1
    assert snapshot.manifest.coverage(Source.DIRECTORY_ROLES).asked == ("roleAssignments", "roleDefinitions")


def test_error_without_an_error_object_is_reported(graph: Emulator) -> None:
    graph.tenants["contoso"].register(
        auditor_app(roles=(*READ_ROLES, "RoleManagement.Read.Directory"))
    )  # fmt: skip
    graph.tenants["contoso"].register(auditor_app(roles=(*READ_ROLES, "Directory.Read.All")))
    snapshot = collect(graph, ROLES)
    assert snapshot.status(Source.DIRECTORY_ROLES) == "partial"
    assert "PermissionScopeNotGranted" in snapshot.reason(Source.DIRECTORY_ROLES)


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        (ROLE_PATHS[0], ("roleDefinitions", "roleEligibilityScheduleInstances")),
        (ROLE_PATHS[1], ("roleAssignments", "roleEligibilityScheduleInstances")),
        ("/groups/*/members", ("roleAssignments", "roleDefinitions", "roleEligibilityScheduleInstances")),
        ("/directoryObjects/getByIds", ("roleAssignments", "roleDefinitions", "roleEligibilityScheduleInstances")),
    ],
)
def test_roles_are_partial_if_one_request_is_denied(graph: Emulator, path: str, asked: tuple[str, ...]) -> None:
    graph.faults.add("denied", path=path, times=None)
    snapshot = collect(graph, ROLES)
    coverage = snapshot.manifest.coverage(Source.DIRECTORY_ROLES)
    assert (coverage.status, coverage.asked) == ("partial", asked)
    assert "auditor doctor" in snapshot.reason(Source.DIRECTORY_ROLES)
    if "roleAssignments" in asked and not path.endswith("roleDefinitions"):
        assert statuses(snapshot)[group("Admins")] == ("denied", "not-needed")


def test_roles_and_policies_are_denied_without_permissions(graph: Emulator) -> None:
    graph.tenants["contoso"].register(auditor_app(roles=READ_ROLES))
    assert collect(graph, ROLES).status(Source.DIRECTORY_ROLES) == "denied"
    assert collect(graph, ACCESS).status(Source.CONDITIONAL_ACCESS) == "denied"


def test_conditional_access_includes_groups_and_roles_of_enforced_policies(graph: Emulator) -> None:
    snapshot = collect(graph, ACCESS)
    coverage = snapshot.manifest.coverage(Source.CONDITIONAL_ACCESS)
    assert (coverage.status, coverage.reason, coverage.asked) == ("complete", None, ("policies",))
    assert snapshot.status(Source.DIRECTORY_ROLES) == "complete"
    rows = {row["displayName"]: row for row in snapshot.tables["conditional_access_policies"].to_pylist()}
    assert rows["Everybody"]["excludeGroups"] == [group("Admins"), DELETED]
    assert rows["Everybody"]["includeUsers"] == ["All"]
    assert (group("Admins"), user("cy"), True) in members(snapshot)
    assert statuses(snapshot) == {group("Admins"): ("complete", "complete")}
    assert not graph.journal.of(f"/groups/{group('Report only')}/transitiveMembers")
    # The limit is one request per second, so the second page is delayed.
    assert 1.0 in snapshot.time.slept


def test_roles_are_read_once_for_roles_and_conditional_access(graph: Emulator) -> None:
    snapshot = collect(graph, ROLES.union(ACCESS))
    assert len(graph.journal.of(ROLE_PATHS[1])) == 1
    assert members(snapshot) == members(collect(graph, ROLES)) | members(collect(graph, ACCESS))
    assert snapshot.manifest.complete
    assert statuses(snapshot) == {group("Admins"): ("complete", "complete")}


def test_conditional_access_is_partial_without_members_of_a_group(graph: Emulator) -> None:
    graph.faults.add("denied", path="/groups/*/transitiveMembers", times=None)
    snapshot = collect(graph, ACCESS)
    assert snapshot.status(Source.CONDITIONAL_ACCESS) == "partial"
    assert statuses(snapshot)[group("Admins")] == ("complete", "denied")


def test_conditional_access_is_partial_without_roles(graph: Emulator) -> None:
    graph.tenants["contoso"].register(auditor_app(roles=(*READ_ROLES, "Policy.Read.All")))
    snapshot = collect(graph, ACCESS)
    assert (snapshot.status(Source.CONDITIONAL_ACCESS), snapshot.status(Source.DIRECTORY_ROLES)) == (
        "partial",
        "denied",
    )
    assert "directory roles, which policies use" in snapshot.reason(Source.CONDITIONAL_ACCESS)


def test_damaged_conditional_access_policies_are_reported(graph: Emulator) -> None:
    damaged = {"id": "x", "displayName": 7, "state": "enabled", "conditions": {"users": {"includeUsers": "All"}}}
    workload = {
        "id": "y",
        "displayName": "Apps",
        "state": "enabled",
        "conditions": {"users": None, "clientApplications": {}},
    }
    policies = graph.tenants["contoso"].access.rows["conditionalAccessPolicies"]
    policies += [damaged, workload]
    try:
        snapshot = collect(graph, ACCESS)
    finally:
        del policies[-2:]
    assert snapshot.status(Source.CONDITIONAL_ACCESS) == "partial"
    assert "conditions that cannot be read: 1" in snapshot.reason(Source.CONDITIONAL_ACCESS)
    assert snapshot.manifest.coverage(Source.CONDITIONAL_ACCESS).asked == ()


def test_permissions_for_roles_and_conditional_access() -> None:
    names = {item.name for item in permissions_for(ROLES)}
    assert {"RoleManagement.Read.Directory", "GroupMember.Read.All"} <= names
    assert "Policy.Read.All" not in names
    assert "Policy.Read.All" in {item.name for item in permissions_for(all_needs())}
