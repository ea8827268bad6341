"""Computes counts and sums of money of a Result from the statistics of its tables of findings."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

from msgspec import Struct

from auditor.domain.actions.money import added, rounded
from auditor.domain.enums import Severity, Status, SubjectType
from auditor.domain.result.finding import Finding
from auditor.domain.result.finding_stats import Concern, FindingStats
from auditor.domain.result.model import FleetResult, Result, Summary, TenantResult
from auditor.findings.person_names import first_names

OPEN: Final = Status.OPEN
_REDUCING: Final = frozenset({"remove", "cancel"})
"""Classes of actions after which fewer seats are paid for."""
_BUYING: Final = "buy"
NO_FLEET: Final = FleetResult()


class Changes(Struct, frozen=True, kw_only=True):
    """Open findings that are new or came back, and open ones of the previous run that are gone."""

    new: int
    reopened: int
    fixed: int
    unconfirmed: int


SHOWN: Final = 50_000
"""Findings about people that a report lists one by one, over all tenants of a run."""
ALONE: Final = 500_000
"""Findings of a run about one tenant up to which a report lists all of them."""


def shown(result: Result, tenants: Iterable[TenantResult] | None = None) -> Mapping[str, Sequence[Finding]]:
    """Return by tenant the findings that a report lists one by one: all, or of very many a sample.

    With `tenants` only theirs are returned; the sample is shared out among all tenants of the result.
    """
    count = sum(len(tenant.findings) for tenant in result.tenants)
    whole = count <= (ALONE if len(result.tenants) == 1 else SHOWN)
    return {
        tenant.name: tenant.findings.sample(count if whole else SHOWN * len(tenant.findings) // count)
        for tenant in (result.tenants if tenants is None else tenants)
    }


def summarise(tenants: Iterable[TenantResult], fleet: FleetResult = NO_FLEET) -> Summary:
    """Count open findings by severity, waived and report-only ones, and policies that were not evaluated."""
    counts = dict.fromkeys(Severity, 0)
    waived = unknown = report_only = 0
    parts: tuple[TenantResult | FleetResult, ...] = (fleet, *tenants)
    for part in parts:
        for policy in part.findings.stats.policies.values():
            counts[policy.severity] += policy.open
            waived += policy.waived
            report_only += policy.report_only
        unknown += sum(outcome.unknown for outcome in part.policies)
    return Summary(open=counts, waived=waived, not_evaluated=unknown, report_only=report_only or None)


def _stats(result: Result) -> Iterable[FindingStats]:
    return (result.fleet.findings.stats, *(tenant.findings.stats for tenant in result.tenants))


def waivers(result: Result) -> Counter[str]:
    """Count the findings that each waiver waives."""
    counts: Counter[str] = Counter()
    for stats in _stats(result):
        counts.update(stats.waivers)
    return counts


def changes(tenants: Iterable[TenantResult], fleet: FleetResult = NO_FLEET) -> Changes:
    """Count what changed since the previous run, waived findings left aside."""
    parts: tuple[TenantResult | FleetResult, ...] = (*tenants, fleet)
    policies = [policy for part in parts for policy in part.findings.stats.policies.values()]
    return Changes(
        new=sum(policy.new for policy in policies),
        reopened=sum(policy.reopened for policy in policies),
        fixed=sum(finding.status is OPEN for each in parts for finding in each.fixed),
        unconfirmed=sum(len(each.unconfirmed) for each in parts),
    )


def money(of: Result | TenantResult) -> dict[str, Decimal]:
    """Sum what open findings cost a month, as `auditor.findings.stats.sums` does for each tenant."""
    if isinstance(of, TenantResult):
        return dict(of.findings.stats.money)
    return added(stats.money for stats in _stats(of))


def concerns(of: TenantResult | FleetResult) -> Mapping[str, Concern]:
    """Return by action id whom the actions are about; of a result that was read from a file its findings show it."""
    known = of.findings.stats.concerns
    if known or not of.actions:
        return known
    about: dict[str, list[str]] = {}
    for action in of.actions:
        for fingerprint in action.findings:
            about.setdefault(fingerprint, []).append(action.id)
    worst = dict.fromkeys((action.id for action in of.actions), Severity.INFO)
    people: dict[str, dict[str, Finding]] = {action.id: {} for action in of.actions}
    for finding in of.findings:
        for action_id in about.get(finding.fingerprint, ()):
            if finding.status is OPEN and finding.severity.rank < worst[action_id].rank:
                worst[action_id] = finding.severity
            if finding.subject.type is SubjectType.USER:
                people[action_id][finding.subject.id] = finding
    return {
        action_id: Concern(
            worst=severity,
            people=len(people[action_id]),
            names=tuple(first_names(list(people[action_id].values()))),
        )
        for action_id, severity in worst.items()
    }


class Freed(Struct, frozen=True, kw_only=True):
    """What the actions free and what they cost a month, per currency in alphabetical order."""

    reassign: dict[str, Decimal]
    """Worth of seats that the actions free and do not give out themselves; nothing is saved while they are paid for."""
    reduce: dict[str, Decimal]
    """Seats that can be given back, at the latest when their subscription is renewed."""
    buy: dict[str, Decimal]
    """Seats that have to be bought."""


def freed(of: Result | TenantResult) -> Freed:
    """Sum the money of the actions by what has to happen before it is money."""
    sums = [_freed(tenant) for tenant in (of.tenants if isinstance(of, Result) else (of,))]
    return Freed(**{name: added(own[name] for own in sums) for name in ("reassign", "reduce", "buy")})


def _freed(tenant: TenantResult) -> dict[str, dict[str, Decimal]]:
    """Sum the money of one tenant's actions; nobody else can be given the seats that its own actions give out."""
    sums: dict[str, dict[str, Decimal]] = {"reassign": {}, "reduce": {}, "buy": {}, "given": {}}
    for action in tenant.actions:
        if action.money is None or not (value := rounded(action.money.per_month)):
            continue
        if value > 0:
            own = sums["reduce" if action.order in _REDUCING else "reassign"]
        else:
            own = sums["buy" if action.order == _BUYING else "given"]
        own[action.money.currency] = own.get(action.money.currency, Decimal(0)) + abs(value)
    for currency, given in sums.pop("given").items():
        left = sums["reassign"].pop(currency, Decimal(0)) - given
        if left:
            own = sums["reassign" if left > 0 else "buy"]
            own[currency] = own.get(currency, Decimal(0)) + abs(left)
    return sums


def priced_whole(result: Result) -> bool:
    """Whether every open finding that costs seats has a price; else the sum is a lower bound."""
    return not any(stats.unpriced for stats in _stats(result))
