"""A Result's findings into counts and sums of money."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from auditor.domain.result import Finding, FleetResult, PolicyOutcome, Result, Summary, TenantResult
from auditor.domain.words import Change, Outcome, Severity, Status

NO_FLEET = FleetResult()


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """Open findings that are new or came back, and open ones of the previous run that are gone."""

    new: int
    reopened: int
    fixed: int
    unconfirmed: int

    @property
    def none(self) -> bool:
        """Whether nothing changed."""
        return not (self.new or self.reopened or self.fixed)


def all_findings(result: Result) -> Iterable[Finding]:
    """Yield the findings of every tenant, then those of the fleet."""
    for tenant in result.tenants:
        yield from tenant.findings
    yield from result.fleet.findings


def summarise(tenants: Iterable[TenantResult], fleet: FleetResult = NO_FLEET) -> Summary:
    """Count open findings by severity, waived ones, and policies that were not evaluated."""
    counted = dict.fromkeys(Severity, 0)
    waived = unknown = 0
    parts: list[tuple[tuple[Finding, ...], tuple[PolicyOutcome, ...]]] = [(fleet.findings, fleet.policies)]
    parts += [(tenant.findings, tenant.policies) for tenant in tenants]
    for findings, outcomes in parts:
        for finding in findings:
            if finding.status is Status.OPEN:
                counted[finding.severity] += 1
            else:
                waived += 1
        unknown += sum(outcome.status is Outcome.NOT_EVALUATED for outcome in outcomes)
    return Summary(open=counted, waived=waived, not_evaluated=unknown)


def changes(tenants: Iterable[TenantResult], fleet: FleetResult = NO_FLEET) -> Changes:
    """Count what changed since the previous run, waived findings left aside."""
    tenants = tuple(tenants)
    here = [finding.change for tenant in tenants for finding in tenant.findings if finding.status is Status.OPEN]
    here += [finding.change for finding in fleet.findings if finding.status is Status.OPEN]
    return Changes(
        new=here.count(Change.NEW),
        reopened=here.count(Change.REOPENED),
        fixed=sum(finding.status is Status.OPEN for tenant in tenants for finding in tenant.fixed),
        unconfirmed=sum(len(tenant.unconfirmed) for tenant in tenants),
    )


def money(findings: Iterable[Finding]) -> dict[str, Decimal]:
    """Sum what open findings cost a month, per currency in alphabetical order; no price means no part in the sum."""
    sums: dict[str, Decimal] = {}
    for finding in findings:
        if finding.status is Status.OPEN and finding.money is not None:
            known = sums.get(finding.money.currency, Decimal(0))
            sums[finding.money.currency] = known + finding.money.per_month
    return {currency: sums[currency] for currency in sorted(sums)}
