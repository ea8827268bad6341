"""Builds the commands that prepare a team's tenant: sign-in, application, permissions, mailbox, first audit."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from auditor.app.policy_files import installed_base, is_policy_file
from auditor.app.scaffold.choices import CERTIFICATE, Choices, default_branch
from auditor.app.scaffold.starter_policies import starter_files
from auditor.app.tenant_setup.application import (
    ApplicationSetup,
    azure_cli_commands,
    mailbox_commands,
    powershell_commands,
)
from auditor.app.tenant_setup.permission_grants import azure_cli_login
from auditor.checks.data_needs import needs
from auditor.domain.settings import NO_CLIENT, Tenant
from auditor.domain.translation import N_
from auditor.policy.loader import load

_NIGHTLY_NOTE: Final = N_("Nightly run: see the steps under `Set up` in README.md")
_PLAIN_PATH: Final = re.compile(r"[\w./\\:-]+")
"""A path that needs no quotes in PowerShell and bash."""


def setup_commands(choices: Choices, folder: Path) -> tuple[str, ...]:
    """Return the commands of the set-up: sign-in, application, permissions, mailbox, first audit.

    The comments in them are messages that the caller translates.
    """
    tenant = Tenant(name=choices.name, tenant_id=choices.tenant_id, cloud=choices.cloud)
    client = None if choices.client_id == NO_CLIENT else choices.client_id
    argument = "" if folder == Path() else f" {_quoted(folder)}"
    audit_commands = (*((f"cd{argument}",) if argument else ()), "auditor doctor", "auditor audit")
    if choices.ci == "azure-devops" and client is not None:
        # The service connection already has an application, which only needs the permissions.
        choices = replace(choices, credential="workload-identity")
    if choices.credential == "azure-cli":
        comment = f"# {N_('Your own report, as the signed-in user of the Azure CLI')}"
        return (
            comment,
            *azure_cli_login(tenant),
            *audit_commands,
            "",
            *_mailbox_hint(choices),
            *_nightly_hint(choices),
        )
    if choices.credential == "managed-identity" and client is None:
        return (*_system_assigned(audit_commands), "", *_mailbox_hint(choices), *_nightly_hint(choices))
    branch = "" if choices.branch == default_branch(folder) else f" --branch {choices.branch}"
    commands = [*_application_commands(choices, tenant, client, folder, f"auditor init{argument}{branch}"), ""]
    if choices.sender is not None:
        commands += [
            f"# {N_('Limit sending to this mailbox (Exchange Online PowerShell)')}",
            f"# {N_('Do not grant Mail.Send in Entra as well: the application could then send from every mailbox.')}",
            *mailbox_commands(tenant, client, choices.sender),
            "",
        ]
    if choices.ci is not None and choices.ci != "github":
        return (*commands, f"# {_NIGHTLY_NOTE}")
    match choices.credential:
        case "github-oidc":
            last_steps: tuple[str, ...] = (
                f"# {N_('Then commit and push. To start the first run: Actions, Nightly audit, Run workflow')}",
            )
        case "workload-identity":
            last_steps = (f"# {N_('The federated credential of the cluster: see docs/sign-in.md')}",)
        case _:
            last_steps = (f"# {N_('Your own report')}", *audit_commands)
    return (*commands, *last_steps)


def _mailbox_hint(choices: Choices) -> tuple[str, ...]:
    """Return a hint where to find the mailbox commands, if the application that sends is not known yet."""
    if choices.sender is None:
        return ()
    hint = N_("Mailbox: run `auditor doctor` as the application that sends mail, to print the commands")
    if choices.credential == "azure-cli":
        hint = N_(
            "Mailbox: run `auditor init --client-id ID` with the application that sends mail, to print the commands"
        )
    return (f"# {hint}", "")


def _nightly_hint(choices: Choices) -> tuple[str, ...]:
    if choices.ci is not None and choices.ci != "github":
        return (f"# {_NIGHTLY_NOTE}",)
    return (
        f"# {N_('Nightly run in GitHub Actions: run this in a clone of your private repository')}",
        "auditor init --credential github-oidc",
    )


def _system_assigned(audit_commands: tuple[str, ...]) -> tuple[str, ...]:
    """Return the commands for a system-assigned identity, whose id is known only on the machine itself."""
    note = N_(
        "On the Azure machine, with its system-assigned identity; doctor prints the commands that grant permissions"
    )
    return (
        f"# {note}",
        *audit_commands,
        "",
        f"# {N_('A user-assigned identity has a client id: run `auditor init` again with --client-id')}",
    )


def _quoted(path: Path) -> str:
    return str(path) if _PLAIN_PATH.fullmatch(str(path)) else f'"{path}"'


def _application_commands(
    choices: Choices, tenant: Tenant, client: str | None, folder: Path, again: str
) -> Iterator[str]:
    """Yield the commands that create or prepare the application, for PowerShell and for the Azure CLI."""
    from auditor.collect.sources.registry import permissions_for  # noqa: PLC0415  imports Arrow; `--help` needs none

    starter = starter_files(large=choices.large, groups=choices.groups, extend=choices.extend)
    policies = [(name, body) for name, body in starter.items() if is_policy_file(Path(name))]
    permissions = permissions_for(needs(load(policies, bases=installed_base).policies))
    setup = ApplicationSetup(
        tenant=tenant,
        credential=choices.credential,
        client_id=client,
        wanted=permissions,
        repository=choices.repository,
        project=choices.project if choices.ci == "gitlab" else None,
        branch=choices.branch,
        secret_variable=choices.secret_variable,
        certificate=_quoted(folder / CERTIFICATE),
        again=again,
    )
    yield f"# {N_('The application and its permissions (only those that the selected policies need):')}"
    yield f"#    {', '.join(item.name for item in permissions)}"
    if choices.credential == "github-oidc" and choices.repository is None:
        yield f"# {N_('Its federated credential needs --repository OWNER/NAME.')}"
    if choices.ci == "gitlab" and choices.project is None:
        yield f"# {N_('Its federated credential needs a clone of the project: run this again there.')}"
    yield ""
    yield f"# {N_('In PowerShell, with the Microsoft.Graph module')}"
    yield from powershell_commands(setup)
    azure_cli = azure_cli_commands(setup)
    if azure_cli:
        yield ""
        yield f"# {N_('or in bash, with the Azure CLI')}"
        yield from azure_cli
