"""Counts and sums of the effects of a policy change: in total, by policy and by department."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from msgspec.structs import replace

from auditor.domain.actions.money import sum_money
from auditor.domain.enums import Severity, Status, SubjectType
from auditor.domain.preview import ChangedFinding, Difference, DifferenceCount, MoneyChange, PolicyChange, Preview
from auditor.domain.result.finding import Finding
from auditor.findings.stats import sums


def difference_count(
    differences: Sequence[Difference], wanted: Callable[[Finding], bool] = lambda _: True
) -> DifferenceCount:
    """Count the findings that match `wanted`; a changed finding is matched as it is after the change."""
    return DifferenceCount(
        added=sum(wanted(finding) for difference in differences for finding in difference.added),
        removed=sum(wanted(finding) for difference in differences for finding in difference.removed),
        changed=sum(wanted(pair.after) for difference in differences for pair in difference.changed),
        unconfirmed=sum(wanted(finding) for difference in differences for finding in difference.unconfirmed),
        money=_money(differences, wanted),
    )


def by_policy(preview: Preview) -> tuple[tuple[PolicyChange, DifferenceCount], ...]:
    """Return every policy that was edited or whose findings differ, with its counts."""
    counted = [
        (policy, difference_count(preview.everywhere, lambda finding, id_=policy.id: finding.policy == id_))  # type: ignore[misc]
        for policy in preview.policies
    ]
    return tuple((policy, counts) for policy, counts in counted if policy.edited or not counts.empty)


def by_department(preview: Preview) -> tuple[tuple[str | None, DifferenceCount], ...]:
    """Return every department with different findings, with its counts; None is for people without a department."""
    people = [
        finding
        for difference in preview.everywhere
        for finding in (
            *difference.added,
            *difference.removed,
            *difference.unconfirmed,
            *(pair.after for pair in difference.changed),
        )
        if finding.subject.type is SubjectType.USER
    ]
    names = sorted({department(finding) for finding in people}, key=lambda name: (name is None, name or ""))
    return tuple(
        (name, difference_count(preview.everywhere, lambda finding, name=name: _of(finding, name)))  # type: ignore[misc]
        for name in names
    )


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


def _of(finding: Finding, name: str | None) -> bool:
    return finding.subject.type is SubjectType.USER and department(finding) == name


def _open(finding: Finding) -> bool:
    return finding.status is Status.OPEN


def _money(differences: Sequence[Difference], wanted: Callable[[Finding], bool]) -> tuple[MoneyChange, ...]:
    """Sum the money of added and removed findings by the rules of `auditor.findings.stats.sums`, for each tenant.

    Each seat counts once in a tenant, and budgets are excluded. Of a changed finding, only the difference counts.
    """
    plus, minus, kept = [], [], []
    for difference in differences:
        pairs = [pair for pair in difference.changed if wanted(pair.after)]
        plus.append(sums([*filter(wanted, difference.added), *(pair.after for pair in pairs)]))
        minus.append(sums([*filter(wanted, difference.removed), *(pair.before for pair in pairs)]))
        kept.append(sums(_cheaper(pair) for pair in pairs if _open(pair.before) and _open(pair.after)))
    more, less, same = sum_money(plus), sum_money(minus), sum_money(kept)
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
