"""A Result's findings into counts and sums of money."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from auditor.domain.result import Finding, FleetResult, PolicyOutcome, Result, Summary, TenantResult
from auditor.domain.words import Change, Outcome, Severity, Status

COSTLY: Final = frozenset(
    {
        *("assignment.not-allowed", "assignment.denied", "assignment.redundant"),
        *("seats.above-maximum", "seats.quota-exceeded"),
        *("purchase.not-allowed", "purchase.trial", "purchase.unknown"),
    }
)
"""Checks whose findings stand for seats that are paid for without need."""
_GIVEN_BACK: Final = frozenset({"remove", "cancel"})
"""Classes of actions after which fewer seats are paid for."""
NO_FLEET: Final = FleetResult()


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


def money(of: Result | TenantResult) -> dict[str, Decimal]:
    """Sum what open findings cost a month, per currency in alphabetical order; no price means no part in the sum.

    A seat that several policies find counts once. A budget is left out: it is a sum of the same seats.
    """
    parts = (
        (of.fleet.findings, *(tenant.findings for tenant in of.tenants)) if isinstance(of, Result) else (of.findings,)
    )
    total: dict[str, Decimal] = {}
    for findings in parts:
        for currency, value in sums(findings).items():
            total[currency] = total.get(currency, Decimal(0)) + value
    return {currency: total[currency] for currency in sorted(total)}


def sums(findings: Iterable[Finding]) -> dict[str, Decimal]:
    """Sum the money of open findings of one tenant, by the rules of `money`."""
    dearest: dict[tuple[str, str, str | None], Decimal] = {}
    for finding in findings:
        if finding.status is Status.OPEN and finding.money is not None and finding.check != "budget.exceeded":
            sku = finding.product.sku_id if finding.product is not None else None
            seat = (finding.money.currency, finding.subject.id, sku)
            dearest[seat] = max(finding.money.per_month, dearest.get(seat, Decimal(0)))
    total: dict[str, Decimal] = {}
    for (currency, _, _), value in dearest.items():
        total[currency] = total.get(currency, Decimal(0)) + value
    return {currency: total[currency] for currency in sorted(total)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Freed:
    """What the actions free and what they cost a month, per currency in alphabetical order."""

    reassign: dict[str, Decimal]
    """Worth of seats that can be given to somebody else at once; nothing is saved while they are paid for."""
    reduce: dict[str, Decimal]
    """Seats that can be given back, at the latest when their subscription is renewed."""
    buy: dict[str, Decimal]
    """Seats that have to be bought."""


def freed(of: Result | TenantResult) -> Freed:
    """Sum the money of the actions by what has to happen before it is money."""
    made = Freed(reassign={}, reduce={}, buy={})
    for tenant in of.tenants if isinstance(of, Result) else (of,):
        for action in tenant.actions:
            if action.money is None or not action.money.per_month:
                continue
            value, currency = action.money.per_month, action.money.currency
            there = made.buy if value < 0 else made.reduce if action.order in _GIVEN_BACK else made.reassign
            there[currency] = there.get(currency, Decimal(0)) + abs(value)
    return Freed(**{name: _in_order(getattr(made, name)) for name in ("reassign", "reduce", "buy")})


def priced_whole(result: Result) -> bool:
    """Whether every open finding that costs seats has a price; else the sum is a lower bound."""
    return not any(
        finding.status is Status.OPEN and finding.money is None and finding.check in COSTLY
        for finding in all_findings(result)
    )


def _in_order(found: dict[str, Decimal]) -> dict[str, Decimal]:
    return {currency: found[currency] for currency in sorted(found)}
