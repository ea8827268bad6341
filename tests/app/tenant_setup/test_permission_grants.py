"""Commands of `auditor doctor` that grant missing permissions, for each kind of credential, with valid syntax."""

import subprocess

import pytest

from auditor.app.tenant_setup.application import mailbox_commands
from auditor.app.tenant_setup.permission_grants import grant_commands, revoke_commands
from auditor.collect.permissions import Permission
from auditor.domain.enums import Cloud
from auditor.domain.settings import AzureCli, ClientSecret, Credential, DeviceCode, ManagedIdentity, Tenant
from tests.builders.document.powershell import Script

CLIENT = "bbbbbbbb-1111-2222-3333-444444444444"
PERMISSIONS = (
    Permission(name="User.Read.All", role_id="df021288-bdef-4463-88db-98f22de89214"),
    Permission(name="AuditLog.Read.All", role_id="b0afded3-3588-46d8-8b3d-9842eff778da"),
)


def lines(credential: Credential, *, cloud: Cloud = Cloud.WORLDWIDE, delegated: bool = False) -> tuple[str, str]:
    """Return the commands for PowerShell and those for bash."""
    tenant = Tenant(name="contoso", tenant_id=CLIENT, credential=credential, cloud=cloud)
    text = "\n".join(grant_commands(tenant, CLIENT, PERMISSIONS, delegated=delegated))
    powershell, _, bash = text.partition("# or Azure CLI\n")
    assert Script(powershell.encode()).undocumented("auditor") == []
    assert subprocess.run(["bash", "-n"], input=bash, text=True, capture_output=True, check=False).stderr == ""
    return powershell, bash


def test_commands_for_an_application_add_permissions_and_consent() -> None:
    powershell, bash = lines(ClientSecret(client_id=CLIENT, secret_env="S"))
    assert powershell.count("New-MgServicePrincipalAppRoleAssignment") == len(PERMISSIONS)
    assert "az ad app permission admin-consent" in bash


@pytest.mark.parametrize(
    ("cloud", "graph"), [(Cloud.WORLDWIDE, "graph.microsoft.com"), (Cloud.USGOV, "graph.microsoft.us")]
)
def test_commands_for_a_managed_identity_assign_app_roles_only(cloud: Cloud, graph: str) -> None:
    powershell, bash = lines(ManagedIdentity(), cloud=cloud)
    assert powershell.count("New-MgServicePrincipalAppRoleAssignment") == len(PERMISSIONS)
    assert "az ad app" not in bash
    assert bash.count(f"az rest --method post --url https://{graph}/v1.0/servicePrincipals/$PRINCIPAL/") == len(
        PERMISSIONS
    )
    assert f"az ad sp show --id {CLIENT}" in bash


def test_commands_for_a_user_sign_in_grant_delegated_permissions() -> None:
    powershell, bash = lines(DeviceCode(client_id=CLIENT), delegated=True)
    assert "Update-MgOauth2PermissionGrant" in powershell
    assert 'Scope) User.Read.All AuditLog.Read.All".Trim()' in powershell
    assert "AppRole" not in powershell
    assert bash == ""


def test_commands_for_the_azure_cli_do_not_change_its_application() -> None:
    powershell, _ = lines(AzureCli(), delegated=True)
    assert powershell.splitlines()[1:] == ["auditor init --credential device-code"]
    assert "az ad app permission admin-consent" in lines(AzureCli())[1], "a service principal that `az` signed in"


def test_commands_for_the_dod_cloud_are_powershell_only() -> None:
    powershell, bash = lines(ClientSecret(client_id=CLIENT, secret_env="S"), cloud=Cloud.USGOV_DOD)
    assert "-Environment USGovDoD" in powershell
    assert bash == ""


@pytest.mark.parametrize("quote", ["'", "\u2018", "\u2019", "\u201a", "\u201b"])
def test_no_quotation_mark_ends_a_powershell_string(quote: str) -> None:
    tenant, hostile = Tenant(name="contoso", tenant_id=CLIENT), f"a{quote}; Remove-Item *; {quote}b@contoso.example"
    mailbox_filter = "PrimarySmtpAddress -eq '{}'".format(hostile.replace("'", "''"))
    for commands in (revoke_commands(tenant, CLIENT, (hostile,)), mailbox_commands(tenant, CLIENT, hostile)):
        script = Script("\n".join(commands).encode())
        assert script.undocumented() == []
        assert {text for text in script.texts if "Remove-Item" in text} - {mailbox_filter} == {hostile}
