"""Diagnoses the access to a tenant: sign-in, permissions, licence and clocks, with commands that correct them."""

import asyncio
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from auditor.app.tenant_setup.application import mailbox_commands
from auditor.app.tenant_setup.federation import MAIN, federation_commands
from auditor.app.tenant_setup.permission_grants import grant_commands, revoke_commands
from auditor.app.tenants.collection import needs_of
from auditor.collect.permissions import SEND_MAIL, Permission, excessive, missing
from auditor.domain.enums import Cloud, Source
from auditor.domain.errors import GraphError
from auditor.domain.message import NOTHING, Message, detailed, joined, truncated
from auditor.domain.policy.data_needs import Needs
from auditor.domain.policy.model import PolicySet
from auditor.domain.settings import NO_CLIENT, GithubOidc, Tenant
from auditor.domain.translation import N_
from auditor.failures import TenantBoundary, reason_of
from auditor.graph import requests
from auditor.graph.auth.credential_types import CREDENTIAL_TYPES
from auditor.graph.auth.credentials import SignIn
from auditor.graph.auth.github_oidc import reference_of, subjects
from auditor.graph.auth.token_claims import TokenClaims, check_tenant_id
from auditor.graph.client import Graph, RetryPolicy, open_graph
from auditor.graph.errors import FaultError
from auditor.graph.response_body import decode_list_page

_NO_POLICIES = PolicySet(policies=())
_MAX_POLICIES = 4
"""Maximum number of policies that are named for each missing permission."""
_MAX_SKEW = 60.0
"""The clock difference in seconds from which assertions may be rejected."""
_PREMIUM = frozenset({"41781fb2-bc02-4b7c-bd55-b576c07bb09d", "eec0eb4f-6444-4f95-aba0-50c24d67f998"})
"""The service plans AAD_PREMIUM and AAD_PREMIUM_P2."""


NAMES = (N_("sign-in"), N_("permissions"), N_("least privilege"), N_("mail"), N_("clock"), N_("premium licence"))
"""Names of checks, in addition to product names."""


class DoctorOutcome(StrEnum):
    """The outcome of a check."""

    GOOD = "ok"
    NOTE = "note"
    """It works, but could be improved."""
    BAD = "bad"
    UNKNOWN = "unknown"


class DoctorCheck(Struct, frozen=True):
    """One check, with the commands that fix its problem."""

    name: str
    health: DoctorOutcome
    message: Message
    commands: tuple[str, ...] = ()


class Diagnosis(Struct, frozen=True, kw_only=True):
    """All checks of one tenant."""

    tenant: Tenant
    checks: tuple[DoctorCheck, ...]

    @property
    def healthy(self) -> bool:
        """Whether a collection is expected to be complete."""
        return all(check.health in {DoctorOutcome.GOOD, DoctorOutcome.NOTE} for check in self.checks)


_NO_APPLICATION = DoctorCheck(
    "sign-in",
    DoctorOutcome.BAD,
    Message(
        "clientId is a placeholder: run the commands that `auditor init` prints, which create the application and "
        "write its id"
    ),
    commands=("auditor init",),
)


def diagnose_all(
    tenants: Sequence[tuple[Tenant, Needs, str | None]],
    *,
    policies: PolicySet = _NO_POLICIES,
    environ: Mapping[str, str] | None = None,
    ask: Callable[[Message], None] | None = None,
    repository: str | None = None,
    branch: str = MAIN,
) -> tuple[Diagnosis, ...]:
    """Diagnose tenants concurrently, given as (tenant, needs, mailbox that sends); a failure is reported as a check.

    Missing permissions are reported with the `policies` that need them.
    `ask` shows a request to the user at the terminal; None if the terminal is not interactive. `repository` is
    OWNER/NAME of the GitHub repository whose jobs sign in, on its default `branch`; a job uses GITHUB_REPOSITORY.
    """
    variables = os.environ if environ is None else environ
    github = (variables.get("GITHUB_REPOSITORY") or repository, branch)
    slots = asyncio.Semaphore(8)

    async def diagnose_one(tenant: Tenant, needs: Needs, sender: str | None) -> Diagnosis:
        with TenantBoundary(tenant.name, only_tenant=len(tenants) == 1) as boundary:
            async with slots:
                return await diagnose(tenant, needs, sender, policies, variables, ask, github)
        message = NOTHING if boundary.failure is None else reason_of(boundary.failure)
        return Diagnosis(tenant=tenant, checks=(DoctorCheck("sign-in", DoctorOutcome.BAD, message),))

    async def diagnose_concurrently() -> tuple[Diagnosis, ...]:
        return tuple(await asyncio.gather(*(diagnose_one(*arguments) for arguments in tenants)))

    return asyncio.run(diagnose_concurrently())


