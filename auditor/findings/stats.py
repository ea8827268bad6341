"""Counts and sums over findings: the one definition of what open findings cost and which seats count."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from operator import itemgetter
from typing import Final

from auditor.checks.check import Cost
from auditor.checks.registry import cost_of
from auditor.domain.actions.money import rounded
from auditor.domain.enums import Change, Severity, Status, SubjectType
from auditor.domain.finding import Finding
from auditor.domain.finding_stats import FindingStats, PolicyStats

# Looking up a member of an enumeration on its class is slow in Python 3.11; these names are read once per finding.
NEW: Final = Change.NEW
REOPENED: Final = Change.REOPENED
OPEN: Final = Status.OPEN
WAIVED: Final = Status.WAIVED
USER: Final = SubjectType.USER

_PAID: Final = frozenset({Cost.SEAT, Cost.SEATS})
"""Costs of findings that stand for seats that are paid for without need."""

Seat = tuple[str, str, str | None]
"""Currency, id of who or what holds the seat, and skuId."""


def sums(findings: Iterable[Finding]) -> dict[str, Decimal]:
    """Sum what open findings of one tenant cost a month, per currency in alphabetical order.

    A seat that several findings are about counts once, at its highest price. A budget is left out: it is a sum of the
    same seats. Amounts are rounded to cents before they are added, because every table lists them so. Findings without
    a price do not count.
    """
    return summed(seats(findings))


def seats(findings: Iterable[Finding]) -> dict[Seat, Decimal]:
    """Return the monthly cost of each seat that an open finding is about."""
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
    # Few prices stand for very many seats: each is multiplied by how often it occurs.
    one = {id(value): value for value in values}
    if len(one) > len(values) // 4:
        return sum(map(rounded, values), Decimal(0))
    return sum((rounded(one[number]) * count for number, count in Counter(map(id, values)).items()), Decimal(0))


def added(parts: Iterable[Mapping[str, Decimal]]) -> dict[str, Decimal]:
    """Add sums up, per currency in alphabetical order."""
    total: dict[str, Decimal] = {}
    for part in parts:
        for currency, value in part.items():
            total[currency] = total.get(currency, Decimal(0)) + value
    return dict(sorted(total.items()))


def waived(findings: Iterable[Finding]) -> Counter[str]:
    """Count how many findings each waiver waives."""
    return Counter(each.waiver for each in findings if each.status is WAIVED and each.waiver)


def unpriced(findings: Iterable[Finding]) -> bool:
    """Whether one of the findings is open, costs seats and has no price."""
    return any(each.money is None and each.status is OPEN and cost_of(each.check) in _PAID for each in findings)


@dataclass(slots=True)
class _PolicyCounts:
    severity: Severity
    found: int = 0
    waived: int = 0
    new: int = 0
    reopened: int = 0
    money: dict[str, Decimal] = field(default_factory=dict)


class StatsBuilder:
    """Adds findings up, group by group; all findings about one subject have to come in one group."""

    def __init__(self) -> None:
        self._policies: dict[str, _PolicyCounts] = {}
        self._money: dict[str, Decimal] = {}
        self._unpriced = False
        self._waivers: Counter[str] = Counter()
        self._people = 0

    def add(self, findings: Sequence[Finding]) -> None:
        """Add a group of findings."""
        by_policy: dict[str, list[Finding]] = {}
        for finding in findings:
            by_policy.setdefault(finding.policy, []).append(finding)
        for policy, own in by_policy.items():
            counts = self._policies.setdefault(policy, _PolicyCounts(own[0].severity))
            changes = [finding.change for finding in own if finding.status is OPEN]
            counts.found += len(own)
            counts.waived += len(own) - len(changes)
            counts.new += changes.count(NEW)
            counts.reopened += changes.count(REOPENED)
            counts.money = added((counts.money, sums(own)))
        self._money = added((self._money, sums(findings)))
        self._unpriced = self._unpriced or unpriced(findings)
        self._waivers += waived(findings)
        self._people += len({each.subject.id for each in findings if each.subject.type is USER})

    def stats(self, order: Iterable[str] = ()) -> FindingStats:
        """Return the result, with the policies of `order` first."""
        policies = {policy: self._policies[policy] for policy in order if policy in self._policies} | self._policies
        return FindingStats(
            policies={
                policy: PolicyStats(
                    severity=counts.severity,
                    found=counts.found,
                    waived=counts.waived,
                    new=counts.new,
                    reopened=counts.reopened,
                    money=counts.money,
                )
                for policy, counts in policies.items()
            },
            money=self._money,
            unpriced=self._unpriced,
            waivers=dict(self._waivers),
            people=self._people,
        )
