"""Builds the commands that create the auditor's application in a tenant: PowerShell, or the Azure CLI in bash."""

from msgspec import Struct

from auditor.app.tenant_setup.federation import azure_cli_federate, federate, github_azure_cli, github_powershell
from auditor.app.tenant_setup.permission_grants import (
    GRAPH,
    azure_cli_app_permissions,
    azure_cli_login,
    azure_cli_role_assignments,
    delegated_consent,
    role_assignments,
    sign_in,
)
from auditor.collect.permissions import Permission
from auditor.domain.enums import Cloud
from auditor.domain.tenant import Tenant
from auditor.domain.translation import N_
from auditor.graph.auth.credential_types import CREDENTIAL_TYPES
from auditor.remedy.requests import quoted

_EXCHANGE = {
    Cloud.USGOV: " -ExchangeEnvironmentName O365USGovGCCHigh",
    Cloud.USGOV_DOD: " -ExchangeEnvironmentName O365USGovDoD",
    Cloud.CHINA: " -ExchangeEnvironmentName O365China",
}
"""The parameter of `Connect-ExchangeOnline` for a cloud (Microsoft's reference of the cmdlet)."""
_TITLE = "Licence auditor"
"""The display name of the application."""
_EXISTS = (
    f"an application '{_TITLE}' exists already: {{ids}};"
    " if it is yours, run auditor init again with --client-id and its id"
)
"""The error if the application already exists; it is not reused silently, because its owner could sign in as it."""
_AZURE_CLI_PRINCIPAL = 'az ad sp show --id "$CLIENT_ID" --output none 2>/dev/null || az ad sp create --id "$CLIENT_ID"'
_GITLAB_SUBJECT = "project_path:{path}:ref_type:branch:ref:{branch}"


class ApplicationSetup(Struct, frozen=True, kw_only=True):
    """The options from which the commands are built."""

    tenant: Tenant
    credential: str
    """A type of credential that needs an application, by its name in tenants files."""
    client_id: str | None
    """The client id of an existing application; None to create one."""
    wanted: tuple[Permission, ...]
    repository: str | None
    """OWNER/NAME on GitHub, for `github-oidc`."""
    project: tuple[str, str] | None
    """Host and path of the project on GitLab whose jobs sign in, for `workload-identity`."""
    branch: str
    """The branch of the repository or project whose jobs sign in."""
    secret_variable: str
    certificate: str
    """The file for the key and the certificate, quoted for a shell."""
    again: str
    """The command line of `auditor init` for the same folder."""

    @property
    def delegated(self) -> bool:
        """Whether a person signs in with the application, which therefore needs delegated permissions."""
        delegated = (kind for kind, entry in CREDENTIAL_TYPES.items() if entry.delegated)
        return self.credential in {kind.__struct_config__.tag for kind in delegated}


def powershell_commands(setup: ApplicationSetup) -> tuple[str, ...]:
    """Return the commands for Microsoft Graph PowerShell; later commands use variables of earlier ones."""
    if setup.client_id is None:
        public = " -IsFallbackPublicClient" if setup.delegated else ""
        existing = _EXISTS.format(ids="$($named.AppId -join ', ')")
        app = [
            f"$named = @(Get-MgApplication -Filter \"displayName eq '{_TITLE}'\")",
            (
                f'$app = if ($named) {{ throw "{existing}" }}'
                f" else {{ New-MgApplication -DisplayName '{_TITLE}' -SignInAudience AzureADMyOrg{public} }}"
            ),
            "$principal = New-MgServicePrincipal -AppId $app.AppId",
        ]
    else:
        app = [f"$principal = Get-MgServicePrincipal -Filter \"appId eq '{setup.client_id}'\""]
        if setup.credential != "managed-identity":
            app = [
                f"$app = Get-MgApplication -Filter \"appId eq '{setup.client_id}'\"",
                *app,
                f"if (-not $principal) {{ $principal = New-MgServicePrincipal -AppId {setup.client_id} }}",
            ]
    application_scope = (
        "Application.Read.All" if setup.credential == "managed-identity" else "Application.ReadWrite.All"
    )
    grant = "DelegatedPermissionGrant" if setup.delegated else "AppRoleAssignment"
    lines = [
        sign_in(setup.tenant, application_scope, f"{grant}.ReadWrite.All"),
        *app,
        f"$graph = Get-MgServicePrincipal -Filter \"appId eq '{GRAPH}'\"",
    ]
    if setup.delegated:
        lines += delegated_consent("$principal", setup.wanted)
    else:
        lines += role_assignments("$principal", setup.wanted)
    lines += _powershell_credential(setup)
    if setup.client_id is None:
        lines.append(f"{setup.again} --client-id $app.AppId")
    return tuple(lines)


