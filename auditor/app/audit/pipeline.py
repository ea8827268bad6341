"""Evaluates snapshots against policies: each tenant by itself, then the fleet."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

import pyarrow as pa
from msgspec.structs import replace

from auditor import __version__
from auditor.app.audit.failed_tenants import Unaudited, unaudited_of, unaudited_result
from auditor.app.audit.remediation import fleet_guided, fleet_with_actions, packaged_library
from auditor.arrays.memory import release_arrow_memory
from auditor.catalogue import Catalogue
from auditor.checks.balance.imbalance import share_of
from auditor.checks.contracts.terms import contract_prices, contract_terms
from auditor.checks.data_needs import needs
from auditor.checks.registry import all_checks
from auditor.checks.seats.not_covered import seat_coverage
from auditor.checks.seats.spare_seats import seat_counts
from auditor.checks.subscriptions.subscriptions import dated_subscriptions, recent_purchases, renewal_prices
from auditor.domain.enums import Contents, Severity, Source, SourceStatus
from auditor.domain.policy.model import Balance, Policy, PolicySet
from auditor.domain.renewals import EarlierDates
from auditor.domain.result.finding import SourceLine
from auditor.domain.result.model import (
    FleetResult,
    Notice,
    PolicyHeader,
    Result,
    Run,
    TenantResult,
)
from auditor.engine.evaluate import conclude, evaluate, evaluated_batches
from auditor.engine.fleet import evaluate_fleet
from auditor.engine.notices import FleetNames, tenant_notices, unused_waivers
from auditor.engine.outcome import BatchOutcome, Evaluation
from auditor.engine.policy.binding import BoundPolicies, bind, set_members
from auditor.engine.seat_usage_totals import reports_of
from auditor.engine.tenant_facts import TenantFacts
from auditor.failures import TenantBoundary, reason_of
from auditor.findings.action_table import action_table
from auditor.findings.from_evaluation import findings_about_objects, findings_about_users
from auditor.findings.group_products import GroupProductCollector
from auditor.findings.smaller_products import SmallerProductCounter
from auditor.findings.spill import SpillFile
from auditor.findings.table import FindingTable, FindingTableBuilder
from auditor.gc_pause import paused_gc
from auditor.remedy.actions.action_builder import ActionBuilder
from auditor.result.aggregate import summarise
from auditor.result.shared_values import SharedValues
from auditor.snapshot.manifest import format_instant
from auditor.snapshot.model import Snapshot
from auditor.snapshot.schema import USERS_PER_ROW_GROUP

Evaluator = Callable[[BoundPolicies], Iterable[BatchOutcome]]
"""Evaluates the users of one tenant in ordered batches, in this process or on a cluster, with the same results."""


def audit(  # noqa: PLR0913 - the inputs of an audit
    states: Iterable[Snapshot | Unaudited],
    policies: PolicySet,
    catalogue: Catalogue,
    as_of: datetime,
    *,
    evaluator: Evaluator = evaluated_batches,
    contents: Contents = Contents.FINDINGS,
    only_tenant: bool = False,
    spill: SpillFile | None = None,
    earlier: Mapping[str, EarlierDates] | None = None,
) -> Result:
    """Audit tenants one after the other; only their results, never their users, are kept in memory together.

    Findings beyond the memory budget are kept in the `spill` file, if there is one. `earlier` contains the dates of
    subscriptions in earlier nights, by tenant. An exception inside one tenant is reported as the failure of that
    tenant; with `only_tenant` it is raised. Raises DeliveryError if the disk of the spill file is full.
    """
    # An audit is complete without the data that only report-only policies need.
    needed = needs(policies.enabled).sources
    audited: list[TenantResult] = []
    names, shared = FleetNames(policies), SharedValues()
    for state in states:
        if isinstance(state, Unaudited):
            audited.append(unaudited_result(state, policies, as_of))
            continue
        with TenantBoundary(state.manifest.tenant, only_tenant=only_tenant) as boundary, paused_gc():
            dates = (earlier or {}).get(state.manifest.tenant)
            facts = TenantFacts(state, catalogue, policies, as_of, earlier_dates=dates)
            bound = bind(policies, facts, all_checks(), counts_seats=True)
            tenant = evaluate_tenant(bound, evaluator(bound), needed, contents, spill)
            names.add(bound.facts)
        if boundary.failure is None:
            audited.append(shared.tenant(tenant))
        else:
            unaudited = unaudited_of(state.manifest, reason_of(boundary.failure))
            audited.append(unaudited_result(unaudited, policies, as_of))
    result = assemble(audited, policies, catalogue, as_of, unknown_names=names.notices())
    if contents in {Contents.OUTCOMES, Contents.FINDINGS}:
        return result
    has_actions = contents is Contents.ACTIONS
    return replace(result, fleet=fleet_with_actions(result, policies) if has_actions else fleet_guided(result))


def evaluate_tenant(
    bound: BoundPolicies,
    batches: Iterable[BatchOutcome],
    needed: frozenset[Source],
    contents: Contents,
    spill: SpillFile | None,
) -> TenantResult:
    """Evaluate one tenant; `needed` are the sources that must be complete, the other options are those of `audit`."""
    tenant = _unevaluated(bound, needed)
    if contents is Contents.OUTCOMES:
        return _with_evaluation(bound, evaluate(bound, batches), tenant)
    builder = ActionBuilder(tenant, bound.facts.policies, bound.facts.as_of.date(), packaged_library(), spill=spill)
    table = FindingTableBuilder(spill)
    outcome = BatchOutcome()
    proposed, group_products = SmallerProductCounter(), GroupProductCollector()
    evidence = contents is not Contents.GUIDED_COLUMNS
    for findings in findings_about_users(bound, batches, outcome, group_products, evidence=evidence):
        proposed.add(findings)
        table.add(_guided(findings, builder, contents))
        del findings  # free the batch before the next one is created
    evaluation = conclude(bound, outcome)
    table.add(_guided(findings_about_objects(bound, evaluation), builder, contents))
    if bound.facts.snapshot.user_count > USERS_PER_ROW_GROUP:
        # Arrow's allocator keeps the memory of freed columns; the Python objects of actions cannot use it.
        release_arrow_memory()
    titles = {sku.part_number or sku.sku_id: bound.facts.title(sku) for sku in bound.facts.skus}
    evaluated = replace(_with_evaluation(bound, evaluation, tenant), group_products=group_products.products())
    return replace(
        evaluated,
        findings=table.table(),
        actions=action_table(builder.actions(evaluated) if contents is Contents.ACTIONS else (), spill),
        smaller_products=proposed.counts(titles),
    )


def _guided(findings: pa.RecordBatch, builder: ActionBuilder, contents: Contents) -> pa.RecordBatch:
    """Return findings with the guidance that the result contains, and add them to the actions."""
    if contents is Contents.FINDINGS:
        return findings
    return builder.add(findings) if contents is Contents.ACTIONS else builder.guide(findings)


def assemble(
    audited: Sequence[TenantResult],
    policies: PolicySet,
    catalogue: Catalogue,
    as_of: datetime,
    *,
    unknown_names: Sequence[Notice],
) -> Result:
    """Assemble the tenants into the result of a run.

    Evaluates the fleet policies over all tenants, and reports unused waivers, which are known only now.
    """
    tenants = sorted(audited, key=lambda tenant: tenant.name)
    fleet, findings, touched = evaluate_fleet(policies, tenants, catalogue, all_checks(), today=as_of.date())
    fleet = replace(fleet, findings=FindingTable.of(findings), notices=(*fleet.notices, *unknown_names))
    tenants = _with_unused_waivers(tenants, policies, as_of, fleet, touched)
    return Result(
        run=_run(policies, as_of, tenants), tenants=tuple(tenants), fleet=fleet, summary=summarise(tenants, fleet)
    )


def exit_code(result: Result, fail_on: Severity | None, counts: Mapping[Severity, int] | None = None) -> int:
    """Return 3 for an incomplete audit, 1 for findings at or above the threshold, 0 otherwise.

    `counts` are the findings to consider, by severity; by default all open findings.
    """
    if not result.complete:
        return 3
    if fail_on is None:
        return 0
    counts = result.summary.open if counts is None else counts
    return int(any(count and severity.reaches(fail_on) for severity, count in counts.items()))


def _with_evaluation(bound: BoundPolicies, evaluation: Evaluation, tenant: TenantResult) -> TenantResult:
    """Add the outcome of the evaluation to a tenant: policies, seats, notices and waivers."""
    balanced = [(policy, policy.constraint) for policy in bound.policies if isinstance(policy.constraint, Balance)]
    indices = evaluation.used_waivers | evaluation.unknown_waivers
    usage, departments = reports_of(bound, evaluation.seats)
    return replace(
        tenant,
        usage=usage,
        departments=departments,
        coverage=seat_coverage(bound, evaluation),
        policies=evaluation.outcomes,
        notices=tenant_notices(bound, evaluation),
        balance=tuple(share_of(bound, policy, block) for policy, block in balanced),
        touched_waivers=tuple(sorted(bound.waivers[index].id for index in indices)),
    )


def _unevaluated(bound: BoundPolicies, needed: frozenset[Source]) -> TenantResult:
    """Return the result of a tenant before its evaluation."""
    facts, manifest = bound.facts, bound.facts.manifest
    readable = [facts.status(source) for source in needed]
    return TenantResult(
        name=manifest.tenant,
        tenant_id=manifest.tenant_id,
        display_name=manifest.display_name,
        cloud=manifest.cloud,
        agreement=manifest.agreement,
        locale=manifest.locale,
        as_of=manifest.instant,
        complete=all(status in {SourceStatus.COMPLETE, SourceStatus.NOT_NEEDED} for status in readable),
        sources=facts.sources,
        seats=seat_counts(bound),
        subscriptions=dated_subscriptions(bound),
        product_sets=set_members(bound),
        contracts=contract_terms(bound),
        contract_prices=contract_prices(bound),
        renewal_prices=renewal_prices(bound),
        recent_purchases=recent_purchases(facts) or None,
    )


def _with_unused_waivers(
    tenants: Sequence[TenantResult],
    policies: PolicySet,
    as_of: datetime,
    fleet: FleetResult,
    fleet_waivers: frozenset[str],
) -> list[TenantResult]:
    """Add `waiver.unused` to every tenant that the waiver applies to; this needs the outcomes of all tenants."""
    outcomes = {tenant.name: tenant.policies for tenant in tenants}
    touched = fleet_waivers.union(*(tenant.touched_waivers for tenant in tenants))
    unused = list(unused_waivers(policies, as_of, outcomes, fleet, touched))
    return [
        replace(
            tenant,
            notices=tuple(
                sorted(
                    (*tenant.notices, *(note for waiver, note in unused if waiver.applies_to(tenant.name))),
                    key=lambda notice: (notice.code, notice.subject),
                )
            ),
        )
        for tenant in tenants
    ]


def _run(policies: PolicySet, as_of: datetime, tenants: Sequence[TenantResult]) -> Run:
    snapshots = sorted(f"{tenant.tenant_id} {format_instant(tenant.as_of)}" for tenant in tenants)
    text = "\n".join([policies.digest, format_instant(as_of), *snapshots])
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
        references=policy.references or None,
        frameworks=policy.frameworks or None,
        report_only=policy.report_only or None,
        source=SourceLine(file=policy.span.file, line=policy.span.line),
        spec=policy.spec,
    )
