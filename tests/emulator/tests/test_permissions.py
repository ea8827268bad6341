"""Tests that the roles in a token determine which data is returned."""

from typing import Any

import pytest

from tests.emulator.fixtures import running_emulator, small_tenant
from tests.emulator.server import Emulator

PURPOSE = "/users/ann@contoso.example/mailboxSettings"


@pytest.mark.parametrize(
    ("path", "sufficient", "insufficient"),
    [
        ("/subscribedSkus", "LicenseAssignment.Read.All", "User.Read.All"),
        ("/directory/subscriptions", "Organization.Read.All", "LicenseAssignment.Read.All"),
        ("/organization", "Organization.Read.All", "GroupMember.Read.All"),
        ("/users?$select=id,assignedLicenses", "User.Read.All", "AuditLog.Read.All"),
        ("/groups", "GroupMember.Read.All", "User.Read.All"),
        (PURPOSE, "MailboxSettings.Read", "Directory.Read.All"),
    ],
)
def test_operations_require_a_sufficient_role(
    shared: Emulator, client: Any, path: str, sufficient: str, insufficient: str
) -> None:
    assert client(shared, path, roles=[sufficient]).status_code == 200
    assert client(shared, path, roles=[insufficient]).status_code == 403
    assert client(shared, path, roles=[]).status_code == 403


def test_sign_in_activity_needs_two_roles_and_a_premium_licence(client: Any) -> None:
    without_premium = small_tenant("fabrikam")
    without_premium.premium = False
    path = "/users?$select=id,signInActivity"
    with running_emulator([small_tenant(), without_premium]) as running:
        assert client(running, path, roles=["User.Read.All", "AuditLog.Read.All"]).status_code == 200
        for roles in (["User.Read.All"], ["AuditLog.Read.All", "User.ReadBasic.All"]):
            assert client(running, path, roles=roles).json()["error"]["code"] == "Authorization_RequestDenied"
        refused = client(running, path, tenant="fabrikam")
        assert refused.status_code == 403
        assert refused.json()["error"]["code"] == "Authentication_RequestFromNonPremiumTenantOrB2CTenant"


def test_read_basic_returns_names_and_null_for_other_properties(shared: Emulator, client: Any) -> None:
    path = "/users/ann@contoso.example?$select=id,displayName,assignedLicenses,department"
    user = client(shared, path, roles=["User.ReadBasic.All"]).json()
    assert (user["displayName"], user["assignedLicenses"], user["department"]) == ("Ann", None, None)
    users = client(shared, "/users?$select=id,department", roles=["User.ReadBasic.All"]).json()["value"]
    assert {row["department"] for row in users} == {None}
    assert {row["department"] for row in client(shared, "/users?$select=id,department").json()["value"]} >= {"Finance"}


def test_members_have_only_ids_without_a_user_permission(shared: Emulator, client: Any) -> None:
    group = next(iter(shared.tenants["contoso"].groups))
    rows = client(shared, f"/groups/{group}/members", roles=["GroupMember.Read.All"]).json()["value"]
    assert all(row["id"] for row in rows)
    assert {row["userPrincipalName"] for row in rows} == {None}
