"""Compares two Results: which findings are new, reopened, unchanged or fixed since the previous run."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeVar

import pyarrow as pa
from msgspec import Struct, field
from msgspec.structs import replace

from auditor.arrays.texts import texts, values_of
from auditor.domain.enums import Change, Outcome, Status
from auditor.domain.errors import UsageError
from auditor.domain.message import Message
from auditor.domain.result.finding import Finding, Findings
from auditor.domain.result.model import FleetPast, FleetResult, PolicyHeader, PolicyOutcome, Result, TenantResult
from auditor.domain.result.verification import FindingState
from auditor.findings.columns import decode, replaced
from auditor.findings.table import FindingTable
from auditor.snapshot.manifest import format_instant

Part = TypeVar("Part", TenantResult, FleetResult)


class EarlierFindings(Struct, frozen=True, kw_only=True):
    """The findings of the previous run of a tenant or the fleet."""

    statuses: Mapping[str, str] = field(default_factory=dict)
    """Status by fingerprint, including unconfirmed findings."""
    closed: Collection[str] = ()
    """Fingerprints of findings that this run, or an earlier one, reported as fixed."""
    missing: Callable[[Collection[str]], Sequence[Finding]] = lambda _: ()
    """Returns the findings that are not among some fingerprints, without duplicates."""

    @classmethod
    def of(cls, past: TenantResult | FleetResult) -> "EarlierFindings":
        """Return the findings of a part of a result; only their status is kept: they may not fit in memory."""
        statuses = {finding.fingerprint: finding.status.value for finding in past.unconfirmed}
        return cls(
            statuses=statuses | dict(_states(past.findings)),
            closed={*past.closed, *(finding.fingerprint for finding in past.fixed)},
            missing=lambda current: _missing(past, current),
        )


Mapped = Callable[[Result, Callable[[TenantResult], TenantResult]], Result]
"""Applies a change to every tenant; may turn an exception into the failure of a tenant."""


def _mapped(result: Result, change: Callable[[TenantResult], TenantResult]) -> Result:
    return replace(result, tenants=tuple(map(change, result.tenants)))


def compare(current: Result, previous: Result, *, mapped: Mapped = _mapped) -> Result:
    """Return `current` with the change of every finding, and the findings of `previous` that are fixed or unconfirmed.

    Tenants are matched by name (with another directory of the same name, it is a new tenant), findings by fingerprint.
    A finding that was open and is waived now counts as unchanged, because it still exists. Findings of a policy that
    was removed, or that no longer applies to the tenant, are dropped. Raises UsageError if `previous` is the later run.
    """
    if previous.run.as_of > current.run.as_of:
        message = Message(
            "the run to compare with is from {as_of}, later than this run, which is from {as_of2}",
            as_of=format_instant(previous.run.as_of),
            as_of2=format_instant(current.run.as_of),
        )
        hint = Message("specify the result of an earlier run, or set --as-of")
        raise UsageError("compare-order", message, hint=hint)
    policies = {policy.id: policy for policy in current.run.policies}
    before = {tenant.name: tenant for tenant in previous.tenants}
    return replace(
        mapped(current, lambda tenant: compared_tenant(tenant, _earlier(tenant, before.get(tenant.name)), policies)),
        run=replace(current.run, previous=previous.run.as_of),
        fleet=compared_fleet(current.fleet, past_of(previous), tenants=[tenant.name for tenant in current.tenants]),
    )


def past_of(previous: Result) -> FleetPast:
    """Return the data about the fleet that a later run needs for the comparison."""
    fleet = previous.fleet
    tenants = {tenant.name for tenant in previous.tenants}
    if fleet.unconfirmed and fleet.past is not None:
        tenants |= set(fleet.past.tenants)  # the unconfirmed findings were found over these tenants
    closed = {*fleet.closed, *(finding.fingerprint for finding in fleet.fixed)}
    return FleetPast(
        findings=tuple(fleet.findings),
        unconfirmed=fleet.unconfirmed,
        closed=tuple(sorted(closed)),
        tenants=tuple(sorted(tenants)),
    )


def compared_fleet(fleet: FleetResult, past: FleetPast, *, tenants: Iterable[str]) -> FleetResult:
    """Return the fleet with the changes since `past`, which is stored in it for a merge that evaluates the fleet again.

    If a tenant of the previous run is not among `tenants`, no missing finding counts as fixed, because the fleet is not
    the same one.
    """
    evaluated, unevaluated = _evaluated(fleet.policies), _not_evaluated(fleet.policies)
    if not set(past.tenants) <= set(tenants):
        evaluated, unevaluated = set(), evaluated | unevaluated
    before = FleetResult(
        findings=FindingTable.of(past.findings), unconfirmed=past.unconfirmed, closed=tuple(past.closed)
    )
    changed = _changed(fleet, EarlierFindings.of(before), evaluated=evaluated, unevaluated=unevaluated)
    return replace(changed, past=past)


def _changed(part: Part, past: EarlierFindings, *, evaluated: set[str], unevaluated: set[str]) -> Part:
    """Return a part with its changes: missing findings are fixed if their policy was evaluated, else unconfirmed."""
    current = {fingerprint for fingerprint, _ in _states(part.findings)}
    closed = frozenset(past.closed)
    missing = past.missing(current)
    fixed = tuple(finding for finding in missing if finding.policy in evaluated)
    findings = part.findings.map_batches(lambda batch: _with_changes(batch, past.statuses, closed))
    return replace(
        part,
        findings=findings,
        fixed=fixed,
        unconfirmed=tuple(finding for finding in missing if finding.policy in unevaluated),
        closed=tuple(sorted((closed | {finding.fingerprint for finding in fixed}) - current)),
    )


def _missing(past: TenantResult | FleetResult, current: Collection[str]) -> list[Finding]:
    """Return the earlier findings that are not in `current`, without duplicates; findings replace unconfirmed ones."""
    missing = {finding.fingerprint: finding for finding in past.unconfirmed if finding.fingerprint not in current}
    for batch in past.findings.batches():
        is_missing = pa.array(
            [fingerprint not in current for fingerprint in values_of(batch.column("fingerprint"))], pa.bool_()
        )
        missing |= {finding.fingerprint: finding for finding in decode(batch.filter(is_missing))}
    return list(missing.values())


def _states(findings: Findings) -> Iterator[tuple[str, str]]:
    """Yield the fingerprint and the status of each finding."""
    for batch in findings.batches():
        yield from zip(values_of(batch.column("fingerprint")), values_of(batch.column("status")), strict=True)


def _with_changes(batch: pa.RecordBatch, statuses: Mapping[str, str], closed: Collection[str]) -> pa.RecordBatch:
    """Return findings with their change since the previous run; `statuses` are the earlier ones by fingerprint."""
    states = zip(values_of(batch.column("fingerprint")), values_of(batch.column("status")), strict=True)
    changes = [
        _change(statuses.get(fingerprint), status, closed=fingerprint in closed) for fingerprint, status in states
    ]
    return replaced(batch, "change", texts(changes).dictionary_encode())


def _change(before: str | None, now: str, *, closed: bool) -> str:
    if before is None:
        return _REOPENED if closed else _NEW
    if now != _OPEN or before == _OPEN:
        return _UNCHANGED
    # A report-only finding becomes an open one.
    return _REOPENED if before == _WAIVED else _NEW


_NEW, _REOPENED, _UNCHANGED = Change.NEW.value, Change.REOPENED.value, Change.UNCHANGED.value
_OPEN, _WAIVED = Status.OPEN.value, Status.WAIVED.value


def _earlier(tenant: TenantResult, before: TenantResult | None) -> EarlierFindings:
    """Return the findings of the previous run of a tenant; none if it is another directory of the same name."""
    is_same = before is not None and before.tenant_id.casefold() == tenant.tenant_id.casefold()
    return EarlierFindings.of(before) if before is not None and is_same else EarlierFindings()


def compared_tenant(tenant: TenantResult, past: EarlierFindings, policies: Mapping[str, PolicyHeader]) -> TenantResult:
    """Return a tenant with the changes since the previous run."""
    unevaluated = _not_evaluated(tenant.policies)
    if tenant.failure is not None:
        named = {policy.id: policy.spec.get("tenants") for policy in policies.values()}
        unevaluated = {
            id_ for id_, names in named.items() if not isinstance(names, list | tuple) or tenant.name in names
        }
    return _changed(tenant, past, evaluated=_evaluated(tenant.policies) - unevaluated, unevaluated=unevaluated)


def _evaluated(outcomes: Iterable[PolicyOutcome]) -> set[str]:
    return {outcome.id for outcome in outcomes if outcome.status is not Outcome.NOT_EVALUATED}


def _not_evaluated(outcomes: Iterable[PolicyOutcome]) -> set[str]:
    return {outcome.id for outcome in outcomes if outcome.status is Outcome.NOT_EVALUATED}


def with_reopened(tenant: TenantResult) -> TenantResult:
    """Return a compared tenant in which reopened findings of a plan have the state CAME_BACK instead of OPEN."""
    verification = tenant.verification
    if verification is None or not verification.count(FindingState.OPEN):
        return tenant
    reopened = {finding.fingerprint for finding in tenant.findings if finding.change is Change.REOPENED}
    findings = tuple(
        replace(item, state=FindingState.CAME_BACK)
        if item.state is FindingState.OPEN and item.fingerprint in reopened
        else item
        for item in verification.findings
    )
    return replace(tenant, verification=replace(verification, findings=findings))
