"""Builds the commands that grant and revoke permissions, for Microsoft Graph PowerShell and the Azure CLI."""

import json
import re
import shlex
from collections.abc import Mapping

from auditor.collect.permissions import Permission
from auditor.domain.enums import Cloud
from auditor.domain.tenant import Tenant
from auditor.domain.translation import N_
from auditor.graph import clouds
from auditor.graph.auth.github_oidc import subjects
from auditor.remedy.requests import in_cloud

GRAPH = "00000003-0000-0000-c000-000000000000"
"""The application id of Microsoft Graph, the same in every tenant."""
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
AZ_CLOUD = {Cloud.USGOV: "AzureUSGovernment", Cloud.USGOV_DOD: "AzureUSGovernment", Cloud.CHINA: "AzureChinaCloud"}
ISSUER = "https://token.actions.githubusercontent.com"


def grant_commands(tenant: Tenant, client: str | None, wanted: tuple[Permission, ...]) -> tuple[str, ...]:
    """Return the commands that grant permissions to the application, and consent to them."""
    app = _identified(client)
    powershell = [
        *_powershell_session(tenant, app),
        *(
            "New-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $app.Id -PrincipalId $app.Id"
            f" -ResourceId $graph.Id -AppRoleId {item.role_id}  # {item.name}"
            for item in wanted
        ),
    ]
    roles = " ".join(f"{item.role_id}=Role" for item in wanted)
    az = [
        *_az_session(tenant),
        f"az ad app permission add --id {app} --api {GRAPH} --api-permissions {roles}",
        f"az ad app permission admin-consent --id {app}",
    ]
    return (
        "# Microsoft Graph PowerShell",
        *powershell,
        f"# {N_('or Azure CLI')}",
        *az,
        f"# {N_('then sign in anew: tokens keep the permissions they were made with')}",
    )


def revoke_commands(tenant: Tenant, client: str | None, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the commands that revoke permissions."""
    listed = ", ".join("'" + name.replace("'", "''") + "'" for name in names)
    return (
        "# Microsoft Graph PowerShell",
        *_powershell_session(tenant, _identified(client)),
        f"$roles = ($graph.AppRoles | Where-Object Value -in {listed}).Id",
        (
            "Get-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $app.Id -All"
            " | Where-Object AppRoleId -in $roles"
            " | ForEach-Object { Remove-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $app.Id"
            " -AppRoleAssignmentId $_.Id }"
        ),
    )


def federation_commands(
    tenant: Tenant, client: str, environ: Mapping[str, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the commands that let a GitHub job sign in, and the possible forms of its subject."""
    forms = subjects(environ)
    audience = clouds.addresses(tenant.cloud).federation_audience
    parameters = {
        "name": "auditor",
        "issuer": ISSUER,
        "subject": forms[0],
        "audiences": [audience],
    }
    app = _identified(client)
    body = json.dumps(parameters, ensure_ascii=True)
    subject = forms[0].replace("'", "''")
    prefix = N_("tells the prefix that GitHub uses")
    return (
        (
            f"gh api repos/OWNER/REPOSITORY/actions/oidc/customization/sub  # {prefix}",
            "# Microsoft Graph PowerShell",
            connect(tenant, "Application.ReadWrite.All"),
            f"$app = Get-MgApplication -Filter \"appId eq '{app}'\"",
            (
                "New-MgApplicationFederatedIdentityCredential -ApplicationId $app.Id -Name auditor"
                f" -Issuer '{ISSUER}' -Subject '{subject}' -Audiences @('{audience}')"
            ),
            f"# {N_('or Azure CLI')}",
            *_az_session(tenant),
            f"az ad app federated-credential create --id {app} --parameters {shlex.quote(body)}",
        ),
        forms,
    )


def connect(tenant: Tenant, scopes: str) -> str:
    """Return the command that signs in Microsoft Graph PowerShell with delegated scopes."""
    quoted = ",".join(f"'{scope}'" for scope in scopes.split(","))
    return f"Connect-MgGraph -TenantId {tenant.tenant_id}{in_cloud(tenant.cloud)} -Scopes {quoted}"


def _powershell_session(tenant: Tenant, app: str) -> tuple[str, ...]:
    return (
        connect(tenant, "Application.Read.All,AppRoleAssignment.ReadWrite.All"),
        f"$app = Get-MgServicePrincipal -Filter \"appId eq '{app}'\"",
        f"$graph = Get-MgServicePrincipal -Filter \"appId eq '{GRAPH}'\"",
    )


def _az_session(tenant: Tenant) -> tuple[str, ...]:
    login = f"az login --tenant {tenant.tenant_id} --allow-no-subscriptions"
    cloud = AZ_CLOUD.get(tenant.cloud)
    return (login,) if cloud is None else (f"az cloud set --name {cloud}", login)


def _identified(client: str | None) -> str:
    """Return an application id that is safe in a command; a placeholder for anything else."""
    return client if client is not None and _GUID.fullmatch(client) else "CLIENT_ID"
