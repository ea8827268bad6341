"""A Result's findings into counts and sums of money."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from operator import itemgetter
from typing import Final

from auditor.checks.check import Cost
from auditor.checks.registry import cost_of
from auditor.domain.actions.money import rounded
from auditor.domain.described import Counted, Described
from auditor.domain.enums import Change, Outcome, Severity, Status, SubjectType
from auditor.domain.result import Finding, FleetResult, Result, Summary, TenantResult

# Looking up a member of a StrEnum on its class is slow in Python 3.11; these names are read once per finding.
NEW: Final = Change.NEW
REOPENED: Final = Change.REOPENED
UNCHANGED: Final = Change.UNCHANGED
OPEN: Final = Status.OPEN
WAIVED: Final = Status.WAIVED
USER: Final = SubjectType.USER

_PAID: Final = frozenset({Cost.SEAT, Cost.SEATS})
"""Costs of findings that stand for seats that are paid for without need."""
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


def shown(findings: Sequence[Finding]) -> Sequence[Finding]:
    """Return the findings that can be told one by one: all of them, or the few that stand for very many."""
    return findings.shown if isinstance(findings, Described) else findings


def counted(findings: Iterable[Finding]) -> Counted | None:
    """Return what was counted of findings that nobody holds; None where they are held and can be counted."""
    return findings.counted if isinstance(findings, Described) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unshown:
    """How many findings of one policy are not among those shown."""

    severity: Severity
    open: int
    waived: int


def unshown(findings: Sequence[Finding], here: Sequence[Finding]) -> dict[str, Unshown]:
    """Count the findings that are not `here`, where those shown are, by policy; nothing where all are."""
    known = counted(findings)
    if known is None or len(here) == len(findings):
        return {}
    there = Counter((each.policy, each.status) for each in here)
    return {
        policy: Unshown(
            severity=tally.severity,
            open=tally.found - tally.waived - there[policy, OPEN],
            waived=tally.waived - there[policy, WAIVED],
        )
        for policy, tally in known.policies.items()
        if tally.found
    }


def _findings(result: Result) -> Iterable[Sequence[Finding]]:
    return (result.fleet.findings, *(tenant.findings for tenant in result.tenants))


def summarise(tenants: Iterable[TenantResult], fleet: FleetResult = NO_FLEET) -> Summary:
    """Count open findings by severity, waived ones, and policies that were not evaluated."""
    found = dict.fromkeys(Severity, 0)
    waived = unknown = 0
    parts: tuple[TenantResult | FleetResult, ...] = (fleet, *tenants)
    for part in parts:
        known = counted(part.findings)
        for tally in () if known is None else known.policies.values():
            found[tally.severity] += tally.found - tally.waived
            waived += tally.waived
        for finding in part.findings if known is None else ():
            if finding.status is OPEN:
                found[finding.severity] += 1
            else:
                waived += 1
        unknown += sum(outcome.status is Outcome.NOT_EVALUATED for outcome in part.policies)
    return Summary(open=found, waived=waived, not_evaluated=unknown)


def waivers(result: Result) -> Counter[str]:
    """Count the findings that each waiver waives."""
    found: Counter[str] = Counter()
    for findings in _findings(result):
        known = counted(findings)
        found.update(waived(findings) if known is None else known.waivers)
    return found


def waived(findings: Iterable[Finding]) -> Counter[str]:
    """Count which waivers waive findings that are at hand."""
    return Counter(each.waiver for each in findings if each.status is WAIVED and each.waiver)


def people(findings: Sequence[Finding]) -> int:
    """Count the people whom the findings of one tenant are about."""
    known = counted(findings)
    if known is not None:
        return known.people
    return len({each.subject.id for each in findings if each.subject.type is USER})


def changes(tenants: Iterable[TenantResult], fleet: FleetResult = NO_FLEET) -> Changes:
    """Count what changed since the previous run, waived findings left aside."""
    parts: tuple[TenantResult | FleetResult, ...] = (*tenants, fleet)
    known = [(part.findings, counted(part.findings)) for part in parts]
    tallies = [tally for _, counts in known if counts is not None for tally in counts.policies.values()]
    here = [
        finding.change
        for findings, counts in known
        if counts is None
        for finding in findings
        if finding.change is not UNCHANGED and finding.status is OPEN
    ]
    return Changes(
        new=here.count(NEW) + sum(tally.new for tally in tallies),
        reopened=here.count(REOPENED) + sum(tally.reopened for tally in tallies),
        fixed=sum(finding.status is OPEN for each in parts for finding in each.fixed),
        unconfirmed=sum(len(each.unconfirmed) for each in parts),
    )


def money(of: Result | TenantResult) -> dict[str, Decimal]:
    """Sum what open findings cost a month, per currency in alphabetical order; no price means no part in the sum.

    A seat that several policies find counts once. A budget is left out: it is a sum of the same seats. What is summed
    are amounts in cents, as every table lists them: a price of 35.705 would else add up to what no reader can check.
    """
    if isinstance(of, TenantResult):
        return sums(of.findings)
    return added(map(sums, _findings(of)))


def added(parts: Iterable[Mapping[str, Decimal]]) -> dict[str, Decimal]:
    """Add sums up, per currency in alphabetical order."""
    total: dict[str, Decimal] = {}
    for part in parts:
        for currency, value in part.items():
            total[currency] = total.get(currency, Decimal(0)) + value
    return in_order(total)


def sums(findings: Iterable[Finding]) -> dict[str, Decimal]:
    """Sum the money of open findings of one tenant, by the rules of `money`."""
    known = counted(findings)
    return summed(seats(findings)) if known is None else dict(known.worth)


Seat = tuple[str, str, str | None]
"""Currency, who or what holds it, and skuId."""


def seats(findings: Iterable[Finding]) -> dict[Seat, Decimal]:
    """Return what each seat that an open finding is about costs a month."""
    found: list[tuple[Seat, Decimal]] = [
        ((worth.currency, finding.subject.id, None if (about := finding.product) is None else about.sku_id), value)
        for finding in findings
        if (worth := finding.money) is not None
        and finding.status is OPEN
        and cost_of(finding.check) is not Cost.TOTAL
        and (value := worth.per_month) > 0
    ]
    dearest = dict(found)
    if len(dearest) < len(found):
        for seat, value in found:
            known = dearest[seat]
            if known is not value and known < value:
                dearest[seat] = value
    return dearest


def summed(of: Mapping[Seat, Decimal]) -> dict[str, Decimal]:
    """Sum seats per currency in alphabetical order."""
    currencies = sorted(set(map(itemgetter(0), of)))
    if len(currencies) == 1:
        return {currencies[0]: _sum(of.values())}
    return {
        currency: sum((rounded(value) for seat, value in of.items() if seat[0] == currency), Decimal(0))
        for currency in currencies
    }


def _sum(values: Collection[Decimal]) -> Decimal:
    # Few prices stand for very many seats: each is taken as often as it comes.
    one = {id(value): value for value in values}
    if len(one) > len(values) // 4:
        return sum(map(rounded, values), Decimal(0))
    return sum((rounded(one[mark]) * many for mark, many in Counter(map(id, values)).items()), Decimal(0))


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
            if action.money is None or not (value := rounded(action.money.per_month)):
                continue
            currency = action.money.currency
            there = made.buy if value < 0 else made.reduce if action.order in _GIVEN_BACK else made.reassign
            there[currency] = there.get(currency, Decimal(0)) + abs(value)
    return Freed(**{name: in_order(getattr(made, name)) for name in ("reassign", "reduce", "buy")})


def priced_whole(result: Result) -> bool:
    """Whether every open finding that costs seats has a price; else the sum is a lower bound."""
    return not any(
        unpriced(findings) if known is None else known.unpriced
        for findings, known in ((each, counted(each)) for each in _findings(result))
    )


def unpriced(findings: Iterable[Finding]) -> bool:
    """Whether one of the findings at hand is open, costs seats and has no price."""
    return any(each.money is None and each.status is OPEN and cost_of(each.check) in _PAID for each in findings)


def in_order(found: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Put sums into the alphabetical order of their currencies."""
    return {currency: found[currency] for currency in sorted(found)}
