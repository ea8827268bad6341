"""Formats the parts of a plan: the effects of actions, and the names of the people whom they concern."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from typing import Any, Final

from msgspec import Struct

from auditor.checks.check import Detail
from auditor.checks.registry import check_of, detail_of
from auditor.domain.enums import Cloud, SubjectType
from auditor.domain.errors import printable
from auditor.domain.money import Money, sum_by_currency
from auditor.domain.policy.decision import Question
from auditor.domain.result.finding import Finding
from auditor.domain.translation import NN_, Localizer
from auditor.findings.display_names import detail_label, named_product
from auditor.localization import Localization
from auditor.remedy.planner.model import TenantPlan
from auditor.remedy.requests import GraphRequest, connect
from auditor.render.plan.outline import OutlineEntry, fixed_by_requests, outline
from auditor.render.text.actions import policies_line, seat_texts


def subject_labels(findings: Iterable[Finding]) -> dict[str, str]:
    """Return the name of each subject of findings, by id, followed by the address for people who share a name."""
    subjects = {finding.subject.id: finding for finding in findings}
    people: dict[str, set[str]] = {}
    for finding in subjects.values():
        people.setdefault(str(finding.subject.name), set()).add(finding.subject.id)
    return {
        subject: f"{finding.subject.name} ({address(finding)})"
        if finding.subject.type is SubjectType.USER and len(people[str(finding.subject.name)]) > 1
        else str(finding.subject.name)
        for subject, finding in subjects.items()
    }


def address(finding: Finding) -> str:
    """Return what identifies a subject: the sign-in name of a person, else the id."""
    return str(finding.evidence.get("userPrincipalName") or finding.subject.id)


def action_subjects(entry: OutlineEntry, labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Return names and addresses of the subjects that an action affects; a product and its subscriptions are one."""
    by_name = {SubjectType.PRODUCT, SubjectType.SUBSCRIPTION}
    subjects = {
        finding.subject.name if finding.subject.type in by_name else finding.subject.id: finding
        for finding in affecting(entry.findings)
    }
    return tuple(
        (labels.get(finding.subject.id, str(finding.subject.name)), address(finding)) for finding in subjects.values()
    )


def affecting(findings: Sequence[Finding]) -> Sequence[Finding]:
    """Return the findings of an action whose subjects it affects: people, or other subjects if it is about no people.

    An action about people can also fix findings about the seats that they free.
    """
    return [finding for finding in findings if finding.subject.type is SubjectType.USER] or findings


def finding_name(finding: Finding) -> str:
    """Return the name of the subject of a finding, followed by the sign-in name for a person."""
    principal = finding.evidence.get("userPrincipalName")
    return f"{finding.subject.name} ({principal})" if principal else finding.subject.name


def facts(finding: Finding, l10n: Localizer, labels: Mapping[str, str], names: Mapping[str, str]) -> tuple[str, ...]:
    """Return a finding in a few words: the subject, the check, the product and the detail.

    `labels` are the names of subjects, `names` those of products and groups.
    """
    detail = finding.detail or ""
    group = detail.partition("@")[2] if detail_of(finding.check) is Detail.ERROR else ""
    parts = (
        labels.get(finding.subject.id, str(finding.subject.name)),
        l10n.gettext(check_of(finding.check).name),
        named_product(finding, names),
        detail_label(finding.check, detail, names, l10n),
        names.get(group, group),
    )
    return tuple(dict.fromkeys(part for part in parts if part))


def policy_titles(findings: Iterable[Finding], tenant: TenantPlan) -> Sequence[str]:
    """Return the titles of the policies of findings, the one with the worst finding first."""
    ordered = sorted(findings, key=lambda finding: (finding.severity.rank, finding.policy))
    return [*dict.fromkeys(tenant.policy_titles.get(finding.policy) or finding.policy for finding in ordered)]


def policies_text(findings: Iterable[Finding], tenant: TenantPlan, l10n: Localization) -> str:
    """Return the first few titles of the policies of findings as a line of text."""
    return policies_line(policy_titles(findings, tenant), l10n)


_FIXED: Final = NN_("will fix {count} finding", "will fix {count} findings")
_FINDINGS: Final = NN_("{count} finding", "{count} findings")


def effect_texts(entry: OutlineEntry, l10n: Localizer) -> Iterator[str]:
    """Yield the effects of an action: findings, seats and money."""
    freed, assigned = 0, 0
    if entry.change is not None:
        yield l10n.plural(*_FIXED, len(entry.fixed))
        freed, assigned = entry.change.freed, entry.change.assigned
    else:
        if entry.action.findings:
            yield l10n.plural(*_FINDINGS, len(entry.action.findings))
        if entry.seats and not (entry.action.frees and entry.action.saves):  # else the text of the amount is about them
            yield l10n.plural("{count} seat", "{count} seats", entry.seats)
    amounts, elsewhere = _summed([entry.action.money]), _summed([entry.action.counted_elsewhere])
    yield from seat_texts(freed, assigned, amounts, elsewhere, l10n, frees=entry.action.frees)


