"""Counts and sums of the effects of a policy change: in total, by policy and by department."""

from collections.abc import Callable, Hashable, Iterator, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from msgspec.structs import replace

from auditor.domain.enums import Severity, Status, SubjectType
from auditor.domain.money import sum_by_currency
from auditor.domain.preview import (
    ChangedFinding,
    Difference,
    DifferenceCount,
    MoneyChange,
    PolicyChange,
    Preview,
    SeatCostChange,
)
from auditor.domain.result.finding import Finding, Findings
from auditor.findings.stats import monthly_cost, seat_costs

Key = TypeVar("Key", bound=Hashable)


def cost_changes(before: Findings, after: Findings) -> tuple[SeatCostChange, ...]:
    """Return the seats whose part of the cost of open findings differs between two audits of a tenant."""
    old, new, zero = seat_costs(before), seat_costs(after), Decimal(0)
    costs = (
        SeatCostChange(currency=seat[0], user=seat[1], before=old.get(seat, zero), after=new.get(seat, zero))
        for seat in dict.fromkeys((*old, *new))
    )
    return tuple(cost for cost in costs if cost.before != cost.after)


def total_count(preview: Preview) -> DifferenceCount:
    """Count all differences; the money is the difference of the costs that reports of both sides show."""
    return _counted(preview.everywhere, _cost_sums([cost for part in preview.everywhere for cost in part.costs]))


def difference_count(differences: Sequence[Difference]) -> DifferenceCount:
    """Count the findings of differences; the money is that of these findings alone."""
    return _counted(differences, _money(differences))


def _counted(differences: Sequence[Difference], money: tuple[MoneyChange, ...]) -> DifferenceCount:
    return DifferenceCount(
        added=sum(len(difference.added) for difference in differences),
        removed=sum(len(difference.removed) for difference in differences),
        changed=sum(len(difference.changed) for difference in differences),
        unconfirmed=sum(len(difference.unconfirmed) for difference in differences),
        money=money,
    )


def by_policy(preview: Preview) -> tuple[tuple[PolicyChange, DifferenceCount], ...]:
    """Return every policy that was edited or whose findings differ, with its counts."""
    differences = _divided(preview, lambda finding: finding.policy)
    counted = [(policy, difference_count(differences.get(policy.id, ()))) for policy in preview.policies]
    return tuple((policy, counts) for policy, counts in counted if policy.edited or not counts.empty)


def by_department(preview: Preview) -> tuple[tuple[str | None, DifferenceCount], ...]:
    """Return every department with different findings, with its counts; None is for people without a department."""
    differences = _divided(preview, lambda finding: (finding.subject.type is SubjectType.USER, department(finding)))
    names = sorted((name for is_user, name in differences if is_user), key=lambda name: (name is None, name or ""))
    costs: dict[tuple[str, str | None], list[SeatCostChange]] = {}
    for tenant in preview.everywhere:
        for cost in tenant.costs:
            costs.setdefault((tenant.name, cost.user), []).append(cost)
    counts: list[tuple[str | None, DifferenceCount]] = []
    for name in names:
        people = dict.fromkeys((part.name, user) for part in differences[True, name] for user in _subjects(part))
        money = _cost_sums([cost for person in people for cost in costs.get(person, ())])
        counts.append((name, _counted(differences[True, name], money)))
    return tuple(counts)


def _subjects(difference: Difference) -> Iterator[str]:
    """Yield the ids of the subjects whose findings differ."""
    pairs = (pair.after for pair in difference.changed)
    for finding in (*difference.added, *difference.removed, *pairs, *difference.unconfirmed):
        yield finding.subject.id


def _divided(preview: Preview, key: Callable[[Finding], Key]) -> dict[Key, list[Difference]]:
    """Return the differences of each tenant by a key of the finding, as it is after the change."""
    divided: dict[Key, list[Difference]] = {}
    for difference in preview.everywhere:
        parts: dict[Key, dict[str, list[Any]]] = {}
        for kind in ("added", "removed", "changed", "unconfirmed"):
            for item in getattr(difference, kind):
                finding = item.after if isinstance(item, ChangedFinding) else item
                parts.setdefault(key(finding), {}).setdefault(kind, []).append(item)
        for value, lists in parts.items():
            part = {kind: tuple(items) for kind, items in lists.items()}
            divided.setdefault(value, []).append(replace(Difference(name=difference.name), **part))
    return divided


def department(finding: Finding) -> str | None:
    """Return the department of a finding's person; None if there is none."""
    value = finding.evidence.get("department")
    return value if isinstance(value, str) and value else None


def worsened_severities(preview: Preview) -> tuple[Severity, ...]:
    """Return the severity of every open finding that the change adds, makes more severe, or no longer waives."""
    severities = [
        finding.severity for difference in preview.everywhere for finding in difference.added if _open(finding)
    ]
    for pair in (pair for difference in preview.everywhere for pair in difference.changed):
        more_severe = pair.after.severity.rank < pair.before.severity.rank
        if _open(pair.after) and (more_severe or not _open(pair.before)):
            severities.append(pair.after.severity)
    return tuple(severities)


def _open(finding: Finding) -> bool:
    return finding.status is Status.OPEN


def _cost_sums(costs: Sequence[SeatCostChange]) -> tuple[MoneyChange, ...]:
    """Sum the increases and the decreases of costs by currency."""
    more = sum_by_currency({cost.currency: max(cost.after - cost.before, Decimal(0))} for cost in costs)
    less = sum_by_currency({cost.currency: max(cost.before - cost.after, Decimal(0))} for cost in costs)
    return tuple(
        MoneyChange(currency=currency, more_per_month=amount, less_per_month=less[currency])
        for currency, amount in more.items()
    )


def _money(differences: Sequence[Difference]) -> tuple[MoneyChange, ...]:
    """Sum the money of added and removed findings by the rules of `auditor.findings.stats.sums`, for each tenant.

    Each seat counts once in a tenant, and budgets are excluded. Of a changed finding, only the difference counts.
    """
    plus, minus, kept = [], [], []
    for difference in differences:
        pairs = difference.changed
        plus.append(monthly_cost([*difference.added, *(pair.after for pair in pairs)]))
        minus.append(monthly_cost([*difference.removed, *(pair.before for pair in pairs)]))
        kept.append(monthly_cost(_cheaper(pair) for pair in pairs if _open(pair.before) and _open(pair.after)))
    more, less, same = sum_by_currency(plus), sum_by_currency(minus), sum_by_currency(kept)
    zero = Decimal(0)
    changes = (
        MoneyChange(
            currency=name,
            more_per_month=more.get(name, zero) - same.get(name, zero),
            less_per_month=less.get(name, zero) - same.get(name, zero),
        )
        for name in sorted({*more, *less})
    )
    return tuple(change for change in changes if change.more_per_month or change.less_per_month)


def _cheaper(pair: ChangedFinding) -> Finding:
    """Return the state of a finding with the lower cost; no cost is lower than any."""
    before, after = pair.before.money, pair.after.money
    if before is None or after is None:
        return pair.before if before is None else pair.after
    if before.currency != after.currency:
        return replace(pair.before, money=None)
    return pair.before if before.per_month <= after.per_month else pair.after
