"""Builds the commands that grant and revoke permissions, for Microsoft Graph PowerShell and the Azure CLI."""

from auditor.catalogue.model import GUID
from auditor.collect.permissions import Permission
from auditor.domain.enums import Cloud
from auditor.domain.settings import AzureCli, ManagedIdentity, Tenant
from auditor.domain.translation import N_
from auditor.graph import clouds
from auditor.remedy.requests import connect, quoted

GRAPH = "00000003-0000-0000-c000-000000000000"
"""The application id of Microsoft Graph, which is the same in every tenant."""
AZ_CLOUD = {Cloud.USGOV: "AzureUSGovernment", Cloud.USGOV_DOD: "AzureUSGovernment", Cloud.CHINA: "AzureChinaCloud"}


def grant_commands(
    tenant: Tenant, client: str | None, permissions: tuple[Permission, ...], *, delegated: bool
) -> tuple[str, ...]:
    """Return the commands that grant permissions to the application that signs in, and consent to them.

    `delegated` means that a user signs in.
    """
    app = _safe_client_id(client)
    again = f"# {N_('then sign in again: a token keeps the permissions it was issued with')}"
    if delegated and isinstance(tenant.credential, AzureCli):
        return (
            f"# {N_('The application of the Azure CLI belongs to Microsoft: sign in with an application of your own')}",
            "auditor init --credential device-code",
        )
    if delegated:
        session = _powershell_session(tenant, app, "DelegatedPermissionGrant")
        return ("# Microsoft Graph PowerShell", *session, *delegated_consent("$app", permissions), again)
    powershell = [*_powershell_session(tenant, app), *role_assignments("$app", permissions)]
    az = _azure_cli_grant(tenant, app, permissions)
    return ("# Microsoft Graph PowerShell", *powershell, *((f"# {N_('or Azure CLI')}", *az) if az else ()), again)


def role_assignments(principal: str, permissions: tuple[Permission, ...]) -> tuple[str, ...]:
    """Return the PowerShell commands that assign the missing app roles of `$graph` to a service principal.

    `principal` is the variable of the service principal. The commands may be run again.
    """
    return (
        f"$held = (Get-MgServicePrincipalAppRoleAssignment -ServicePrincipalId {principal}.Id -All).AppRoleId",
        *(
            f"if ('{item.role_id}' -notin $held) {{ New-MgServicePrincipalAppRoleAssignment -ServicePrincipalId"
            f" {principal}.Id -PrincipalId {principal}.Id -ResourceId $graph.Id -AppRoleId {item.role_id} }}"
            f"  # {item.name}"
            for item in permissions
        ),
    )


def delegated_consent(principal: str, permissions: tuple[Permission, ...]) -> tuple[str, ...]:
    """Return the PowerShell commands that consent to delegated permissions for all users of the tenant.

    `principal` is the variable of the service principal. Existing permissions are kept; the commands may be run again.
    """
    names = " ".join(item.name for item in permissions)
    return (
        (
            "$grant = Get-MgOauth2PermissionGrant -Filter"
            f" \"clientId eq '$({principal}.Id)' and resourceId eq '$($graph.Id)' and consentType eq 'AllPrincipals'\""
        ),
        f"$scope = (\"$($grant.Scope) {names}\".Trim() -split ' ' | Select-Object -Unique) -join ' '",
        (
            "if ($grant) { $changed = @{ OAuth2PermissionGrantId = $grant.Id; Scope = $scope }"
            "; Update-MgOauth2PermissionGrant @changed }"
            f" else {{ New-MgOauth2PermissionGrant -ClientId {principal}.Id -ConsentType AllPrincipals"
            " -ResourceId $graph.Id -Scope $scope }"
        ),
    )


def _azure_cli_grant(tenant: Tenant, app: str, permissions: tuple[Permission, ...]) -> tuple[str, ...]:
    if tenant.cloud is Cloud.USGOV_DOD:
        return ()
    if isinstance(tenant.credential, ManagedIdentity):
        return (*azure_cli_login(tenant), *azure_cli_role_assignments(tenant, app, permissions))
    return (*azure_cli_login(tenant), *azure_cli_app_permissions(app, permissions))


def azure_cli_app_permissions(app: str, permissions: tuple[Permission, ...]) -> tuple[str, ...]:
    """Return the bash commands that add permissions to an application and consent to them.

    `app` is its id, or a quoted variable.
    """
    roles = " ".join(f"{item.role_id}=Role" for item in permissions)
    return (
        f"az ad app permission add --id {app} --api {GRAPH} --api-permissions {roles}",
        f"az ad app permission admin-consent --id {app}",
    )


def azure_cli_role_assignments(tenant: Tenant, app: str, permissions: tuple[Permission, ...]) -> tuple[str, ...]:
    """Return the bash commands that grant permissions to a service principal without an application.

    `app` is its application id, or a quoted variable. The commands may be run again.
    """
    url = f"{clouds.addresses(tenant.cloud).graph}/v1.0/servicePrincipals/$PRINCIPAL/appRoleAssignments"
    return (
        f"PRINCIPAL=$(az ad sp show --id {app} --query id --output tsv)",
        f"GRAPH=$(az ad sp show --id {GRAPH} --query id --output tsv)",
        f'HELD=$(az rest --method get --url {url} --query "value[].appRoleId" --output tsv)',
        *(
            f"[[ $HELD = *{item.role_id}* ]] || az rest --method post --url {url}"
            ' --body "{\\"principalId\\": \\"$PRINCIPAL\\", \\"resourceId\\":'
            f' \\"$GRAPH\\", \\"appRoleId\\": \\"{item.role_id}\\"}}"  # {item.name}'
            for item in permissions
        ),
    )


def revoke_commands(tenant: Tenant, client: str | None, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the commands that revoke permissions."""
    quoted_names = ", ".join(map(quoted, names))
    return (
        "# Microsoft Graph PowerShell",
        *_powershell_session(tenant, _safe_client_id(client)),
        f"$roles = ($graph.AppRoles | Where-Object Value -in {quoted_names}).Id",
        (
            "Get-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $app.Id -All"
            " | Where-Object AppRoleId -in $roles"
            " | ForEach-Object { Remove-MgServicePrincipalAppRoleAssignment -ServicePrincipalId $app.Id"
            " -AppRoleAssignmentId $_.Id }"
        ),
    )


def sign_in(tenant: Tenant, *scopes: str) -> str:
    """Return the command that signs in Microsoft Graph PowerShell with delegated scopes."""
    return connect(scopes, tenant_id=tenant.tenant_id, cloud=tenant.cloud)


def _powershell_session(tenant: Tenant, app: str, grant: str = "AppRoleAssignment") -> tuple[str, ...]:
    return (
        sign_in(tenant, "Application.Read.All", f"{grant}.ReadWrite.All"),
        f"$app = Get-MgServicePrincipal -Filter \"appId eq '{app}'\"",
        f"$graph = Get-MgServicePrincipal -Filter \"appId eq '{GRAPH}'\"",
    )


def azure_cli_login(tenant: Tenant) -> tuple[str, ...]:
    """Return the commands that sign the Azure CLI in to a tenant, in its cloud."""
    login = f"az login --tenant {tenant.tenant_id} --allow-no-subscriptions"
    cloud = AZ_CLOUD.get(tenant.cloud)
    return (login,) if cloud is None else (f"az cloud set --name {cloud}", login)


def _safe_client_id(client: str | None) -> str:
    """Return an application id that is safe in a command, or a placeholder if it is not a GUID."""
    return client if client is not None and GUID.fullmatch(client.lower()) else "CLIENT_ID"
