"""Creates the questions about findings of a tenant, each with a stable id and its possible answers."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import chain
from typing import Any, Final

from msgspec import Struct, field
from msgspec.structs import replace

from auditor.checks.check import Correction
from auditor.checks.registry import correction_of
from auditor.domain.enums import SubjectType
from auditor.domain.money import Money, total
from auditor.domain.policy.decision import AnswerKind, Question
from auditor.domain.result.finding import Finding
from auditor.engine.outcome import stable_id
from auditor.remedy.actions.remedies.proposals import downgrade_of
from auditor.remedy.planner.proposals.evaluation import EvaluatedProposal, EvaluatedProposals
from auditor.remedy.planner.proposals.product_options import ProductOptions
from auditor.remedy.planner.proposals.replacements import decided_downgrade, may_act
from auditor.remedy.planner.questions.possible_answers import RELEASE, group_answers, part_number_of, possible_answers
from auditor.remedy.planner.questions.seat_needs import SeatNeed, renewed_seats
from auditor.remedy.planner.simulation.accounts import Account

_ID_DIGITS: Final = 12
_Key = tuple[AnswerKind, str, tuple[str, ...]]
"""The kind of a question, its subject, and the products in question."""


class _QuestionDraft(Struct):
    """A question while its findings are collected."""

    answers: tuple[Mapping[str, Any], ...] = ()
    findings: list[Finding] = field(default_factory=list)
    name: str = ""
    """The name of its subject; empty for the name of the findings' subject."""
    saves: Money | None = None
    """Monthly savings of the first answer; None for the cost of its findings."""
    required_by: dict[int, tuple[str, ...]] = field(default_factory=dict)
    """As `Question.required_by`."""


def questions_of(
    product_options: ProductOptions, findings: Iterable[Finding], accounts: Mapping[str, Account]
) -> tuple[Question, ...]:
    """Return the questions of a tenant's open findings, those with the greatest effect first."""
    facts, drafts = product_options.bound.facts, dict[_Key, _QuestionDraft]()
    for finding in findings:
        question = possible_answers(product_options, finding, accounts.get(finding.subject.id))
        if question is None:
            continue
        (kind, products, answers), subject = question, finding.subject.id
        if kind is AnswerKind.RENEWAL and subject in facts.index:
            # About the seats of a product with one subscription, this is the subscription.
            subject, _ = renewed_seats(facts, facts.skus[facts.index[subject]])
        draft = drafts.setdefault((kind, subject, tuple(sorted(products))), _QuestionDraft())
        draft.answers = (*draft.answers, *(answer for answer in answers if answer not in draft.answers))
        draft.findings.append(finding)
        title = product_options.context.policies[finding.policy].title or finding.policy
        for seats in _required_seats(answers):
            draft.required_by[seats] = tuple(dict.fromkeys((*draft.required_by.get(seats, ()), title)))
        smaller = downgrade_of(finding, product_options.context)
        draft.saves = draft.saves if smaller is None else smaller.saves
    return _with_drafts(product_options, (), drafts)


def with_giving_groups(
    product_options: ProductOptions,
    questions: Sequence[Question],
    findings: Iterable[Finding],
    accounts: Mapping[str, Account],
) -> tuple[Question, ...]:
    """Add questions about which group gives the product that a person gets, if several groups do.

    If several products are possible, this is asked after it was decided which of them the person gets.
    """
    drafts: dict[_Key, _QuestionDraft] = {}
    for finding in findings:
        account = accounts.get(finding.subject.id)
        sku_id = _gained(product_options, finding)
        if account is None or sku_id is None or any(grant.sku_id == sku_id for grant in account.grants):
            continue
        if groups := product_options.alternative_groups(account, sku_id):
            key = AnswerKind.GROUP, account.id, product_options.part_numbers((sku_id,))
            draft = drafts.setdefault(key, _QuestionDraft(answers=group_answers(groups)))
            draft.findings.append(finding)
    return _with_drafts(product_options, questions, drafts)


def _with_drafts(
    product_options: ProductOptions, questions: Sequence[Question], drafts: Mapping[_Key, _QuestionDraft]
) -> tuple[Question, ...]:
    drafted = (_question(product_options, key, draft) for key, draft in drafts.items())
    return tuple(sorted((*questions, *drafted), key=question_order))


def _gained(product_options: ProductOptions, finding: Finding) -> str | None:
    """Return the only SKU that a person can get to fix a finding; None if it is not decided, or not a SKU."""
    smaller = decided_downgrade(finding, product_options)
    missing = correction_of(finding) is Correction.ASSIGN
    sku_ids = (smaller.new,) if smaller is not None else product_options.candidates(finding) if missing else ()
    single = len(sku_ids) == 1 and sku_ids[0] in product_options.bound.facts.index
    allowed = may_act(finding, product_options) and product_options.via(finding) != "direct"
    return sku_ids[0] if single and allowed else None


