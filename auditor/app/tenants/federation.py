"""Builds the commands that let jobs of GitHub sign in as an application, without a secret."""

import shlex

from auditor.app.tenants.permission_grants import azure_cli_login, connect
from auditor.domain.enums import Cloud
from auditor.domain.tenant import Tenant
from auditor.domain.translation import N_
from auditor.graph import clouds

CREATE = 'az ad app federated-credential create --id "$CLIENT_ID" --parameters'
_ISSUER = "https://token.actions.githubusercontent.com"
_IDS = "repo:{owner}@{owner_id}/{name}@{id}:ref:refs/heads/main"
"""GitHub's subject with ids, which repositories have since July 2026; the form before has names only."""


def federation_commands(tenant: Tenant, client_id: str, repository: str) -> tuple[str, ...]:
    """Return the commands that add both forms of GitHub's subject (OWNER/NAME, branch main) to an application."""
    azure_cli = (
        f"# {N_('or Azure CLI')}",
        *azure_cli_login(tenant),
        f"CLIENT_ID={client_id}",
        *github_azure_cli(tenant, repository),
    )
    return (
        "# Microsoft Graph PowerShell",
        connect(tenant, "Application.ReadWrite.All"),
        f"$app = Get-MgApplication -Filter \"appId eq '{client_id}'\"",
        *github_powershell(tenant, repository),
        *(() if tenant.cloud is Cloud.USGOV_DOD else azure_cli),
    )


def github_powershell(tenant: Tenant, repository: str) -> tuple[str, ...]:
    """Return the commands of PowerShell for the application in `$app`; GitHub's CLI gives the ids."""
    ids = _IDS.format(owner="$($r.owner.login)", owner_id="$($r.owner.id)", name="$($r.name)", id="$($r.id)")
    return (
        federate(tenant, name="auditor", issuer=_ISSUER, subject=f"'repo:{repository}:ref:refs/heads/main'"),
        f"$r = gh api repos/{repository} | ConvertFrom-Json",
        federate(tenant, name="auditor-ids", issuer=_ISSUER, subject=f'"{ids}"'),
    )


def github_azure_cli(tenant: Tenant, repository: str) -> tuple[str, ...]:
    """Return the commands of bash for the application in `$CLIENT_ID`; GitHub's CLI gives the ids."""
    named = f"repo:{repository}:ref:refs/heads/main"
    ids = _IDS.format(owner="\\(.owner.login)", owner_id="\\(.owner.id)", name="\\(.name)", id="\\(.id)")
    first, second = (
        shlex.quote(credential_json(tenant, name=name, issuer=_ISSUER, subject=subject))
        for name, subject in (("auditor", named), ("auditor-ids", ids))
    )
    return (f"{CREATE} {first}", f'{CREATE} "$(gh api repos/{repository} --jq {second})"')


def federate(tenant: Tenant, *, name: str, issuer: str, subject: str) -> str:
    """Return the command of PowerShell that adds a federated credential; `subject` is a quoted string of PowerShell."""
    audience = clouds.addresses(tenant.cloud).federation_audience
    return (
        f"New-MgApplicationFederatedIdentityCredential -ApplicationId $app.Id -Name {name}"
        f" -Issuer '{issuer}' -Subject {subject} -Audiences @('{audience}')"
    )


def credential_json(tenant: Tenant, *, name: str, issuer: str, subject: str) -> str:
    """Return a federated credential as JSON, as the Azure CLI takes it."""
    audience = clouds.addresses(tenant.cloud).federation_audience
    return f'{{"name": "{name}", "issuer": "{issuer}", "subject": "{subject}", "audiences": ["{audience}"]}}'
