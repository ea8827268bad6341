"""Renders a Result as OpenMetrics gauges, for example for the textfile collector of node_exporter.

All metrics are gauges without timestamps, which are valid in both OpenMetrics 1.0 and Prometheus' own text format. An
unknown value has no sample; it is not reported as zero. Labels never name a person, a group or a finding.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Final

import pyarrow as pa
from msgspec import Struct, field

from auditor import __version__
from auditor.domain.enums import Outcome, Severity, Status
from auditor.domain.money import rounded
from auditor.domain.result.finding import Findings
from auditor.domain.result.model import FleetResult, Result, TenantResult
from auditor.domain.result.verification import FindingState, TenantVerification, Verdict
from auditor.render.formats import RenderOptions
from auditor.render.text.sanitize import shortened, visible
from auditor.result.aggregate import action_amounts, changes, fleet_compared, money
from auditor.result.seats import paid_seats

ALL: Final = "*"
"""Value of the `tenant` label for metrics about all tenants together."""
_HELP: Final[Mapping[str, str]] = {
    "auditor_info": "The program that wrote this file.",
    "auditor_audit_timestamp_seconds": "Instant of the audit.",
    "auditor_snapshot_timestamp_seconds": "Instant at which the state of the tenant was read.",
    "auditor_complete": "Whether the tenant was read whole and every policy evaluated; if 0, counts are at least.",
    "auditor_policies": "Policies by outcome.",
    "auditor_findings": "Open findings by severity.",
    "auditor_findings_by_check": "Open findings by severity and check.",
    "auditor_findings_waived": "Waived findings.",
    "auditor_findings_changed": "Findings that changed since the previous run.",
    "auditor_seats_bought": "Enabled seats of a product that costs something.",
    "auditor_seats_assigned": "Assigned seats.",
    "auditor_seats_spare": "Usable seats that nobody holds; below zero, seats that are missing.",
    "auditor_findings_cost": "What open findings cost a month.",
    "auditor_actions_amount": "What the actions save a month, and what must be bought.",
    "auditor_plan_timestamp_seconds": "Instant of the plan that was verified.",
    "auditor_plan_actions": "Actions of the plan by verdict.",
    "auditor_plan_findings": "Findings of the plan by state.",
    "auditor_plan_seats_freed": "Seats that the plan frees and does not assign again, and those that are free.",
    "auditor_plan_amount": "What the freed seats cost a month.",
}
"""Help text by metric, in the order of the file."""


class _Sample(Struct, frozen=True):
    metric: str
    labels: Mapping[str, str] = field(default_factory=dict)
    value: int | Decimal = 1


def render(result: Result, options: RenderOptions) -> Iterable[bytes]:
    """Render the gauges of a result; equal results give equal bytes in every language."""
    del options
    by_metric: dict[str, list[_Sample]] = {name: [] for name in _HELP}
    for sample in _samples(result):
        by_metric[sample.metric].append(sample)
    lines: list[str] = []
    for metric, samples in by_metric.items():
        if samples:
            lines += [f"# HELP {metric} {_HELP[metric]}", f"# TYPE {metric} gauge", *map(_line, samples)]
    text = "\n".join((*lines, "# EOF", ""))
    return (text.encode("utf-8", "replace"),)


def _line(sample: _Sample) -> str:
    labels = ",".join(f'{name}="{_escaped(text)}"' for name, text in sample.labels.items())
    return f"{sample.metric}{{{labels}}} {sample.value}" if labels else f"{sample.metric} {sample.value}"


def _escaped(text: str) -> str:
    return shortened(visible(text)).replace("\\", "\\\\").replace('"', '\\"')


def _samples(result: Result) -> Iterator[_Sample]:
    yield _Sample("auditor_info", {"version": __version__})
    yield _Sample("auditor_audit_timestamp_seconds", {}, int(result.run.as_of.timestamp()))
    for tenant in result.tenants:
        labels = {"tenant": tenant.name}
        yield _Sample("auditor_complete", labels, int(tenant.complete and tenant.failure is None))
        if tenant.failure is not None:
            continue
        yield _Sample("auditor_snapshot_timestamp_seconds", labels, int(tenant.as_of.timestamp()))
        yield from _findings(tenant, labels, compared=result.run.previous is not None)
        yield from _seats(tenant, labels)
        yield from _amounts(tenant, labels)
        if tenant.verification is not None:
            yield from _plan(tenant.verification, labels)
    if result.fleet.policies:
        yield from _findings(result.fleet, {"tenant": ALL}, compared=fleet_compared(result))


def _findings(part: TenantResult | FleetResult, labels: Mapping[str, str], *, compared: bool) -> Iterator[_Sample]:
    outcomes = Counter(outcome.status for outcome in part.policies)
    for outcome in Outcome:
        yield _Sample("auditor_policies", {**labels, "outcome": outcome}, outcomes[outcome])
    policies = part.findings.stats.policies.values()
    for severity in Severity:
        count = sum(policy.open for policy in policies if policy.severity is severity)
        yield _Sample("auditor_findings", {**labels, "severity": severity}, count)
    for (severity_name, check), count in sorted(_checks(part.findings).items()):
        yield _Sample("auditor_findings_by_check", {**labels, "severity": severity_name, "check": check}, count)
    yield _Sample("auditor_findings_waived", labels, sum(policy.waived for policy in policies))
    if compared:
        changed = changes([], part) if isinstance(part, FleetResult) else changes([part])
        for change in ("new", "reopened", "fixed", "unconfirmed"):
            yield _Sample("auditor_findings_changed", {**labels, "change": change}, getattr(changed, change))


def _checks(findings: Findings) -> Counter[tuple[str, str]]:
    """Count open findings by severity and check."""
    counts: Counter[tuple[str, str]] = Counter()
    for batch in findings.batches():
        table = pa.Table.from_batches([batch.select(["severity", "check", "status"])])
        for row in table.group_by(["severity", "check", "status"]).aggregate([([], "count_all")]).to_pylist():
            if row["status"] == Status.OPEN:
                counts[row["severity"], row["check"]] += row["count_all"]
    return counts


def _seats(tenant: TenantResult, labels: Mapping[str, str]) -> Iterator[_Sample]:
    for seats in paid_seats(tenant.seats):
        product_labels = {**labels, "product": seats.sku_part_number, "sku": seats.sku_id}
        numbers = (("bought", seats.enabled), ("assigned", seats.consumed), ("spare", seats.spare))
        yield from (
            _Sample(f"auditor_seats_{kind}", product_labels, count) for kind, count in numbers if count is not None
        )


def _amounts(tenant: TenantResult, labels: Mapping[str, str]) -> Iterator[_Sample]:
    for currency, amount in money(tenant).items():
        yield _Sample("auditor_findings_cost", {**labels, "currency": currency}, rounded(amount))
    amounts_by_kind = action_amounts(tenant.actions)
    for kind in ("reassign", "reduce", "buy"):
        amounts: Mapping[str, Decimal] = getattr(amounts_by_kind, kind)
        for currency, amount in amounts.items():
            yield _Sample("auditor_actions_amount", {**labels, "kind": kind, "currency": currency}, rounded(amount))


def _plan(plan: TenantVerification, labels: Mapping[str, str]) -> Iterator[_Sample]:
    yield _Sample("auditor_plan_timestamp_seconds", labels, int(plan.planned_at.timestamp()))
    for verdict in Verdict:
        yield _Sample("auditor_plan_actions", {**labels, "verdict": verdict}, len(plan.actions_with(verdict)))
    for state in FindingState:
        yield _Sample("auditor_plan_findings", {**labels, "state": state}, plan.count(state))
    yield from _planned_and_actual("auditor_plan_seats_freed", labels, plan.freed.planned, plan.freed.actual)
    for money_verdict in plan.freed.money:
        currency_labels = {**labels, "currency": money_verdict.currency}
        yield from _planned_and_actual(
            "auditor_plan_amount", currency_labels, rounded(money_verdict.planned), rounded(money_verdict.actual)
        )


def _planned_and_actual(
    metric: str, labels: Mapping[str, str], planned: int | Decimal, actual: int | Decimal
) -> Iterator[_Sample]:
    return (
        _Sample(metric, {**labels, "state": state}, value)
        for state, value in (("planned", planned), ("actual", actual))
    )
