"""Builds the commands that let GitHub jobs sign in as an application, without a secret."""

import json
import re
import shlex

from auditor.app.tenant_setup.permission_grants import azure_cli_login, sign_in
from auditor.domain.enums import Cloud
from auditor.domain.settings import Tenant
from auditor.domain.translation import N_
from auditor.graph import clouds

MAIN = "main"
"""The branch that is used if the default branch of a repository is not known."""
_ISSUER = "https://token.actions.githubusercontent.com"
_IDS = "repo:{owner}@{owner_id}/{name}@{id}:ref:{reference}"
"""GitHub's subject with ids, which repositories have since July 2026; the earlier form contains only names."""
_UPSERT = "create-if-missing"
"""The value of `Prefer` with which Graph creates a federated credential, or updates the one with the same name."""


def federation_commands(tenant: Tenant, client_id: str, repository: str, reference: str) -> tuple[str, ...]:
    """Return the commands that let jobs of a repository (OWNER/NAME) on a branch or tag sign in as an application.

    They register both forms of GitHub's subject, and may be run again.
    """
    azure_cli = (
        f"# {N_('or Azure CLI')}",
        *azure_cli_login(tenant),
        f"CLIENT_ID={client_id}",
        *github_azure_cli(tenant, repository, reference),
    )
    return (
        "# Microsoft Graph PowerShell",
        sign_in(tenant, "Application.ReadWrite.All"),
        f"$app = Get-MgApplication -Filter \"appId eq '{client_id}'\"",
        *github_powershell(tenant, repository, reference),
        *(() if tenant.cloud is Cloud.USGOV_DOD else azure_cli),
    )


def github_powershell(tenant: Tenant, repository: str, reference: str) -> tuple[str, ...]:
    """Return the PowerShell commands for the application in `$app`; the ids are read with GitHub's CLI."""
    ids = _IDS.format(
        owner="$($r.owner.login)", owner_id="$($r.owner.id)", name="$($r.name)", id="$($r.id)", reference=reference
    )
    name = _name(reference)
    return (
        federate(tenant, name=name, issuer=_ISSUER, subject=f"'repo:{repository}:ref:{reference}'"),
        f"$r = gh api repos/{repository} | ConvertFrom-Json",
        federate(tenant, name=f"{name}-ids", issuer=_ISSUER, subject=f'"{ids}"'),
    )


def github_azure_cli(tenant: Tenant, repository: str, reference: str) -> tuple[str, ...]:
    """Return the bash commands for the application in `$CLIENT_ID`; the ids are read with GitHub's CLI."""
    ids = _IDS.format(
        owner="\\(.owner.login)", owner_id="\\(.owner.id)", name="\\(.name)", id="\\(.id)", reference=reference
    )
    name, subject = _name(reference), f"repo:{repository}:ref:{reference}"
    body = shlex.quote(_json(tenant, _ISSUER, ids).replace("\\\\", "\\"))
    return (
        azure_cli_federate(tenant, name=name, issuer=_ISSUER, subject=subject),
        _azure_cli(tenant, f"{name}-ids", f'"$(gh api repos/{repository} --jq {body})"'),
    )


def federate(tenant: Tenant, *, name: str, issuer: str, subject: str) -> str:
    """Return the PowerShell command that creates a federated credential, or updates the one with the same name.

    `subject` is a quoted PowerShell string.
    """
    audience = clouds.addresses(tenant.cloud).federation_audience
    return (
        f"Update-MgApplicationFederatedIdentityCredentialByName -ApplicationId $app.Id -Name {name}"
        f" -Issuer '{issuer}' -Subject {subject} -Audiences @('{audience}') -Headers @{{Prefer='{_UPSERT}'}}"
    )


def azure_cli_federate(tenant: Tenant, *, name: str, issuer: str, subject: str) -> str:
    """Return the bash command that creates or updates a federated credential of `$CLIENT_ID`."""
    return _azure_cli(tenant, name, shlex.quote(_json(tenant, issuer, subject)))


def _azure_cli(tenant: Tenant, name: str, body: str) -> str:
    graph = clouds.addresses(tenant.cloud).graph
    url = f"{graph}/v1.0/applications(appId='$CLIENT_ID')/federatedIdentityCredentials(name='{name}')"
    return f'az rest --method patch --url "{url}" --headers Prefer={_UPSERT} --body {body}'


def _json(tenant: Tenant, issuer: str, subject: str) -> str:
    audience = clouds.addresses(tenant.cloud).federation_audience
    return json.dumps({"issuer": issuer, "subject": subject, "audiences": [audience]})


def _name(reference: str) -> str:
    """Return the credential name for a branch or tag, so that other branches do not replace that of `main`."""
    if reference == f"refs/heads/{MAIN}":
        return "auditor"
    return "auditor-" + re.sub("[^A-Za-z0-9]+", "-", reference.removeprefix("refs/heads/")).strip("-")[:100]