def _powershell_credential(setup: ApplicationSetup) -> list[str]:
    if setup.credential == "client-secret":
        return [
            "$secret = Add-MgApplicationPassword -ApplicationId $app.Id",
            f"$env:{setup.secret_variable} = $secret.SecretText",
        ]
    if setup.credential == "certificate":
        return [
            f"$rsa = [System.Security.Cryptography.RSA]::Create(3072)  # {N_('PowerShell 7')}",
            (
                "$request = [System.Security.Cryptography.X509Certificates.CertificateRequest]::new("
                "'CN=Licence auditor', $rsa, 'SHA256', [System.Security.Cryptography.RSASignaturePadding]::Pkcs1)"
            ),
            "$made = $request.CreateSelfSigned([DateTimeOffset]::Now, [DateTimeOffset]::Now.AddYears(1))",
            (
                "Update-MgApplication -ApplicationId $app.Id -KeyCredentials"
                " @(@{Type='AsymmetricX509Cert'; Usage='Verify'; Key=$made.RawData})"
            ),
            (
                '$made.ExportCertificatePem() + "`n" + $rsa.ExportPkcs8PrivateKeyPem()'
                f" | Set-Content {setup.certificate}"
            ),
        ]
    if setup.project is not None:
        host, path = setup.project
        subject = f"'{_GITLAB_SUBJECT.format(path=path, branch=setup.branch)}'"
        return [federate(setup.tenant, name="gitlab", issuer=f"https://{host}", subject=subject)]
    if setup.credential != "github-oidc" or setup.repository is None:
        return []
    return list(github_powershell(setup.tenant, setup.repository, f"refs/heads/{setup.branch}"))


def azure_cli_commands(setup: ApplicationSetup) -> tuple[str, ...]:
    """Return the commands for the Azure CLI in bash, such as in Azure Cloud Shell.

    Empty for the DoD cloud: the CLI has only one Graph endpoint for Azure Government, that of the other US Government
    cloud.
    """
    if setup.tenant.cloud is Cloud.USGOV_DOD:
        return ()
    lines = [*azure_cli_login(setup.tenant)]
    if setup.client_id is None:
        public = " --is-fallback-public-client true" if setup.delegated else ""
        lines += [
            f"NAMED=$(az ad app list --filter \"displayName eq '{_TITLE}'\" --query '[].appId' --output tsv)",
            (
                f'if [ -n "$NAMED" ]; then echo "{_EXISTS.format(ids="$NAMED")}" >&2; CLIENT_ID=; false; else'
                f" CLIENT_ID=$(az ad app create --display-name '{_TITLE}' --sign-in-audience AzureADMyOrg{public}"
                " --query appId --output tsv); fi"
            ),
            _AZURE_CLI_PRINCIPAL,
            f"sleep 30  # {N_('until Entra has replicated the application')}",
        ]
    else:
        lines.append(f"CLIENT_ID={setup.client_id}")
        lines += [] if setup.credential == "managed-identity" else [_AZURE_CLI_PRINCIPAL]
    if setup.delegated:
        names = " ".join(item.name for item in setup.wanted)
        lines.append(f'az ad app permission grant --id "$CLIENT_ID" --api {GRAPH} --scope "{names}"')
    elif setup.credential == "managed-identity":
        lines += azure_cli_role_assignments(setup.tenant, '"$CLIENT_ID"', setup.wanted)
    else:
        lines += azure_cli_app_permissions('"$CLIENT_ID"', setup.wanted)
    lines += _azure_cli_credential(setup)
    if setup.client_id is None:
        lines.append(f'{setup.again} --client-id "$CLIENT_ID"')
    return tuple(lines)