async def diagnose(
    tenant: Tenant,
    needs: Needs,
    sender: str | None,
    policies: PolicySet,
    environ: Mapping[str, str],
    ask: Callable[[Message], None] | None,
    github: tuple[str | None, str],
) -> Diagnosis:
    """Diagnose one tenant; `sender` is the mailbox that its application sends from, None if it sends no mail.

    `github` is the repository whose jobs sign in, and its default branch.
    """
    from auditor.graph.transport.aiohttp_transport import Connections  # noqa: PLC0415  `--help` needs no aiohttp

    checks: list[DoctorCheck] = []
    client = getattr(tenant.credential, "client_id", None)
    if client == NO_CLIENT:
        return Diagnosis(tenant=tenant, checks=(_NO_APPLICATION,))
    try:
        async with (
            Connections() as connections,
            SignIn(tenant, environ=environ, ask=ask, connections=connections) as sign_in,
        ):
            claims = await sign_in.checked_claims()
            checks.append(DoctorCheck("sign-in", DoctorOutcome.GOOD, Message("a token was given")))
            client = client or (claims.application_id if claims is not None else None)
            checks.extend(_permissions(tenant, needs, policies, claims, client, sender))
            async with open_graph(tenant, sign_in, retry_policy=RetryPolicy(budget=30.0, failures=3)) as graph:
                checks.extend(await _graph_checks(graph, needs))
    except GraphError as error:
        checks.append(DoctorCheck("sign-in", DoctorOutcome.BAD, _problem(error)))
        if isinstance(tenant.credential, GithubOidc) and tenant.cloud is not Cloud.GERMANY:
            checks.append(_federation(tenant, tenant.credential, environ, *github))
    return Diagnosis(tenant=tenant, checks=tuple(checks))


def _permissions(
    tenant: Tenant,
    needs: Needs,
    policies: PolicySet,
    claims: TokenClaims | None,
    client: str | None,
    sender: str | None,
) -> list[DoctorCheck]:
    from auditor.collect.sources.registry import permissions_for  # noqa: PLC0415  imports Arrow; `--help` needs none

    signs_in = None if tenant.credential is None else CREDENTIAL_TYPES[type(tenant.credential)]
    delegated = bool((signs_in and signs_in.delegated) or (claims and claims.scopes and not claims.roles))
    # Exchange Online, not Entra, can limit an application to sending from one mailbox.
    required = permissions_for(needs, mail=delegated and sender is not None)
    names = ", ".join(item.name for item in required)
    if claims is None or not (claims.roles or claims.scopes):
        message = Message("the token does not show its permissions; these are needed: {names}", names=names)
        health = DoctorOutcome.UNKNOWN if claims is None else DoctorOutcome.BAD
        commands = () if claims is None else grant_commands(tenant, client, required, delegated=delegated)
        return [DoctorCheck("permissions", health, message, commands=commands)]
    roles = claims.roles or claims.scopes
    missing_permissions = missing(required, roles)
    checks = []
    if missing_permissions:
        message = Message("missing: {name}", name=_named(missing_permissions, policies, tenant))
        commands = grant_commands(tenant, client, missing_permissions, delegated=delegated)
        checks.append(DoctorCheck("permissions", DoctorOutcome.BAD, message, commands=commands))
    else:
        checks.append(DoctorCheck("permissions", DoctorOutcome.GOOD, Message("granted: {names}", names=names)))
    if sender is not None and not delegated:
        checks.append(_mail(tenant, client, sender, roles))
        required = (*required, SEND_MAIL)
    extra = excessive(required, claims.roles)
    if extra:
        message = Message("granted, but not needed by the policies: {extra}", extra=", ".join(extra))
        commands = revoke_commands(tenant, client, extra)
        checks.append(DoctorCheck("least privilege", DoctorOutcome.NOTE, message, commands=commands))
    return checks


def _named(permissions: Iterable[Permission], policies: PolicySet, tenant: Tenant) -> Message:
    """Return the names of permissions, each with the policies that need it if others do not."""
    from auditor.collect.sources.registry import permissions_for  # noqa: PLC0415  imports Arrow; `--help` needs none

    own = [policy for policy in policies.policies if policy.applies_to(tenant.name)]
    single = [replace(policies, policies=(policy,), waivers=()) for policy in own]
    required = {policy.id: permissions_for(needs_of(part, tenant)) for policy, part in zip(own, single, strict=True)}
    texts = []
    for permission in permissions:
        users = [policy for policy, needed in required.items() if permission in needed]
        needed_by = Message("needed by {policies}", policies=", ".join(truncated(users, _MAX_POLICIES)))
        shown = users and len(users) < len(own)
        texts.append(detailed(Message(permission.name), needed_by) if shown else permission.name)
    return joined(", ", texts)


