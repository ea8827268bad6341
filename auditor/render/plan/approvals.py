"""Writes approvals.csv: the actions and open questions of a tenant's plan, for approval in a spreadsheet."""

from collections.abc import Collection, Iterator, Sequence
from typing import Final

from auditor.domain.actions.action import Action
from auditor.domain.enums import SubjectType
from auditor.domain.money import Money, rounded
from auditor.domain.policy.decision import AnswerKind, Question
from auditor.domain.result.finding import Finding
from auditor.findings.display_names import named_product, part_name
from auditor.localization import Localization
from auditor.remedy.planner.model import TenantPlan
from auditor.render.plan.outline import by_subject, with_findings
from auditor.render.plan.outline_text import finding_name, policy_titles
from auditor.render.plan.question_text import commented_answers, sentence
from auditor.render.tables.csv import spreadsheet

COLUMNS: Final = (
    "action",
    "title",
    "people",
    "products",
    "policies",
    "monthlySaving",
    "monthlyCost",
    "currency",
    "question",
    "answers",
    "approve",
)
SEPARATOR: Final = " | "
"""Separates the possible answers of a question."""
_LIST_SEPARATOR: Final = "; "
"""Separates products and titles of policies, which can contain commas."""
_MAX_NAMES: Final = 200
"""The maximum number of names in one cell; Excel truncates a cell at 32,767 characters."""


def approvals_csv(tenant: TenantPlan, l10n: Localization, only: Collection[int] | None = None) -> bytes:
    """Return a row for each action in the plan's order, followed by the open questions about its findings.

    `monthlySaving` of an action counts each seat once over all actions and is negative for a cost; `monthlyCost` of a
    question is the cost of its findings, which may be part of the saving of its action. `approve` is empty, to be
    filled with `yes` or `no`, or with one of `answers` for a question. Questions about findings without an action come
    last and have no action number. `only` selects actions by number, with their questions; 0 selects the questions
    without an action.
    """
    return spreadsheet([COLUMNS, *_rows(tenant, l10n, only)])


def questions_by_action(tenant: TenantPlan) -> dict[int, list[Question]]:
    """Return the open questions by the number of the first action about their findings; 0 if there is no action.

    Those about one person are together.
    """
    number_of = {
        fingerprint: number for number, action in enumerate(tenant.actions, start=1) for fingerprint in action.findings
    }
    by_action: dict[int, list[Question]] = {}
    for question in tenant.open_questions:
        numbers = [number_of[fingerprint] for fingerprint in question.findings if fingerprint in number_of]
        by_action.setdefault(min(numbers, default=0), []).append(question)
    return {number: by_subject(questions) for number, questions in by_action.items()}


def _rows(tenant: TenantPlan, l10n: Localization, only: Collection[int] | None) -> Iterator[tuple[object, ...]]:
    questions = questions_by_action(tenant)
    by_fingerprint = {finding.fingerprint: finding for finding in tenant.findings}

    def row(number: int | None, question: Question) -> tuple[object, ...]:
        findings = [by_fingerprint[name] for name in question.findings if name in by_fingerprint]
        return _question(number, question, findings, tenant, l10n)

    for number, (action, findings) in enumerate(with_findings(tenant), start=1):
        if only is None or number in only:
            yield _action(number, action, findings, tenant, l10n)
            yield from (row(number, question) for question in questions.get(number, ()))
    if only is None or 0 in only:
        yield from (row(None, question) for question in questions.get(0, ()))


def _action(
    number: int, action: Action, findings: Sequence[Finding], tenant: TenantPlan, l10n: Localization
) -> tuple[object, ...]:
    names = tenant.names
    people = dict.fromkeys(finding_name(finding) for finding in findings if finding.subject.type is SubjectType.USER)
    named_products = [*filter(None, (named_product(finding, names) for finding in findings))]
    products = _LIST_SEPARATOR.join(dict.fromkeys(named_products or [names.get(action.sku_id, action.sku_id)]))
    saving, currency = _money(action.money)
    return (
        number,
        action.title,
        l10n.first_people(tuple(people), _MAX_NAMES),
        products,
        _LIST_SEPARATOR.join(policy_titles(findings, tenant)),
        saving,
        None,
        currency,
        None,
        None,
        None,
    )


def _question(
    number: int | None, question: Question, findings: Sequence[Finding], tenant: TenantPlan, l10n: Localization
) -> tuple[object, ...]:
    names = tenant.names
    person = f"{question.name} ({question.address})" if question.address else ""
    answers = SEPARATOR.join(commented_answers(question, names, l10n))
    products = () if question.kind is AnswerKind.SET else question.products
    named_products = _LIST_SEPARATOR.join(part_name(product, names) for product in products)
    return (
        number,
        sentence(question, l10n, names),
        person,
        named_products,
        _LIST_SEPARATOR.join(policy_titles(findings, tenant)),
        None,
        *_money(question.money),
        question.id,
        answers,
        None,
    )


def _money(money: Money | None) -> tuple[object, object]:
    return (None, None) if money is None else (rounded(money.per_month), money.currency)