def with_seat_needs(
    product_options: ProductOptions, questions: Sequence[Question], needs: Iterable[SeatNeed]
) -> tuple[Question, ...]:
    """Add questions about the seats that changes of people need, or extend the question about the same seats."""
    by_id = {question.id: question for question in questions}
    for need in needs:
        # There may be questions about the product and about its subscriptions; all suggest the same number.
        for question in [existing for existing in by_id.values() if existing.kind is need.kind]:
            if question.subject in {need.subject, need.sku_id}:
                answers = (need.answer, *(answer for answer in question.answers if answer != need.answer))
                by_id[question.id] = replace(question, answers=answers, assumes_answers=True)
        if need.findings:
            draft = _QuestionDraft(answers=(need.answer,), findings=list(need.findings), name=need.name)
            added = _question(product_options, (need.kind, need.subject, (need.product,)), draft)
            added = replace(added, assumes_answers=True, waiting_seats=need.answer[need.kind]["seats"])
            by_id[added.id] = _joined(by_id[added.id], added) if added.id in by_id else added
    return tuple(sorted(by_id.values(), key=question_order))


def unsettled(questions: Iterable[Question], fixed: Collection[str]) -> Iterator[Question]:
    """Yield the questions without those about a purchase that needs no answer, because requests free missing seats.

    `fixed` are the fingerprints of the findings that the plan fixes.
    """
    fixed_findings = frozenset(fixed)
    for question in questions:
        if (
            question.kind is not AnswerKind.PURCHASE
            or question.decision
            or not fixed_findings.issuperset(question.findings)
        ):
            yield question


def with_service_losses(
    product_options: ProductOptions, questions: Sequence[Question], evaluation: EvaluatedProposals
) -> tuple[Question, ...]:
    """Add questions about removing licences although services end that no policy denies.

    They are about findings that no other proposal fixes, and that no other question is about.
    """

    def fixed_by(proposals: Mapping[str, Sequence[EvaluatedProposal]]) -> dict[str, Finding]:
        evaluated = chain.from_iterable(proposals.values())
        return {finding.fingerprint: finding for proposal in evaluated for finding in proposal.fixed}

    excluded = {fingerprint for question in questions for fingerprint in question.findings}
    excluded |= fixed_by(evaluation.evaluated).keys()
    drafts: dict[_Key, _QuestionDraft] = {}
    for finding in fixed_by(evaluation.harmful).values():
        if finding.fingerprint not in excluded and not product_options.is_left(finding):
            key = AnswerKind.RELEASE, finding.subject.id, (part_number_of(finding),)
            drafts.setdefault(key, _QuestionDraft(answers=RELEASE)).findings.append(finding)
    return _with_drafts(product_options, questions, drafts)


def _joined(question: Question, added: Question) -> Question:
    return replace(
        question,
        answers=(added.answers[0], *(answer for answer in question.answers if answer != added.answers[0])),
        assumes_answers=added.assumes_answers,
        waiting_seats=added.waiting_seats,
        findings=tuple(dict.fromkeys((*question.findings, *added.findings))),
        policies=tuple(dict.fromkeys((*question.policies, *added.policies))),
        checks=tuple(dict.fromkeys((*question.checks, *added.checks))),
        money=total((question.money, added.money)),
    )


def _answer_order(answer: Mapping[str, Any]) -> tuple[bool, int]:
    """Return a sort key: renewals by number of seats, then not renewing; other answers keep their order."""
    renewal = answer.get("renewal", {"renew": True})
    return not renewal["renew"], renewal.get("seats", 0)


def question_order(question: Question) -> tuple[int, Decimal, str]:
    """Return the sort key of a question; those with the greatest effect are first."""
    return -len(question.findings), -question.money.per_month if question.money is not None else Decimal(0), question.id


def _question(product_options: ProductOptions, key: _Key, draft: _QuestionDraft) -> Question:
    kind, subject, products = key
    tenant = product_options.context.tenant
    first = draft.findings[0]
    return Question(
        id=stable_id(tenant.tenant_id or tenant.name, kind.value, subject, *products, digits=_ID_DIGITS),
        kind=kind,
        subject=subject,
        name=draft.name or first.subject.name,
        address="" if draft.name else str(first.evidence.get("userPrincipalName") or ""),
        products=products,
        answers=(*sorted(draft.answers, key=_answer_order), {"skip": True}),
        findings=tuple(finding.fingerprint for finding in draft.findings),
        policies=tuple(dict.fromkeys(finding.policy for finding in draft.findings)),
        required_by=draft.required_by,
        checks=tuple(dict.fromkeys(finding.check for finding in draft.findings)),
        money=total(_costs(draft.findings)) if draft.saves is None else draft.saves,
    )


def _required_seats(answers: Iterable[Mapping[str, Any]]) -> Iterator[int]:
    """Yield the numbers of seats that a policy requires: to buy, or to renew other than all, which may also end."""
    renewals = [answer["renewal"] for answer in answers if "seats" in answer.get("renewal", {})]
    today = {renewal["seats"] for renewal in renewals if not renewal["renew"]}
    yield from (renewal["seats"] for renewal in renewals if renewal["seats"] not in today)
    yield from (answer["purchase"]["seats"] for answer in answers if "purchase" in answer)


def _costs(findings: Iterable[Finding]) -> Iterable[Money]:
    """Return the monthly cost of findings, counting each seat once: several may be about the same person or product.

    Idle seats of a product are reported for the product and for its subscription.
    """
    dearest: dict[str, Money] = {}
    for finding in findings:
        subject = finding.subject.id if finding.subject.type is SubjectType.USER else ""
        current = dearest.get(subject)
        if finding.money is not None and (current is None or finding.money.per_month > current.per_month):
            dearest[subject] = finding.money
    return dearest.values()
