"""Two Results into one that says what is new, came back, stayed and is gone since the previous run."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from auditor.domain.errors import UsageError
from auditor.domain.result import Finding, PolicyHeader, Result, TenantResult
from auditor.domain.words import Change, Outcome, Status


def compare(current: Result, previous: Result) -> Result:
    """Return `current` with the change of every finding, and what became of the findings it no longer has.

    Tenants are matched by name (one that bears the name of another directory is a new tenant), findings by
    fingerprint. A finding that was open and is waived now counts as unchanged: it is still there. Findings of a policy
    that left the set, or that leaves the tenant out, are dropped. Raises UsageError when `previous` is the later run.
    """
    if previous.run.as_of > current.run.as_of:
        raise UsageError(
            "compare-order",
            f"the run to compare with is of {previous.run.as_of.isoformat()}, "
            f"later than this one, of {current.run.as_of.isoformat()}",
            hint="name the result of an earlier run, or set --as-of",
        )
    policies = {policy.id: policy for policy in current.run.policies}
    before = {tenant.name: tenant for tenant in previous.tenants}
    fleet = _Past.of_findings(previous.fleet.findings)
    return replace(
        current,
        run=replace(current.run, previous=previous.run.as_of),
        tenants=tuple(_tenant(tenant, before.get(tenant.name), policies) for tenant in current.tenants),
        fleet=replace(current.fleet, findings=fleet.marked(current.fleet.findings)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Past:
    """What the previous run knew, by fingerprint."""

    findings: Mapping[str, Finding]
    unconfirmed: frozenset[str] = frozenset()
    closed: frozenset[str] = frozenset()
    """Reported as fixed, by the previous run or an earlier one."""

    @classmethod
    def of_findings(cls, findings: tuple[Finding, ...]) -> "_Past":
        return cls(findings={finding.fingerprint: finding for finding in findings})

    @classmethod
    def of_tenant(cls, tenant: TenantResult) -> "_Past":
        return replace(
            cls.of_findings(tenant.findings),
            unconfirmed=frozenset(tenant.unconfirmed),
            closed=frozenset(tenant.closed) | {finding.fingerprint for finding in tenant.fixed},
        )

    def marked(self, findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
        return tuple(replace(finding, change=self._change(finding)) for finding in findings)

    def _change(self, finding: Finding) -> Change:
        known = self.findings.get(finding.fingerprint)
        if known is not None:
            lapsed = known.status is Status.WAIVED and finding.status is Status.OPEN
            return Change.REOPENED if lapsed else Change.UNCHANGED
        if finding.fingerprint in self.unconfirmed:
            return Change.UNCHANGED
        return Change.REOPENED if finding.fingerprint in self.closed else Change.NEW


def _tenant(tenant: TenantResult, before: TenantResult | None, policies: Mapping[str, PolicyHeader]) -> TenantResult:
    if before is None or before.tenant_id.casefold() != tenant.tenant_id.casefold():
        return replace(tenant, findings=_Past.of_findings(()).marked(tenant.findings))
    past = _Past.of_tenant(before)
    here = {finding.fingerprint for finding in tenant.findings}
    gone = [finding for finding in before.findings if finding.fingerprint not in here]
    unjudged = _unjudged(tenant, policies)
    judged = {outcome.id for outcome in tenant.policies} - unjudged
    fixed = tuple(finding for finding in gone if finding.policy in judged)
    waiting = {finding.fingerprint for finding in gone if finding.policy in unjudged}
    carried = past.unconfirmed - here
    if unjudged:
        # A bare fingerprint does not tell its policy: it waits until nothing is left unjudged.
        waiting |= carried
    closed = past.closed | {finding.fingerprint for finding in fixed} | (carried - waiting)
    return replace(
        tenant,
        findings=past.marked(tenant.findings),
        fixed=fixed,
        unconfirmed=tuple(sorted(waiting)),
        closed=tuple(sorted(closed - here)),
    )


def _unjudged(tenant: TenantResult, policies: Mapping[str, PolicyHeader]) -> set[str]:
    """Return the policies of the set that are for this tenant and could not be evaluated in it."""
    if tenant.failure is None:
        return {outcome.id for outcome in tenant.policies if outcome.status is Outcome.NOT_EVALUATED}
    return {policy.id for policy in policies.values() if _is_for(policy, tenant.name)}


def _is_for(policy: PolicyHeader, tenant: str) -> bool:
    named = policy.spec.get("tenants")
    return not isinstance(named, list | tuple) or tenant in named