def _mail(tenant: Tenant, client: str | None, sender: str, roles: tuple[str, ...]) -> DoctorCheck:
    """Check the permission to send: a role in Entra allows every mailbox, Exchange Online can allow a single one."""
    allow = ("# Exchange Online PowerShell", *mailbox_commands(tenant, client, sender))
    if SEND_MAIL.name in roles:
        message = Message(
            "Mail.Send is granted in Entra, so the application can send from every mailbox: these commands allow only "
            "{sender} in Exchange Online, and then revoke Mail.Send",
            sender=sender,
        )
        commands = (*allow, *revoke_commands(tenant, client, (SEND_MAIL.name,)))
    else:
        message = Message(
            "Exchange Online decides whether the application may send from {sender}, which the token does not show; "
            "these commands allow it, and the last one tests it",
            sender=sender,
        )
        commands = allow
    return DoctorCheck("mail", DoctorOutcome.NOTE, message, commands=commands)


def _problem(error: GraphError) -> Message:
    return error.message if error.hint is None else joined("; ", (error.message, error.hint))


async def _graph_checks(graph: Graph, needs: Needs) -> list[DoctorCheck]:
    """Check with two small requests whether Graph answers, and whether the tenant has a premium licence."""
    checks = []
    try:
        organizations = (
            await graph.answer(requests.organization(graph, ("id", "displayName")), decode_list_page)
        ).value.rows
        for organization in organizations:
            check_tenant_id(str(organization.get("id")), graph.tenant.tenant_id)
        name = organizations[0].get("displayName") if organizations else "nobody"
        message = Message("{origin} responds for {name}", origin=graph.root.origin, name=name)
        checks.append(DoctorCheck("Microsoft Graph", DoctorOutcome.GOOD, message))
    except FaultError as error:
        checks.append(DoctorCheck("Microsoft Graph", DoctorOutcome.BAD, error.fault.reason))
    except GraphError as error:
        checks.append(DoctorCheck("Microsoft Graph", DoctorOutcome.BAD, _problem(error)))
    checks.append(_clock(graph))
    if Source.SIGN_IN_ACTIVITY in needs.sources:
        checks.append(await _premium(graph))
    return checks


def _clock(graph: Graph) -> DoctorCheck:
    if graph.skew is None:
        return DoctorCheck(
            "clock", DoctorOutcome.NOTE, Message("Graph's response has no date, so the clocks cannot be compared")
        )
    seconds = f"{abs(graph.skew):.0f}"
    message = Message("this machine is {seconds} s ahead of Graph", seconds=seconds)
    if graph.skew > 0:
        message = Message("this machine is {seconds} s behind Graph", seconds=seconds)
    if abs(graph.skew) < _MAX_SKEW:
        return DoctorCheck("clock", DoctorOutcome.GOOD, message)
    return DoctorCheck(
        "clock",
        DoctorOutcome.BAD,
        Message("{words}: assertions and tokens will be refused; set the clock", words=message),
    )


async def _premium(graph: Graph) -> DoctorCheck:
    """Look for Entra ID P1 or P2 in the products, because the plans of the organization include former ones."""
    select = ("skuId", "capabilityStatus", "servicePlans")
    try:
        skus = (await graph.answer(requests.subscribed_skus(graph, select), decode_list_page)).value.rows
    except FaultError as error:
        return DoctorCheck("premium licence", DoctorOutcome.UNKNOWN, error.fault.reason)
    for sku in skus:
        for plan in sku.get("servicePlans") or ():
            if (
                str(plan.get("servicePlanId", "")).lower() in _PREMIUM
                and plan.get("provisioningStatus") == "Success"
                and sku.get("capabilityStatus") in {"Enabled", "Warning"}
            ):
                return DoctorCheck("premium licence", DoctorOutcome.GOOD, Message("the tenant has Entra ID P1 or P2"))
    message = Message("the tenant has no Entra ID P1 or P2: policies that look at sign-ins cannot be evaluated")
    return DoctorCheck("premium licence", DoctorOutcome.BAD, message)


def _federation(
    tenant: Tenant, credential: GithubOidc, environ: Mapping[str, str], repository: str | None, branch: str
) -> DoctorCheck:
    """Return a check with the subjects of jobs that sign in, and the commands that register them."""
    if repository is None:
        message = Message(
            "run `auditor doctor` in a clone of the repository: it prints the commands of the federated credential"
        )
        return DoctorCheck("GitHub", DoctorOutcome.NOTE, message, commands=("auditor doctor",))
    reference = reference_of(environ, branch)
    forms = json.dumps(subjects(environ, repository, reference))[1:-1]
    message = Message("the federated credential's subject is one of: {forms}", forms=forms)
    if reference != f"refs/heads/{branch}":
        message = Message(
            "{subject}; with these commands everybody who can push to {reference} can sign in: protect it",
            subject=message,
            reference=reference,
        )
    commands = federation_commands(tenant, credential.client_id, repository, reference)
    return DoctorCheck("GitHub", DoctorOutcome.NOTE, message, commands=commands)
