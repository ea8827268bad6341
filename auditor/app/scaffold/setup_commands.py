"""Builds the commands that prepare a team's tenant: sign-in, application, permissions, mailbox, first audit."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from auditor.app.policy_files import installed_base, is_policy_file
from auditor.app.scaffold.choices import Choices, default_branch
from auditor.app.scaffold.starter_policies import starter_files
from auditor.app.tenants.application_setup import (
    ApplicationSetup,
    azure_cli_commands,
    mailbox_commands,
    powershell_commands,
)
from auditor.app.tenants.permission_grants import azure_cli_login
from auditor.checks.data_needs import needs
from auditor.domain.tenant import NO_CLIENT, Tenant
from auditor.domain.translation import N_
from auditor.policy.loader import load

_EVERY_NIGHT: Final = N_("Every night: the steps under `Set up` in README.md")


def setup_commands(choices: Choices, folder: Path) -> tuple[str, ...]:
    """Return the commands of the set-up: sign-in, application, permissions, mailbox, first audit.

    Their comments are messages that the caller translates.
    """
    tenant = Tenant(name=choices.name, tenant_id=choices.tenant_id, cloud=choices.cloud)
    client = None if choices.client_id == NO_CLIENT else choices.client_id
    argument = "" if folder == Path() else f' "{folder}"' if " " in str(folder) else f" {folder}"
    own = (*((f"cd{argument}",) if argument else ()), "auditor doctor", "auditor audit")
    if choices.ci == "azure-devops" and client is not None:
        # The service connection has its application, which needs the permissions only.
        choices = replace(choices, credential="workload-identity")
    if choices.credential == "azure-cli":
        about = f"# {N_('Your own report, as the person of the Azure CLI')}"
        return (about, *azure_cli_login(tenant), *own, "", *_mailbox_later(choices), *_every_night(choices))
    if choices.credential == "managed-identity" and client is None:
        return (*_system_assigned(own), "", *_mailbox_later(choices), *_every_night(choices))
    branch = "" if choices.branch == default_branch(folder) else f" --branch {choices.branch}"
    commands = [*_application_commands(choices, tenant, client, f"auditor init{argument}{branch}"), ""]
    if choices.sender is not None:
        commands += [
            f"# {N_('Limit sending to this mailbox (Exchange Online PowerShell)')}",
            f"# {N_('Do not grant Mail.Send in Entra as well: the application could then send from every mailbox.')}",
            *mailbox_commands(tenant, client, choices.sender),
            "",
        ]
    if choices.ci is not None and choices.ci != "github":
        return (*commands, f"# {_EVERY_NIGHT}")
    match choices.credential:
        case "github-oidc":
            last: tuple[str, ...] = (
                f"# {N_('Then commit and push; the first run: Actions, Nightly audit, Run workflow')}",
            )
        case "workload-identity":
            last = (f"# {N_('The federated credential of the cluster: see docs/sign-in.md')}",)
        case _:
            last = (f"# {N_('Your own report')}", *own)
    return (*commands, *last)


def _mailbox_later(choices: Choices) -> tuple[str, ...]:
    """Return where the commands of the mailbox are found, as long as it is not known which application sends."""
    if choices.sender is None:
        return ()
    about = N_("The mailbox: `auditor doctor`, run as the application that sends, prints the commands")
    if choices.credential == "azure-cli":
        about = N_("The mailbox: `auditor init --client-id ID`, with the application that sends, prints the commands")
    return (f"# {about}", "")


def _every_night(choices: Choices) -> tuple[str, ...]:
    if choices.ci is not None and choices.ci != "github":
        return (f"# {_EVERY_NIGHT}",)
    return (
        f"# {N_('Every night in GitHub Actions: run this in a clone of your private repository')}",
        "auditor init --credential github-oidc",
    )


def _system_assigned(own: tuple[str, ...]) -> tuple[str, ...]:
    """Return the commands for the machine's own identity, which only the machine itself can name."""
    return (
        f"# {N_('On the Azure machine, as its own identity; doctor prints the commands that grant permissions')}",
        *own,
        "",
        f"# {N_('A user-assigned identity has a client id: run `auditor init` again with --client-id')}",
    )


def _application_commands(choices: Choices, tenant: Tenant, client: str | None, again: str) -> Iterator[str]:
    """Yield the commands that create or prepare the application, for PowerShell and for the Azure CLI."""
    from auditor.collect.sources.registry import permissions_for  # noqa: PLC0415  brings Arrow; `--help` needs none

    starter = starter_files(large=choices.large, groups=choices.groups, extend=choices.extend)
    policies = [(name, body) for name, body in starter.items() if is_policy_file(Path(name))]
    wanted = permissions_for(needs(load(policies, bases=installed_base).policies))
    setup = ApplicationSetup(
        tenant=tenant,
        credential=choices.credential,
        client_id=client,
        wanted=wanted,
        repository=choices.repository,
        project=choices.project if choices.ci == "gitlab" else None,
        branch=choices.branch,
        secret_variable=choices.secret_variable,
        again=again,
    )
    yield f"# {N_('The application and its permissions, only what the chosen policies need:')}"
    yield f"#    {', '.join(item.name for item in wanted)}"
    if choices.credential == "github-oidc" and choices.repository is None:
        yield f"# {N_('Its federated credential needs --repository OWNER/NAME.')}"
    if choices.ci == "gitlab" and choices.project is None:
        yield f"# {N_('Its federated credential needs a clone of the project: run this again there.')}"
    yield ""
    yield f"# {N_('In PowerShell, with the module Microsoft.Graph')}"
    yield from powershell_commands(setup)
    azure_cli = azure_cli_commands(setup)
    if azure_cli:
        yield ""
        yield f"# {N_('or in bash, with the Azure CLI')}"
        yield from azure_cli