def total_texts(
    entries: Sequence[OutlineEntry],
    l10n: Localizer,
    *,
    questions: Sequence[Question] = (),
    together: AbstractSet[str] = frozenset(),
    runs: bool,
    undecided: bool = False,
) -> Iterator[str]:
    """Yield the totals of entries, of questions about no entry, and of findings that entries fix `together`.

    With `runs`, the totals of actions with requests and of the findings that these fix; without it, such actions count
    only with their questions. `undecided` is as for `amount_text`.
    """
    counted = entries if runs else [entry for entry in entries if entry.change is None]
    if counted:
        yield l10n.plural("{count} action", "{count} actions", len(counted))
    asked = len({question.id for entry in entries for question in entry.questions}) + len(questions)
    if runs:
        requests = sum(len(entry.action.requests) for entry in counted)
        yield l10n.plural("{count} request", "{count} requests", requests)
    elif asked:
        yield l10n.plural("{count} open question", "{count} open questions", asked)
    findings = {fingerprint for entry in counted for fingerprint in (entry.fixed if runs else entry.action.findings)}
    findings.update(together, *(question.findings for question in questions))
    if findings:
        yield l10n.plural(*(_FIXED if runs else _FINDINGS), len(findings))
    if together:
        yield l10n.plural(
            "{count} of them by several actions together",
            "{count} of them by several actions together",
            len(together),
        )
    changes = [entry.change for entry in counted if entry.change is not None]
    freed, assigned = sum(change.freed for change in changes), sum(change.assigned for change in changes)
    amounts = _summed(entry.action.money for entry in counted)
    elsewhere = _summed(entry.action.counted_elsewhere for entry in counted)
    yield from seat_texts(freed, assigned, amounts, elsewhere, l10n, frees=runs, undecided=undecided)


def _summed(amounts: Iterable[Money | None]) -> dict[str, Decimal]:
    return sum_by_currency({money.currency: money.per_month} for money in amounts if money is not None)


class PlanPart(Struct, frozen=True, kw_only=True):
    """A numbered part of a plan, with its texts."""

    key: str
    """`run`, `decide` or `people`."""
    number: int
    title: str
    note: str
    effects: tuple[str, ...]
    """The totals of the part."""
    entries: tuple[OutlineEntry, ...]
    questions: tuple[Question, ...] = ()
    """Open questions about findings that no action names."""


def plan_parts(tenant: TenantPlan, l10n: Localizer) -> Iterator[PlanPart]:
    """Yield the parts of a plan that are not empty: what can be run, what has to be decided, manual actions.

    Each has the most important entries first; actions with requests and open questions are in the first two.
    """
    entries = sorted(outline(tenant), key=lambda entry: entry.action.rank)
    # Findings that several actions with requests fix together, and that no action names.
    together = fixed_by_requests(tenant).difference(*(action.findings for action in tenant.actions))
    asked = {question.id for entry in entries for question in entry.questions}
    parts: tuple[tuple[str, str, str, tuple[OutlineEntry, ...], tuple[Question, ...]], ...] = (
        (
            "run",
            l10n.gettext("Actions to run"),
            l10n.gettext(
                "Most important actions first. The numbers show the order of execution: seats are "
                "freed before any are bought."
            ),
            tuple(entry for entry in entries if entry.action.requests),
            (),
        ),
        (
            "decide",
            l10n.gettext("Decisions to make"),
            l10n.gettext("Copy an answer to decisions.yaml next to the policies, and create the plan again."),
            tuple(entry for entry in entries if entry.questions),
            tuple(question for question in tenant.open_questions if question.id not in asked),
        ),
        (
            "people",
            l10n.gettext("Manual actions"),
            l10n.gettext("Microsoft Graph has no request for these actions."),
            tuple(entry for entry in entries if not (entry.action.requests or entry.questions)),
            (),
        ),
    )
    non_empty = (part for part in parts if part[3] or part[4])
    for number, (key, title, note, listed, questions) in enumerate(non_empty, start=1):
        runs, fixed = key == "run", together if key == "run" else frozenset()
        decide = key == "decide"
        effects = total_texts(listed, l10n, questions=questions, together=fixed, runs=runs, undecided=decide)
        yield PlanPart(
            key=key, number=number, title=title, note=note, effects=tuple(effects), entries=listed, questions=questions
        )


def script(
    requests: Sequence[Mapping[str, Any]], labels: Mapping[str, str], *, tenant_id: str, cloud: Cloud
) -> tuple[str, ...]:
    """Return PowerShell lines that sign in with the least privileged permissions, run requests, and stop at a failure.

    Requests about a person or group are preceded by a comment with the name, if `labels` has one.
    """
    scopes = dict.fromkeys(GraphRequest.of(request).target.kind.scope for request in requests)
    lines = ["$ErrorActionPreference = 'Stop'", connect(scopes, tenant_id=tenant_id, cloud=cloud)]
    previous_name = None
    for request in requests:
        name = labels.get(GraphRequest.of(request).target.subject)
        if name is not None and name != previous_name:
            lines.append(f"# {printable(name)}")
        previous_name = name
        lines.append(str(request["powershell"]))
    return tuple(lines)
