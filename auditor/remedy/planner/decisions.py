"""Holds decisions against the questions of a tenant: which question each answers, and which answers do not fit."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np

from auditor.domain.decision import Answer, AnswerKind, Decision, Question, kept
from auditor.domain.message import Message
from auditor.domain.notice import Notice
from auditor.domain.selector import Selector
from auditor.engine.binding import BoundPolicies
from auditor.engine.scope import Batch
from auditor.remedy.planner.product_options import ProductOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """The questions of a tenant and what decisions say about them."""

    questions: tuple[Question, ...] = ()
    """Each with the decision that answers it."""
    answers: Mapping[str, Answer] = field(default_factory=dict)
    """Fingerprint → what was decided about the finding."""
    notices: tuple[Notice, ...] = ()
    matched: frozenset[str] = frozenset()
    """Ids of the decisions that fit some question, whatever they answer."""


def answered(questions: Sequence[Question], decisions: Iterable[Decision], product_options: ProductOptions) -> Answered:
    """Hold decisions against the questions of a tenant.

    A decision that has lapsed, names another kind of answer or an impossible value, or contradicts another one, answers
    nothing, and a notice says so. A decision that fits no question of any tenant is told by `unmatched`.
    """
    facts = product_options.plan.facts
    today = facts.as_of.date()
    notices: list[Notice] = []
    fitting: dict[str, list[Decision]] = {}
    fits: set[str] = set()
    for decision in decisions:
        matched = _matching(decision, questions, product_options) if _applies(decision, facts.manifest.tenant) else []
        possible = [question for question in matched if _is_possible(decision, question)]
        fits |= {decision.id} if possible or (matched and decision.question is not None) else set()
        if possible and decision.until is not None and today > decision.until:
            notices.append(_expired(decision, decision.until))
            continue
        if matched and not possible and decision.question is not None:
            notices.append(_unfit(decision, decision.question))
        for question in possible:
            fitting.setdefault(question.id, []).append(decision)
    answers: list[Answer] = []
    for question in questions:
        found = fitting.get(question.id, [])
        if any((each.kind, each.value) != (found[0].kind, found[0].value) for each in found):
            notices.append(_contradicting(found))
        elif found:
            answers.append(_answer(question, found[0]))
    chosen = {answer.question.id: answer.decision for answer in answers}
    return Answered(
        questions=tuple(replace(question, decision=chosen.get(question.id)) for question in questions),
        answers={mark: answer for answer in answers for mark in answer.question.findings},
        notices=tuple(dict.fromkeys(notices)),
        matched=frozenset(fits),
    )


def _answer(question: Question, decision: Decision) -> Answer:
    return Answer(
        question=question,
        decision=decision.id,
        kind=decision.kind,
        value=decision.value,
        by=decision.by,
        reason=decision.reason,
    )


def _expired(decision: Decision, until: date) -> Notice:
    message = Message("the decision {id} has lapsed: its last day was {until}", id=decision.id, until=until.isoformat())
    return Notice(code="decision.expired", message=message, subject=decision.id)


def _unfit(decision: Decision, question: str) -> Notice:
    message = Message(
        "the answer of the decision {id} is none to the question {question}", id=decision.id, question=question
    )
    return Notice(code="decision.unfit", message=message, subject=decision.id)


def _contradicting(decisions: Sequence[Decision]) -> Notice:
    ids = ", ".join(sorted({each.id for each in decisions}))
    message = Message("the decisions {ids} contradict one another: none is followed", ids=ids)
    return Notice(code="decision.contradicting", message=message, subject=decisions[0].id)


def unmatched(decisions: Iterable[Decision], tenants: Iterable[Answered]) -> Iterator[Notice]:
    """Yield a notice for each decision that fits no question of the tenants."""
    matched = frozenset[str]().union(*(tenant.matched for tenant in tenants))
    for decision in decisions:
        if decision.id not in matched:
            message = Message("the decision {id} fits no question: remove it or correct it", id=decision.id)
            yield Notice(code="decision.unmatched", message=message, subject=decision.id)


def _applies(decision: Decision, tenant: str) -> bool:
    scope = decision.scope
    return scope is None or scope.tenants is None or tenant in scope.tenants


def _matching(decision: Decision, questions: Sequence[Question], product_options: ProductOptions) -> list[Question]:
    """Return the questions that a decision is about."""
    scope = decision.scope
    if scope is None:
        return [question for question in questions if question.id == decision.question]
    found = [
        question
        for question in questions
        if scope.policy in {None, *question.policies}
        and scope.check in {None, *question.checks}
        and (decision.kind in {AnswerKind.SKIP, question.kind})
    ]
    if scope.products is not None:
        named = {sku.casefold() for sku in product_options.names_in(scope.products)}
        found = [question for question in found if named & {name.casefold() for name in question.products}]
    if scope.users is not None and found:
        people = _people(scope.users, {question.subject for question in found}, product_options.plan)
        found = [question for question in found if question.subject in people]
    return found


def _people(selector: Selector, ids: Iterable[str], plan: BoundPolicies) -> set[str]:
    """Return who of some people belongs to a selector; who may or may not does not."""
    wanted = set(ids)
    found: set[str] = set()
    for users in plan.facts.snapshot.batches():
        rows = np.flatnonzero(Batch(plan, users).selecting.of(selector).true)
        found |= {user for user in users.users.column("id").take(rows).to_pylist() if user in wanted}
    return found


def _is_possible(decision: Decision, question: Question) -> bool:
    """Return whether an answer is one of those to a question; values of attributes and numbers are free."""
    if decision.kind is AnswerKind.SKIP:
        return True
    if decision.kind is not question.kind:
        return False
    names = {name.casefold() for name in question.products}
    match decision.kind:
        case AnswerKind.KEEP:
            return {name.casefold() for name in kept(decision.value)} <= names
        case AnswerKind.GIVE:
            return str(decision.value).casefold() in names
        case AnswerKind.SET:
            return {name.casefold() for name in decision.value} == names
        case AnswerKind.GROUP:
            return {"group": decision.value} in [dict(answer) for answer in question.answers]
        case _:
            return True