def _azure_cli_credential(setup: ApplicationSetup) -> list[str]:
    if setup.credential == "client-secret":
        return [
            (
                f'export {setup.secret_variable}=$(az ad app credential reset --id "$CLIENT_ID" --append'
                " --query password --output tsv)"
            )
        ]
    if setup.credential == "certificate":
        return [
            (
                'mv "$(az ad app credential reset --id "$CLIENT_ID" --append --create-cert'
                f' --query fileWithCertAndPrivateKey --output tsv)" {setup.certificate}'
            )
        ]
    if setup.project is not None:
        host, path = setup.project
        subject = _GITLAB_SUBJECT.format(path=path, branch=setup.branch)
        return [azure_cli_federate(setup.tenant, name="gitlab", issuer=f"https://{host}", subject=subject)]
    if setup.credential != "github-oidc" or setup.repository is None:
        return []
    return list(github_azure_cli(setup.tenant, setup.repository, f"refs/heads/{setup.branch}"))


def mailbox_commands(tenant: Tenant, client_id: str | None, sender: str) -> tuple[str, ...]:
    """Return the commands for Exchange Online PowerShell that let the application send from one mailbox.

    A missing mailbox is created as a shared one, which needs no licence. The commands may be run again, also with
    another mailbox.
    """
    mailbox = quoted(sender)
    # The filter is a text in the language of Exchange, which has one kind of quotes, within a PowerShell string.
    only_sender = "PrimarySmtpAddress -eq '" + sender.replace("'", "''") + "'"
    limit = f"-RecipientRestrictionFilter {quoted(only_sender)}"
    return (
        sign_in(tenant, "Application.Read.All"),
        *_principal(client_id),
        f"Connect-ExchangeOnline{_EXCHANGE.get(tenant.cloud, '')}",
        _unless(
            f"Get-Mailbox -Identity {mailbox}", f"New-Mailbox -Shared -Name '{_TITLE}' -PrimarySmtpAddress {mailbox}"
        ),
        _unless(
            "Get-ServicePrincipal -Identity $principal.Id",
            f"New-ServicePrincipal -AppId $principal.AppId -ObjectId $principal.Id -DisplayName '{_TITLE}'",
        ),
        f'$name = "{_TITLE} $($principal.AppId)"',
        _unless("Get-ManagementScope -Identity $name", f"New-ManagementScope -Name $name {limit}")
        + f" else {{ Set-ManagementScope -Identity $name {limit} }}",
        _unless(
            "Get-ManagementRoleAssignment -Identity $name",
            "New-ManagementRoleAssignment -Name $name -App $principal.Id -Role 'Application Mail.Send'"
            " -CustomResourceScope $name",
        ),
        f"Test-ServicePrincipalAuthorization -Identity $principal.Id -Resource {mailbox}",
    )


def _principal(client_id: str | None) -> tuple[str, ...]:
    """Return the commands that find the application by id, or by name if there is only one with the name."""
    if client_id is not None:
        return (f"$principal = Get-MgServicePrincipal -Filter \"appId eq '{client_id}'\"",)
    return (
        f"$named = @(Get-MgServicePrincipal -Filter \"displayName eq '{_TITLE}'\")",
        (
            "$principal = if ($named.Count -eq 1) { $named[0] } else { throw"
            f" \"$($named.Count) applications are named '{_TITLE}': $($named.AppId -join ', ');"
            ' run auditor init again with --client-id and the id of yours" }'
        ),
    )


def _unless(get: str, create: str) -> str:
    """Return the PowerShell command that creates an object if `get` does not find it."""
    return f"if (-not ({get} -ErrorAction SilentlyContinue)) {{ {create} }}"
