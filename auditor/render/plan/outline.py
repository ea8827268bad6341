"""Collects the effect and the open questions of each action of a plan."""

from collections.abc import Iterable, Iterator
from itertools import chain

from msgspec import Struct

from auditor.domain.actions.action import Action
from auditor.domain.actions.kind import NUMBERED, ActionKind
from auditor.domain.actions.priority import RankedItem, most_important, product_concerned
from auditor.domain.enums import Severity, SubjectType, worst_severity
from auditor.domain.policy.decision import Question
from auditor.domain.result.finding import Finding
from auditor.remedy.planner.model import TenantPlan
from auditor.remedy.planner.simulation.replay import SeatEffect

_SEATS = NUMBERED | {ActionKind.COVER, ActionKind.CAP, ActionKind.BUY_HERE, ActionKind.GIVE_UP_HERE}
"""Kinds of action whose count is a number of seats."""


class OutlineEntry(Struct, frozen=True, kw_only=True):
    """An action with its effect and its open questions."""

    number: int
    """Its number among the actions of the plan, from 1."""
    action: Action
    severity: Severity
    """The severity of its worst finding."""
    findings: tuple[Finding, ...]
    fixed: frozenset[str]
    """The fingerprints of the findings that its requests fix."""
    change: SeatEffect | None
    """The seats that its requests free and assign; None without requests."""
    questions: tuple[Question, ...]

    @property
    def seats(self) -> int:
        """The number of seats that it is about, if no request determines how many are freed and assigned."""
        if self.action.kind in _SEATS:
            return self.action.count
        holdings = {
            (finding.subject.id, finding.product.sku_id)
            for finding in self.findings
            if finding.subject.type is SubjectType.USER and finding.product is not None and finding.product.sku_id
        }
        return len(holdings)


def fixed_by_requests(tenant: TenantPlan) -> frozenset[str]:
    """Return the fingerprints of the fixed findings, without those of actions that people carry out."""
    manual = {fingerprint for action in tenant.actions if not action.requests for fingerprint in action.findings}
    return frozenset(tenant.proof.fixed) - manual


def with_findings(tenant: TenantPlan) -> list[tuple[Action, tuple[Finding, ...]]]:
    """Return the actions of a tenant's plan, in the order of execution, each with its open findings."""
    findings = {finding.fingerprint: finding for finding in tenant.findings}
    return [
        (action, tuple(findings[fingerprint] for fingerprint in action.findings if fingerprint in findings))
        for action in tenant.actions
    ]


def outline(tenant: TenantPlan) -> Iterator[OutlineEntry]:
    """Yield the actions of a tenant's plan, in the order of execution."""
    fixed = frozenset(tenant.proof.fixed)
    questions_by_finding: dict[str, Question] = {
        fingerprint: question for question in tenant.open_questions for fingerprint in question.findings
    }
    for number, (action, findings) in enumerate(with_findings(tenant), start=1):
        questions = {
            questions_by_finding[fingerprint].id: questions_by_finding[fingerprint]
            for fingerprint in action.findings
            if fingerprint in questions_by_finding
        }
        yield OutlineEntry(
            number=number,
            action=action,
            severity=worst_severity(finding.severity for finding in findings),
            findings=findings,
            fixed=fixed.intersection(action.findings),
            change=tenant.seat_effects.get(action.id, SeatEffect()) if action.requests else None,
            questions=tuple(by_subject(questions.values())),
        )


def by_subject(questions: Iterable[Question]) -> list[Question]:
    """Return questions in their order, but those about one subject after the first of them."""
    subjects: dict[str, list[Question]] = {}
    for question in questions:
        subjects.setdefault(question.subject, []).append(question)
    return [*chain.from_iterable(subjects.values())]


def by_rank(tenant: TenantPlan) -> list[tuple[int, Action]]:
    """Return the actions, the most important first, with their numbers in the order of execution."""
    return sorted(enumerate(tenant.actions, start=1), key=lambda item: item[1].rank)


def first_by_rank(tenant: TenantPlan) -> tuple[tuple[int, Action], ...]:
    """Return the most important actions with their numbers; of several about one product, only the first."""
    actions = by_rank(tenant)
    subjects = (RankedItem(tenant.name, product_concerned(action), None) for _, action in actions)
    return tuple(actions[index] for index in most_important(subjects))
