"""Selects a recipient's part of a Result and counts it again."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

from msgspec.structs import replace

from auditor.deliver.mail.routing import Envelope
from auditor.domain.actions.action import Action
from auditor.domain.result.finding import Finding, Findings
from auditor.domain.result.model import FleetResult, PolicyHeader, Result, TenantResult
from auditor.domain.result.verification import TenantVerification, freed_by
from auditor.result.aggregate import summarise

Part = TypeVar("Part", TenantResult, FleetResult)

_ALL: Final = "*"
"""Stands for every policy in a waiver."""


def portion(result: Result, envelope: Envelope) -> Result:
    """Return the tenants, policies and findings that an envelope selects.

    Other tenants are removed completely, including their names. Fleet findings name tenants and are kept for recipients
    of all tenants. The completeness of a tenant is visible to all its recipients.
    """
    headers = {header.id: header for header in result.run.policies}
    tenants = tuple(_tenant(tenant, envelope, headers) for tenant in result.tenants if tenant.name in envelope.tenants)
    fleet = FleetResult()
    if envelope.tenants >= {tenant.name for tenant in result.tenants}:
        fleet = replace(_part(result.fleet, "", envelope, headers), past=None)
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


def _tenant(tenant: TenantResult, envelope: Envelope, headers: dict[str, PolicyHeader]) -> TenantResult:
    part = _part(tenant, tenant.name, envelope, headers)
    return replace(part, verification=_verification(tenant, envelope, headers))


def _part(whole: Part, tenant: str, envelope: Envelope, headers: dict[str, PolicyHeader]) -> Part:
    """Select from what a tenant and the fleet both have."""

    def selected(findings: Sequence[Finding]) -> tuple[Finding, ...]:
        return tuple(each for each in findings if envelope.includes(tenant, each.severity, headers.get(each.policy)))

    findings = whole.findings.map(selected)
    heads = ((outcome, headers.get(outcome.id)) for outcome in whole.policies)
    return replace(
        whole,
        findings=findings,
        fixed=selected(whole.fixed),
        unconfirmed=selected(whole.unconfirmed),
        policies=tuple(each for each, head in heads if head is None or envelope.includes(tenant, head.severity, head)),
        actions=_actions(whole.actions, findings),
    )


def _verification(
    tenant: TenantResult, envelope: Envelope, headers: dict[str, PolicyHeader]
) -> TenantVerification | None:
    """Return what became of the actions and findings of a plan that a recipient may see."""
    whole = tenant.verification
    if whole is None:
        return None
    visible = (f for f in whole.findings if envelope.includes(tenant.name, f.severity, headers.get(f.policy)))
    findings = tuple(visible)
    fingerprints = {finding.fingerprint for finding in findings}
    actions = tuple(
        action
        for action in whole.actions
        if not fingerprints.isdisjoint(action.findings)
        or (not action.findings and envelope.includes_owner(tenant.name, action.owner))
    )
    return replace(whole, actions=actions, findings=findings, freed=freed_by(actions)) if actions or findings else None


def _actions(actions: Sequence[Action], findings: Findings) -> tuple[Action, ...]:
    here = {finding.fingerprint for finding in findings}
    return tuple(
        replace(action, findings=tuple(fingerprint for fingerprint in action.findings if fingerprint in here))
        for action in actions
        if not here.isdisjoint(action.findings)
    )


def own_waivers(part: Result) -> Result:
    """Return a part of a result without the waivers of other tenants or policies.

    The reason and owner of a waiver belong to its tenants like findings. A waiver for several tenants keeps the names
    of those in the part only.
    """
    tenants = {tenant.name for tenant in part.tenants}
    policies = {header.id for header in part.run.policies}
    waivers = list(_kept(part.run.definitions.get("waivers") or (), tenants, policies))
    return replace(part, run=replace(part.run, definitions={**part.run.definitions, "waivers": waivers}))


def _kept(
    waivers: Collection[Mapping[str, Any]], tenants: Collection[str], policies: Collection[str]
) -> Iterator[Mapping[str, Any]]:
    for waiver in waivers:
        meant = waiver.get("policies") or ()
        if _ALL not in meant and not any(policy in policies for policy in meant):
            continue
        if "tenants" not in waiver:
            yield waiver
        elif own := [tenant for tenant in waiver["tenants"] if tenant in tenants]:
            yield {**waiver, "tenants": own}
