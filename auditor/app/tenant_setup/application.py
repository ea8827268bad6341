"""Builds the commands that create the auditor's application in a tenant: PowerShell, or the Azure CLI in bash."""

from functools import partial
from typing import Any

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
from auditor.domain.settings import Tenant
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
        kinds = CREDENTIAL_TYPES.items()
        return any(entry.delegated and kind.__struct_config__.tag == self.credential for kind, entry in kinds)


def powershell_commands(setup: ApplicationSetup) -> tuple[str, ...]:
    """Return the commands for Microsoft Graph PowerShell; later commands use variables of earlier ones."""
    return _filled("application.ps1.jinja", setup.tenant, **_values(setup), powershell_7=N_("PowerShell 7"))


def azure_cli_commands(setup: ApplicationSetup) -> tuple[str, ...]:
    """Return the commands for the Azure CLI in bash, such as in Azure Cloud Shell.

    Empty for the DoD cloud: the CLI has only one Graph endpoint for Azure Government, that of the other US Government
    cloud.
    """
    if setup.tenant.cloud is Cloud.USGOV_DOD:
        return ()
    replicated = N_("until Entra has replicated the application")
    return _filled("application.sh.jinja", setup.tenant, **_values(setup), replicated=replicated)


def mailbox_commands(tenant: Tenant, client_id: str | None, sender: str) -> tuple[str, ...]:
    """Return the commands for Exchange Online PowerShell that let the application send from one mailbox.

    A missing mailbox is created as a shared one, which needs no licence. The commands may be run again, also with
    another mailbox. Without `client_id`, the application is found by name if there is only one with the name.
    """
    # The filter is a text in the language of Exchange, which has one kind of quotes, within a PowerShell string.
    only_sender = "PrimarySmtpAddress -eq '" + sender.replace("'", "''") + "'"
    return _filled(
        "mailbox.ps1.jinja",
        tenant,
        client_id=client_id,
        mailbox=quoted(sender),
        environment=_EXCHANGE.get(tenant.cloud, ""),
        limit=f"-RecipientRestrictionFilter {quoted(only_sender)}",
    )


def _values(setup: ApplicationSetup) -> dict[str, Any]:
    path = None if setup.project is None else setup.project[1]
    return {
        "setup": setup,
        "exists": _EXISTS,
        "graph": GRAPH,
        "gitlab_subject": f"project_path:{path}:ref_type:branch:ref:{setup.branch}",
    }


def _filled(name: str, tenant: Tenant, **values: Any) -> tuple[str, ...]:
    """Return the commands of a template."""
    from auditor.render.commands import render_commands  # noqa: PLC0415  imports Jinja, which only these commands need

    of_tenant = (
        *(sign_in, federate, github_powershell),
        *(azure_cli_login, azure_cli_federate, azure_cli_role_assignments, github_azure_cli),
    )
    others = (azure_cli_app_permissions, delegated_consent, role_assignments)
    values |= {function.__name__: partial(function, tenant) for function in of_tenant}
    values |= {function.__name__: function for function in others}
    return render_commands(f"tenant_setup/{name}", title=_TITLE, **values)
