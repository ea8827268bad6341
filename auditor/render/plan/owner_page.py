"""Renders the part of a tenant's plan that one owner of policies decides about, as an HTML page."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from auditor.domain.actions.action import Action
from auditor.domain.enums import SubjectType
from auditor.domain.errors import printable
from auditor.domain.policy.decision import Question
from auditor.domain.result.finding import Finding
from auditor.localization import Localization
from auditor.remedy.planner.model import TenantPlan
from auditor.render.plan.approvals import questions_by_action
from auditor.render.plan.outline import with_findings
from auditor.render.plan.outline_text import affecting, finding_name, policies_text
from auditor.render.plan.question_text import answer_label, answer_text, sentence
from auditor.render.static_page import PageSection, text_page
from auditor.render.text.actions import due_sentence
from auditor.render.text.guidance import plain

_MAX_NAMES: Final = 50
"""The maximum number of names of an action on the page."""


def owner_page(owner: str, tenant: TenantPlan, numbers: frozenset[int], as_of: str, l10n: Localization) -> bytes:
    """Return the HTML of the actions with some numbers and of their questions; 0 for questions without an action.

    `owner` is an address, empty for policies without an owner; `as_of` is the instant of the plan.
    """
    title = l10n.gettext("Actions to approve")
    owner_line = owner or l10n.gettext("The policies of these actions have no owner.")
    intro = l10n.gettext("Fill in the approve column of approvals.csv and send the file back.")
    day = l10n.date(datetime.fromisoformat(as_of))
    tenant_line = f"{tenant.title}, {day}"
    sections = [PageSection(title=title, paragraphs=(tenant_line, owner_line, intro), level=1)]
    questions = questions_by_action(tenant)
    title_by_warnings: dict[tuple[str, ...], str] = {}
    for number, (action, findings) in enumerate(with_findings(tenant), start=1):
        if number in numbers:
            sections += _action(number, action, findings, tenant, title_by_warnings, l10n)
            sections += [_question(question, tenant.names, l10n) for question in questions.get(number, ())]
    if 0 in numbers:
        sections += [_question(question, tenant.names, l10n) for question in questions.get(0, ())]
    return text_page(sections, title=title, l10n=l10n)


def _action(
    number: int,
    action: Action,
    findings: Sequence[Finding],
    tenant: TenantPlan,
    title_by_warnings: dict[tuple[str, ...], str],
    l10n: Localization,
) -> Iterator[PageSection]:
    """Yield the sections of an action.

    `title_by_warnings` maps warnings to the title of the first action with them, so that they are not repeated.
    """
    affected = affecting(findings)
    names = list(dict.fromkeys(map(finding_name, affected)))
    people = all(finding.subject.type is SubjectType.USER for finding in affected)
    listed = (l10n.first_people if people else l10n.first_of)(names, _MAX_NAMES)
    paragraphs = (
        action.why,
        policies_text(findings, tenant, l10n),
        f"{l10n.gettext('Affects')}: {listed}" if names else "",
        due_sentence(action, l10n),
        _consequence(action, len(findings), l10n),
    )
    title = f"{number}. {action.title}"
    yield PageSection(title=title, paragraphs=tuple(filter(None, paragraphs)), level=2)
    if not action.warnings:
        return
    first_title = title_by_warnings.setdefault(tuple(action.warnings), title)
    reference = (f"{l10n.gettext('The same as for:')} {first_title}",)
    warnings = tuple(map(plain, action.warnings))
    yield PageSection(
        title=l10n.gettext("Warnings"),
        paragraphs=() if first_title == title else reference,
        items=warnings if first_title == title else (),
        level=3,
    )


def _consequence(action: Action, count: int, l10n: Localization) -> str:
    """Return the consequence of not carrying out an action."""
    text = l10n.plural(
        "If nothing is done, {count} finding stays open.", "If nothing is done, {count} findings stay open.", count
    )
    text = text if count else ""
    if action.saves is None:
        return text
    amount = l10n.money(action.saves.per_month, action.saves.currency)
    return f"{text} ".lstrip() + l10n.gettext("Costs of {amount} a month continue.", amount=amount)


def _question(question: Question, names: Mapping[str, str], l10n: Localization) -> PageSection:
    """Return a question with its answers: what to fill in, and what it means."""
    answers = (
        f"{printable(answer_text(answer))} – {answer_label(question, answer, l10n, names)}"
        for answer in question.answers
    )
    return PageSection(title=sentence(question, l10n, names), items=tuple(answers), level=3)
