"""Snapshots × policies into a Result: every tenant judged by itself, then the fleet, then what changed."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from auditor import __version__
from auditor.catalogue import Catalogue
from auditor.checks.balance.share import share_of
from auditor.checks.data_needs import needs
from auditor.checks.registry import registered
from auditor.checks.seats.spare_seats import bounds_of
from auditor.checks.subscriptions.subscriptions import dated_subscriptions
from auditor.domain.enums import Agreement, Cloud, Outcome, Severity, Source, SourceStatus
from auditor.domain.errors import AuditorError
from auditor.domain.policy import Balance, Policy, PolicySet
from auditor.domain.result import (
    Coverage,
    Finding,
    FleetResult,
    Notice,
    PolicyHeader,
    PolicyOutcome,
    Result,
    Run,
    SeatBounds,
    SeatCount,
    SourceLine,
    TenantResult,
)
from auditor.engine.binding import BoundPolicies, bind
from auditor.engine.evaluate import evaluate, judged_batches
from auditor.engine.finding_builder import describe
from auditor.engine.fleet import judge_fleet
from auditor.engine.notices import FleetNames, tenant_notices, unused_waivers
from auditor.engine.outcome import BatchOutcome, Evaluation
from auditor.engine.tenant_facts import SkuFact, TenantFacts
from auditor.failures import TenantBoundary, reason_of
from auditor.result.aggregate import summarise
from auditor.snapshot.manifest import format_instant
from auditor.snapshot.model import Manifest, Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Unaudited:
    """A tenant whose state could not be read at all."""

    name: str
    tenant_id: str
    cloud: Cloud
    agreement: Agreement
    reason: str


Judge = Callable[[BoundPolicies], Iterable[BatchOutcome]]
"""Judges the people of one tenant, batch by batch and in their order, here or elsewhere; all judges say the same."""


def audit(
    states: Iterable[Snapshot | Unaudited],
    policies: PolicySet,
    catalogue: Catalogue,
    as_of: datetime,
    *,
    judge: Judge = judged_batches,
    alone: bool = False,
) -> Result:
    """Audit tenants one after the other; only their results, never their people, are held together.

    What is raised inside one tenant is its failure, unless it is `alone`: then it is raised.
    """
    needed = needs(policies).sources
    audited: list[TenantResult] = []
    names = FleetNames(policies)
    for state in states:
        if isinstance(state, Unaudited):
            audited.append(unaudited(state, policies, as_of))
            continue
        with TenantBoundary(state.manifest.tenant, alone=alone) as wall:
            plan = bind(policies, TenantFacts(state, catalogue, policies, as_of), registered())
            tenant = judged(plan, judge(plan), needed)
            names.take(plan.facts)
        audited.append(tenant if wall.failure is None else failed(state.manifest, wall.failure, policies, as_of))
    return assemble(audited, policies, catalogue, as_of, unknown_names=names.notices())


def judged(plan: BoundPolicies, batches: Iterable[BatchOutcome], needed: frozenset[Source]) -> TenantResult:
    """Judge one tenant and describe all that was found; `needed` are the sources that have to be read whole."""
    evaluation = evaluate(plan, batches)
    return concluded(plan, evaluation, needed, describe(plan, evaluation))


def assemble(
    audited: Sequence[TenantResult],
    policies: PolicySet,
    catalogue: Catalogue,
    as_of: datetime,
    *,
    unknown_names: Sequence[Notice],
) -> Result:
    """Put tenants together into a run: the fleet is judged over all of them, and only now is a waiver unused."""
    tenants = sorted(audited, key=lambda tenant: tenant.name)
    fleet, touched = judge_fleet(policies, tenants, catalogue, registered(), today=as_of.date())
    fleet = replace(fleet, notices=(*fleet.notices, *unknown_names))
    tenants = _with_unused(tenants, policies, as_of, fleet, touched)
    return Result(
        run=_run(policies, as_of, tenants), tenants=tuple(tenants), fleet=fleet, summary=summarise(tenants, fleet)
    )


def exit_code(result: Result, fail_on: Severity | None) -> int:
    """Return 3 for an incomplete audit, 1 for open findings at or above the threshold, 0 otherwise."""
    if not result.complete:
        return 3
    if fail_on is None:
        return 0
    return int(any(count and severity.reaches(fail_on) for severity, count in result.summary.open.items()))


def concluded(
    plan: BoundPolicies, evaluation: Evaluation, needed: frozenset[Source], findings: tuple[Finding, ...] = ()
) -> TenantResult:
    """Put together what an evaluation says of a tenant; `needed` are the sources that have to be read whole."""
    facts, manifest = plan.facts, plan.facts.manifest
    readable = [facts.status(source) for source in needed]
    balanced = [(policy, policy.constraint) for policy in plan.policies if isinstance(policy.constraint, Balance)]
    places = evaluation.used_waivers | evaluation.unknown_waivers
    bounds = bounds_of(plan)
    return TenantResult(
        name=manifest.tenant,
        tenant_id=manifest.tenant_id,
        display_name=manifest.display_name,
        cloud=manifest.cloud,
        agreement=manifest.agreement,
        locale=manifest.locale,
        as_of=manifest.instant,
        complete=all(status in {SourceStatus.COMPLETE, SourceStatus.NOT_NEEDED} for status in readable),
        sources=tuple(facts.coverage(source) for source in Source),
        seats=tuple(
            _seat_count(facts, sku, bounds.get(place, ())) for place, sku in enumerate(facts.skus) if sku.owned
        ),
        subscriptions=dated_subscriptions(plan),
        policies=evaluation.outcomes,
        findings=findings,
        notices=tenant_notices(plan, evaluation),
        balance=tuple(share_of(plan, policy, block) for policy, block in balanced),
        touched_waivers=tuple(sorted(plan.waivers[place].id for place in places)),
    )


def unaudited(tenant: Unaudited, policies: PolicySet, as_of: datetime) -> TenantResult:
    """Report a tenant that could not be read: nothing of it was evaluated."""
    outcomes = [
        PolicyOutcome(id=policy.id, status=Outcome.NOT_EVALUATED, findings=0, reason=tenant.reason, missing=("tenant",))
        for policy in sorted(policies.policies, key=lambda policy: (policy.severity.rank, policy.id))
        if policy.applies_to(tenant.name) and not isinstance(policy.constraint, Balance)
    ]
    return TenantResult(
        name=tenant.name,
        tenant_id=tenant.tenant_id,
        cloud=tenant.cloud,
        agreement=tenant.agreement,
        as_of=as_of,
        complete=False,
        sources=tuple(
            Coverage(name=source, status=SourceStatus.UNAVAILABLE, reason=tenant.reason) for source in Source
        ),
        policies=tuple(outcomes),
        failure=tenant.reason,
    )


def failed(manifest: Manifest, failure: AuditorError, policies: PolicySet, as_of: datetime) -> TenantResult:
    """Report a tenant whose snapshot was there, and which failed afterwards."""
    return unaudited(unaudited_of(manifest, failure), policies, as_of)


def unaudited_of(manifest: Manifest, failure: AuditorError) -> Unaudited:
    """Return what a manifest says of a tenant that failed."""
    return Unaudited(
        name=manifest.tenant,
        tenant_id=manifest.tenant_id,
        cloud=manifest.cloud,
        agreement=manifest.agreement,
        reason=reason_of(failure),
    )


def failed_later(tenant: TenantResult, failure: AuditorError) -> TenantResult:
    """Report a tenant that was judged, and for which what was to be made of it failed: nothing of it is told."""
    reason = reason_of(failure)
    outcomes = (
        replace(outcome, status=Outcome.NOT_EVALUATED, findings=0, reason=reason, missing=("tenant",))
        for outcome in tenant.policies
    )
    return TenantResult(
        name=tenant.name,
        tenant_id=tenant.tenant_id,
        display_name=tenant.display_name,
        cloud=tenant.cloud,
        agreement=tenant.agreement,
        locale=tenant.locale,
        as_of=tenant.as_of,
        complete=False,
        sources=tuple(Coverage(name=source, status=SourceStatus.UNAVAILABLE, reason=reason) for source in Source),
        policies=tuple(outcomes),
        failure=reason,
    )


def each_contained(result: Result, change: Callable[[TenantResult], TenantResult]) -> Result:
    """Change every tenant of a result; one that cannot be changed fails, and is counted out of the summary."""
    tenants: list[TenantResult] = []
    whole = True
    for tenant in result.tenants:
        with TenantBoundary(tenant.name, alone=len(result.tenants) == 1) as wall:
            changed = change(tenant)
        tenants.append(changed if wall.failure is None else failed_later(tenant, wall.failure))
        whole = whole and wall.failure is None
    changed_result = replace(result, tenants=tuple(tenants))
    return changed_result if whole else replace(changed_result, summary=summarise(tenants, result.fleet))


def _seat_count(facts: TenantFacts, sku: SkuFact, bounds: tuple[SeatBounds, ...]) -> SeatCount:
    return SeatCount(
        sku_id=sku.sku_id,
        sku_part_number=sku.part_number or "",
        name=facts.title(sku),
        applies_to=sku.applies_to,
        capability_status=sku.capability_status,
        enabled=sku.enabled,
        warning=sku.warning,
        suspended=sku.suspended,
        locked_out=sku.locked_out,
        consumed=sku.consumed,
        usable=sku.usable,
        spare=sku.spare,
        bounds=bounds,
    )


def _with_unused(
    tenants: Sequence[TenantResult],
    policies: PolicySet,
    as_of: datetime,
    fleet: FleetResult,
    fleet_waivers: frozenset[str],
) -> list[TenantResult]:
    """Add `waiver.unused` to every tenant that the waiver is for; only the whole run can tell."""
    outcomes = {tenant.name: tenant.policies for tenant in tenants}
    touched = fleet_waivers.union(*(tenant.touched_waivers for tenant in tenants))
    unused = list(unused_waivers(policies, as_of, outcomes, fleet, touched))
    return [
        replace(
            tenant,
            notices=_sorted((*tenant.notices, *(told for waiver, told in unused if waiver.applies_to(tenant.name)))),
        )
        for tenant in tenants
    ]


def _sorted(notices: Iterable[Notice]) -> tuple[Notice, ...]:
    return tuple(sorted(notices, key=lambda notice: (notice.code, notice.subject)))


def _run(policies: PolicySet, as_of: datetime, tenants: Sequence[TenantResult]) -> Run:
    read = sorted(f"{tenant.tenant_id} {format_instant(tenant.as_of)}" for tenant in tenants)
    text = "\n".join([policies.digest, format_instant(as_of), *read])
    return Run(
        id=hashlib.sha256(text.encode()).hexdigest()[:16],
        as_of=as_of,
        policy_digest=policies.digest,
        policies=tuple(_header(policy) for policy in policies.policies),
        definitions=policies.definitions,
        tool_version=__version__,
    )


def _header(policy: Policy) -> PolicyHeader:
    return PolicyHeader(
        id=policy.id,
        title=policy.title,
        severity=policy.severity,
        rationale=policy.rationale,
        owner=policy.owner,
        tags=policy.tags,
        source=SourceLine(file=policy.span.file, line=policy.span.line),
        spec=policy.spec,
    )
