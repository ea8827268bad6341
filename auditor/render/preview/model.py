"""What a policy change would do into values, their sums, and the plain values of `auditor/preview/v1`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from auditor.domain.actions.money import rounded
from auditor.domain.enums import Severity, Status, SubjectType
from auditor.domain.result import Finding
from auditor.render.artifact import Artifact
from auditor.render.json.document import TOOL, Document, finding_document, instant
from auditor.render.json.encoder import document
from auditor.result.aggregate import added, sums

SCHEMA: Final = "auditor/preview/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """The policies before the change, or after it."""

    name: str
    """The ref or the places, as they were named."""
    commit: str | None
    """The commit of a ref; None for files on disk."""
    digest: str
    policies: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """One finding that both sides raise, told differently."""

    before: Finding
    after: Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What the change does to the findings of one tenant, or of the fleet."""

    name: str
    """The tenant's name; empty for the fleet."""
    added: tuple[Finding, ...] = ()
    removed: tuple[Finding, ...] = ()
    changed: tuple[Changed, ...] = ()
    unconfirmed: tuple[Finding, ...] = ()
    """Findings of the base whose policy the head could not evaluate: neither there nor gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyChange:
    """A policy on both sides; None where a side has no such policy."""

    id: str
    title: str
    before: Severity | None
    after: Severity | None
    edited: bool
    """Whether its text differs, severity and title included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """A policy that a side could not evaluate."""

    side: str
    tenant: str
    policy: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a policy change would do to a snapshot."""

    tool_version: str
    as_of: datetime
    base: Side
    head: Side
    tenants: tuple[Difference, ...]
    fleet: Difference
    policies: tuple[PolicyChange, ...]
    unknown: tuple[Unknown, ...]
    complete: bool
    """Whether both sides were evaluated whole."""

    @property
    def everywhere(self) -> tuple[Difference, ...]:
        """The tenants, and the fleet at the end."""
        return (*self.tenants, self.fleet)


@dataclass(frozen=True, slots=True, kw_only=True)
class DifferenceCount:
    """Differences counted, and what open findings come and go with them, a month, by currency."""

    added: int
    removed: int
    changed: int
    unconfirmed: int
    money: tuple[tuple[str, Decimal, Decimal], ...]
    """(currency, more, less): what is added to and taken from the money of open findings."""

    @property
    def empty(self) -> bool:
        """Whether nothing is different."""
        return not (self.added or self.removed or self.changed or self.unconfirmed)


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
    told = [
        (policy, tally(preview.everywhere, lambda finding, id_=policy.id: finding.policy == id_))  # type: ignore[misc]
        for policy in preview.policies
    ]
    return tuple((policy, counts) for policy, counts in told if policy.edited or not counts.empty)


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
    found = finding.evidence.get("department")
    return found if isinstance(found, str) and found else None


def worse(preview: Preview) -> tuple[Severity, ...]:
    """Return the severity of every open finding that the change brings, makes graver, or no longer waives."""
    found = [finding.severity for each in preview.everywhere for finding in each.added if _open(finding)]
    for pair in (pair for each in preview.everywhere for pair in each.changed):
        graver = pair.after.severity.rank < pair.before.severity.rank
        if _open(pair.after) and (graver or not _open(pair.before)):
            found.append(pair.after.severity)
    return tuple(found)


def render(preview: Preview, *, locale: str) -> Artifact:  # noqa: ARG001 - every renderer is called alike
    """Write preview.json; equal previews give equal bytes."""
    return Artifact(name="preview.json", media_type="application/json", body=document(preview_document(preview)))


def preview_document(preview: Preview) -> Document:
    """Return the preview as plain values."""
    return {
        "schema": SCHEMA,
        "tool": {"name": TOOL, "version": preview.tool_version},
        "asOf": instant(preview.as_of),
        "base": _side(preview.base),
        "head": _side(preview.head),
        "complete": preview.complete,
        "tenants": [{"name": each.name, **_difference(each)} for each in preview.tenants],
        "fleet": _difference(preview.fleet),
        "summary": {
            **_tally(tally(preview.everywhere)),
            "worse": {severity.value: worse(preview).count(severity) for severity in Severity},
            "policies": [{**_policy(policy), **_tally(counts)} for policy, counts in by_policy(preview)],
            "departments": [{"name": name, **_tally(counts)} for name, counts in by_department(preview)],
            "notEvaluated": [
                {"side": each.side, "tenant": each.tenant or None, "policy": each.policy, "reason": each.reason}
                for each in preview.unknown
            ],
        },
    }


def _of(finding: Finding, name: str | None) -> bool:
    return finding.subject.type is SubjectType.USER and department(finding) == name


def _open(finding: Finding) -> bool:
    return finding.status is Status.OPEN


def _money(
    differences: Sequence[Difference], wanted: Callable[[Finding], bool]
) -> tuple[tuple[str, Decimal, Decimal], ...]:
    """Sum what comes and goes by the rules of `totals.money`: a seat once in each tenant, and no budgets."""
    plus, minus = [], []
    for each in differences:
        pairs = [pair for pair in each.changed if wanted(pair.after)]
        plus.append(sums([*filter(wanted, each.added), *(pair.after for pair in pairs)]))
        minus.append(sums([*filter(wanted, each.removed), *(pair.before for pair in pairs)]))
    more, less = added(plus), added(minus)
    none = Decimal(0)
    return tuple((name, more.get(name, none), less.get(name, none)) for name in sorted({*more, *less}))


def _side(side: Side) -> Document:
    return {"name": side.name, "commit": side.commit, "policyDigest": side.digest, "policies": side.policies}


def _difference(each: Difference) -> Document:
    return {
        "added": [finding_document(finding) for finding in each.added],
        "removed": [finding_document(finding) for finding in each.removed],
        "changed": [
            {"before": finding_document(pair.before), "after": finding_document(pair.after)} for pair in each.changed
        ],
        "unconfirmed": [finding_document(finding) for finding in each.unconfirmed],
    }


def _policy(policy: PolicyChange) -> dict[str, Any]:
    return {
        "id": policy.id,
        "title": policy.title,
        "before": None if policy.before is None else policy.before.value,
        "after": None if policy.after is None else policy.after.value,
        "edited": policy.edited,
    }


def _tally(counts: DifferenceCount) -> Document:
    return {
        "added": counts.added,
        "removed": counts.removed,
        "changed": counts.changed,
        "unconfirmed": counts.unconfirmed,
        "money": [
            {"currency": currency, "morePerMonth": rounded(plus), "lessPerMonth": rounded(minus)}
            for currency, plus, minus in counts.money
        ],
    }
