"""Selects a recipient's part of a Result and recomputes its summary."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

from msgspec.structs import replace

from auditor.app.recipients.envelopes import Envelope
from auditor.domain.actions.action import Action
from auditor.domain.enums import Severity
from auditor.domain.result.finding import Findings
from auditor.domain.result.model import FleetResult, PolicyHeader, Result, TenantResult
from auditor.domain.result.verification import TenantVerification, freed_by
from auditor.findings.open_findings import fingerprints_of, selected_findings
from auditor.result.aggregate import summarise

Part = TypeVar("Part", TenantResult, FleetResult)

_ALL: Final = "*"
"""Selects every policy in a waiver."""


def portion(result: Result, envelope: Envelope) -> Result:
    """Return the tenants, policies and findings that an envelope selects.

    Other tenants are removed completely, including their names. Fleet findings contain names of tenants and are kept
    only for recipients of all tenants. The completeness of a tenant is visible to all its recipients. Nobody is known
    to be a recipient of a tenant that only the previous run had.
    """
    headers = {header.id: header for header in result.run.policies}
    tenants = tuple(
        replace(_part(tenant, tenant.name, envelope, headers), verification=_verification(tenant, envelope, headers))
        for tenant in result.tenants
        if tenant.name in envelope.tenants
    )
    fleet = FleetResult()
    names, past = {tenant.name for tenant in result.tenants}, result.fleet.past
    if envelope.tenants >= names:
        notices = tuple(notice for notice in result.fleet.notices if notice.code != "tenant.missing")
        fleet = replace(_part(result.fleet, "", envelope, headers), notices=notices, past=None)
        if past is not None and not names.issuperset(past.tenants):
            fleet = replace(fleet, fixed=(), unconfirmed=())
    evaluated = {outcome.id for outcome in fleet.policies} | {outcome.id for t in tenants for outcome in t.policies}
    parts: tuple[TenantResult | FleetResult, ...] = (*tenants, fleet)
    for part in parts:
        evaluated |= part.findings.stats.policies.keys() | {finding.policy for finding in part.fixed}
    policies = tuple(header for header in result.run.policies if header.id in evaluated)
    return replace(
        result,
        run=replace(result.run, policies=policies),
        tenants=tenants,
        fleet=fleet,
        summary=summarise(tenants, fleet),
    )


def _part(unfiltered: Part, tenant: str, envelope: Envelope, headers: dict[str, PolicyHeader]) -> Part:
    """Select findings, outcomes and actions of a tenant or the fleet."""

    def included(severity: Severity, policy: str) -> bool:
        return envelope.includes(tenant, severity, headers.get(policy))

    findings = selected_findings(unfiltered.findings, included)
    fixed, unconfirmed = (
        tuple(finding for finding in past if included(finding.severity, finding.policy))
        for past in (unfiltered.fixed, unfiltered.unconfirmed)
    )
    outcomes_with_header = ((outcome, headers.get(outcome.id)) for outcome in unfiltered.policies)
    return replace(
        unfiltered,
        findings=findings,
        fixed=fixed,
        unconfirmed=unconfirmed,
        policies=tuple(
            item
            for item, header in outcomes_with_header
            if header is None or envelope.includes(tenant, header.severity, header)
        ),
        actions=_actions(unfiltered.actions, findings),
    )


def _verification(
    tenant: TenantResult, envelope: Envelope, headers: dict[str, PolicyHeader]
) -> TenantVerification | None:
    """Return the verification of the actions and findings of a plan that a recipient may see."""
    verification = tenant.verification
    if verification is None:
        return None
    visible = (f for f in verification.findings if envelope.includes(tenant.name, f.severity, headers.get(f.policy)))
    findings = tuple(visible)
    fingerprints = {finding.fingerprint for finding in findings}
    actions = tuple(
        action
        for action in verification.actions
        if not fingerprints.isdisjoint(action.findings)
        or (not action.findings and envelope.includes_owners(tenant.name, _owners(action.owner, headers)))
    )
    return (
        replace(verification, actions=actions, findings=findings, freed=freed_by(actions))
        if actions or findings
        else None
    )


def _owners(listed: str, headers: Mapping[str, PolicyHeader]) -> list[str]:
    """Return the owners that an action lists, joined by `, `; the owner of a policy may contain a comma."""
    known = sorted({header.owner for header in headers.values() if header.owner}, key=len, reverse=True)
    return re.findall(rf"({'|'.join((*map(re.escape, known), '.+?'))})(?:, |$)", listed)


def _actions(actions: Sequence[Action], findings: Findings) -> tuple[Action, ...]:
    """Return the actions about these findings; their amounts also count their other findings."""
    fingerprints = frozenset(fingerprints_of(findings))
    return tuple(
        replace(
            action,
            findings=tuple(filter(fingerprints.__contains__, action.findings)),
            shared=not fingerprints.issuperset(action.findings),
            concern=None,
        )
        for action in actions
        if not fingerprints.isdisjoint(action.findings)
    )


def own_waivers(part: Result) -> Result:
    """Return a part of a result without the waivers of other tenants or policies.

    The reason and owner of a waiver are visible only to recipients of its tenants, as findings are. A waiver for
    several tenants keeps only the names of those in the part.
    """
    tenants = {tenant.name for tenant in part.tenants}
    policies = {header.id for header in part.run.policies}
    waivers = list(_visible_waivers(part.run.definitions.get("waivers") or (), tenants, policies))
    return replace(part, run=replace(part.run, definitions={**part.run.definitions, "waivers": waivers}))


def _visible_waivers(
    waivers: Collection[Mapping[str, Any]], tenants: Collection[str], policies: Collection[str]
) -> Iterator[Mapping[str, Any]]:
    for waiver in waivers:
        policy_ids = waiver.get("policies") or ()
        if _ALL not in policy_ids and not any(policy in policies for policy in policy_ids):
            continue
        if "tenants" not in waiver:
            yield waiver
        elif remaining_tenants := [tenant for tenant in waiver["tenants"] if tenant in tenants]:
            yield {**waiver, "tenants": remaining_tenants}
