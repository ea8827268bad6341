"""Counts and sums of what a policy change would do: in all, by policy and by department."""

from collections.abc import Callable, Sequence
from decimal import Decimal

from auditor.domain.actions.money import added
from auditor.domain.enums import Severity, Status, SubjectType
from auditor.domain.preview import Difference, DifferenceCount, MoneyChange, PolicyChange, Preview
from auditor.domain.result.finding import Finding
from auditor.findings.stats import sums


def tally(differences: Sequence[Difference], wanted: Callable[[Finding], bool] = lambda _: True) -> DifferenceCount:
    """Count the findings that are wanted; a changed one goes by what it is after the change."""
    return DifferenceCount(
        added=sum(wanted(finding) for each in differences for finding in each.added),
        removed=sum(wanted(finding) for each in differences for finding in each.removed),
        changed=sum(wanted(pair.after) for each in differences for pair in each.changed),
        unconfirmed=sum(wanted(finding) for each in differences for finding in each.unconfirmed),
        money=_money(differences, wanted),
    )


def by_policy(preview: Preview) -> tuple[tuple[PolicyChange, DifferenceCount], ...]:
    """Return every policy that is different, or whose findings are."""
    counted = [
        (policy, tally(preview.everywhere, lambda finding, id_=policy.id: finding.policy == id_))  # type: ignore[misc]
        for policy in preview.policies
    ]
    return tuple((policy, counts) for policy, counts in counted if policy.edited or not counts.empty)


def by_department(preview: Preview) -> tuple[tuple[str | None, DifferenceCount], ...]:
    """Return every department whose people's findings are different; None for people without one."""
    people = [
        finding
        for each in preview.everywhere
        for finding in (*each.added, *each.removed, *each.unconfirmed, *(pair.after for pair in each.changed))
        if finding.subject.type is SubjectType.USER
    ]
    names = sorted({department(finding) for finding in people}, key=lambda name: (name is None, name or ""))
    return tuple((name, tally(preview.everywhere, lambda finding, name=name: _of(finding, name))) for name in names)  # type: ignore[misc]


def department(finding: Finding) -> str | None:
    """Return the department of a finding's person; None where there is none."""
    value = finding.evidence.get("department")
    return value if isinstance(value, str) and value else None


def worse(preview: Preview) -> tuple[Severity, ...]:
    """Return the severity of every open finding that the change brings, makes graver, or no longer waives."""
    severities = [finding.severity for each in preview.everywhere for finding in each.added if _open(finding)]
    for pair in (pair for each in preview.everywhere for pair in each.changed):
        graver = pair.after.severity.rank < pair.before.severity.rank
        if _open(pair.after) and (graver or not _open(pair.before)):
            severities.append(pair.after.severity)
    return tuple(severities)


def _of(finding: Finding, name: str | None) -> bool:
    return finding.subject.type is SubjectType.USER and department(finding) == name


def _open(finding: Finding) -> bool:
    return finding.status is Status.OPEN


def _money(differences: Sequence[Difference], wanted: Callable[[Finding], bool]) -> tuple[MoneyChange, ...]:
    """Sum what comes and goes by the rules of `totals.money`: a seat once in each tenant, and no budgets."""
    plus, minus = [], []
    for each in differences:
        pairs = [pair for pair in each.changed if wanted(pair.after)]
        plus.append(sums([*filter(wanted, each.added), *(pair.after for pair in pairs)]))
        minus.append(sums([*filter(wanted, each.removed), *(pair.before for pair in pairs)]))
    more, less = added(plus), added(minus)
    none = Decimal(0)
    return tuple(
        MoneyChange(currency=name, more_per_month=more.get(name, none), less_per_month=less.get(name, none))
        for name in sorted({*more, *less})
    )
