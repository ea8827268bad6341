"""The roles in a token decide what a tenant shows."""

from typing import Any

import pytest

from tests.emulator.fixtures import running_emulator, small_tenant
from tests.emulator.server import Emulator

PURPOSE = "/users/ann@contoso.example/mailboxSettings"


@pytest.mark.parametrize(
    ("path", "least", "not_enough"),
    [
        ("/subscribedSkus", "LicenseAssignment.Read.All", "User.Read.All"),
        ("/directory/subscriptions", "Organization.Read.All", "LicenseAssignment.Read.All"),
        ("/organization", "Organization.Read.All", "GroupMember.Read.All"),
        ("/users?$select=id,assignedLicenses", "User.Read.All", "AuditLog.Read.All"),
        ("/groups", "GroupMember.Read.All", "User.Read.All"),
        ("/users/ann@contoso.example/licenseDetails", "LicenseAssignment.Read.All", "Organization.Read.All"),
        (PURPOSE, "MailboxSettings.Read", "Directory.Read.All"),
        ("/admin/reportSettings", "ReportSettings.Read.All", "Directory.Read.All"),
    ],
)
def test_the_least_role_is_enough_and_another_is_not(
    shared: Emulator, client: Any, path: str, least: str, not_enough: str
) -> None:
    assert client(shared, path, roles=[least]).status_code == 200
    assert client(shared, path, roles=[not_enough]).status_code == 403
    assert client(shared, path, roles=[]).status_code == 403


def test_sign_ins_need_two_roles_and_a_premium_licence(client: Any) -> None:
    poor = small_tenant("fabrikam")
    poor.premium = False
    path = "/users?$select=id,signInActivity"
    with running_emulator([small_tenant(), poor]) as running:
        assert client(running, path, roles=["User.Read.All", "AuditLog.Read.All"]).status_code == 200
        for roles in (["User.Read.All"], ["AuditLog.Read.All", "User.ReadBasic.All"]):
            assert client(running, path, roles=roles).json()["error"]["code"] == "Authorization_RequestDenied"
        refused = client(running, path, tenant="fabrikam")
        assert refused.status_code == 403
        assert refused.json()["error"]["code"] == "Authentication_RequestFromNonPremiumTenantOrB2CTenant"


def test_basic_reading_shows_names_and_nulls(shared: Emulator, client: Any) -> None:
    path = "/users/ann@contoso.example?$select=id,displayName,assignedLicenses,department"
    shown = client(shared, path, roles=["User.ReadBasic.All"]).json()
    assert (shown["displayName"], shown["assignedLicenses"], shown["department"]) == ("Ann", None, None)
    listed = client(shared, "/users?$select=id,department", roles=["User.ReadBasic.All"]).json()["value"]
    assert {row["department"] for row in listed} == {None}
    assert {row["department"] for row in client(shared, "/users?$select=id,department").json()["value"]} >= {"Finance"}


def test_members_without_user_permission_are_ids(shared: Emulator, client: Any) -> None:
    group = next(iter(shared.tenants["contoso"].groups))
    rows = client(shared, f"/groups/{group}/members", roles=["GroupMember.Read.All"]).json()["value"]
    assert all(row["id"] for row in rows)
    assert {row["userPrincipalName"] for row in rows} == {None}
