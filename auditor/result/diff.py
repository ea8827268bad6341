"""Two Results into one that says what is new, came back, stayed and is gone since the previous run."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from auditor.domain.enums import Change, Outcome, Status
from auditor.domain.errors import UsageError
from auditor.domain.message import Message
from auditor.domain.result import Finding, FleetPast, FleetResult, PolicyHeader, PolicyOutcome, Result, TenantResult

Rewrite = Callable[[TenantResult], TenantResult]
Each = Callable[[TenantResult, Rewrite], TenantResult]
"""Changes a tenant, which may have to be brought to hand first."""


def _at_hand(tenant: TenantResult, change: Rewrite) -> TenantResult:
    return change(tenant)


def compare(current: Result, previous: Result, *, each: Each = _at_hand) -> Result:
    """Return `current` with the change of every finding, and what became of the findings it no longer has.

    Tenants are matched by name (one that bears the name of another directory is a new tenant), findings by
    fingerprint. A finding that was open and is waived now counts as unchanged: it is still there. Findings of a policy
    that left the set, or that leaves the tenant out, are dropped. Raises UsageError when `previous` is the later run.
    """
    if previous.run.as_of > current.run.as_of:
        raise UsageError(
            "compare-order",
            Message(
                "the run to compare with is of {as_of}, later than this one, of {as_of2}",
                as_of=previous.run.as_of.isoformat(),
                as_of2=current.run.as_of.isoformat(),
            ),
            hint=Message("name the result of an earlier run, or set --as-of"),
        )
    policies = {policy.id: policy for policy in current.run.policies}
    before = {tenant.name: tenant for tenant in previous.tenants}
    return replace(
        current,
        run=replace(current.run, previous=previous.run.as_of),
        tenants=tuple(
            each(tenant, lambda held: _tenant(held, before.get(held.name), policies)) for tenant in current.tenants
        ),
        fleet=compared_fleet(current.fleet, past_of(previous), tenants=[tenant.name for tenant in current.tenants]),
    )


def past_of(previous: Result) -> FleetPast:
    """Return what a later run has to know of the fleet."""
    fleet = previous.fleet
    tenants = {tenant.name for tenant in previous.tenants}
    if fleet.unconfirmed and fleet.past is not None:
        tenants |= set(fleet.past.tenants)  # what waits to be confirmed was found over these
    closed = {*fleet.closed, *(finding.fingerprint for finding in fleet.fixed)}
    return FleetPast(
        findings=fleet.findings,
        unconfirmed=fleet.unconfirmed,
        closed=tuple(sorted(closed)),
        tenants=tuple(sorted(tenants)),
    )


def compared_fleet(fleet: FleetResult, past: FleetPast, *, tenants: Iterable[str]) -> FleetResult:
    """Return the fleet with the change since `past`, which it keeps: a merge of shards judges the fleet again.

    Where a tenant of the previous run is not among `tenants`, nothing that is gone counts as fixed: a fleet without it
    is another one.
    """
    judged, unjudged = _judged(fleet.policies), _not_evaluated(fleet.policies)
    if not set(past.tenants) <= set(tenants):
        judged, unjudged = set(), judged | unjudged
    since = _since(
        fleet.findings,
        _Past(findings=past.findings, unconfirmed=past.unconfirmed, closed=frozenset(past.closed)),
        judged=judged,
        unjudged=unjudged,
    )
    return replace(
        fleet,
        findings=since.findings,
        fixed=since.fixed,
        unconfirmed=since.unconfirmed,
        closed=since.closed,
        past=past,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Past:
    """What the previous run knew of one tenant, or of the fleet."""

    findings: Sequence[Finding]
    unconfirmed: tuple[Finding, ...]
    closed: frozenset[str]
    """Reported as fixed, by the previous run or an earlier one."""


_NOTHING = _Past(findings=(), unconfirmed=(), closed=frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Since:
    """What became of it."""

    findings: tuple[Finding, ...]
    fixed: tuple[Finding, ...]
    unconfirmed: tuple[Finding, ...]
    closed: tuple[str, ...]


def _since(findings: Sequence[Finding], past: _Past, *, judged: Iterable[str], unjudged: Iterable[str]) -> _Since:
    """Compare: what is gone is fixed where its policy was judged, and waits where that could not be."""
    known = {finding.fingerprint: finding for finding in (*past.unconfirmed, *past.findings)}
    here = {finding.fingerprint for finding in findings}
    gone = [finding for mark, finding in known.items() if mark not in here]
    judged, unjudged = set(judged), set(unjudged)
    fixed = tuple(finding for finding in gone if finding.policy in judged)
    closed = past.closed | {finding.fingerprint for finding in fixed}
    return _Since(
        findings=tuple([finding.told(change=_change(finding, known, past.closed)) for finding in findings]),
        fixed=fixed,
        unconfirmed=tuple(finding for finding in gone if finding.policy in unjudged),
        closed=tuple(sorted(closed - here)),
    )


def _change(finding: Finding, known: Mapping[str, Finding], closed: frozenset[str]) -> Change:
    before = known.get(finding.fingerprint)
    if before is not None:
        lapsed = before.status is Status.WAIVED and finding.status is Status.OPEN
        return Change.REOPENED if lapsed else Change.UNCHANGED
    return Change.REOPENED if finding.fingerprint in closed else Change.NEW


def _tenant(tenant: TenantResult, before: TenantResult | None, policies: Mapping[str, PolicyHeader]) -> TenantResult:
    unjudged = _unjudged(tenant, policies)
    past = _NOTHING
    if before is not None and before.tenant_id.casefold() == tenant.tenant_id.casefold():
        closed = {*before.closed, *(finding.fingerprint for finding in before.fixed)}
        past = _Past(findings=before.findings, unconfirmed=before.unconfirmed, closed=frozenset(closed))
    since = _since(tenant.findings, past, judged=_judged(tenant.policies) - unjudged, unjudged=unjudged)
    return replace(
        tenant,
        findings=since.findings,
        fixed=since.fixed,
        unconfirmed=since.unconfirmed,
        closed=since.closed,
    )


def _judged(outcomes: Iterable[PolicyOutcome]) -> set[str]:
    return {outcome.id for outcome in outcomes if outcome.status is not Outcome.NOT_EVALUATED}


def _not_evaluated(outcomes: Iterable[PolicyOutcome]) -> set[str]:
    return {outcome.id for outcome in outcomes if outcome.status is Outcome.NOT_EVALUATED}


def _unjudged(tenant: TenantResult, policies: Mapping[str, PolicyHeader]) -> set[str]:
    """Return the policies of the set that are for this tenant and could not be evaluated in it."""
    if tenant.failure is None:
        return _not_evaluated(tenant.policies)
    return {policy.id for policy in policies.values() if _is_for(policy, tenant.name)}


def _is_for(policy: PolicyHeader, tenant: str) -> bool:
    named = policy.spec.get("tenants")
    return not isinstance(named, list | tuple) or tenant in named
