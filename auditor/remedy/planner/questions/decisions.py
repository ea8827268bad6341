"""Matches decisions to the questions of a tenant, and reports answers that do not fit."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from auditor.domain.message import Message
from auditor.domain.policy.decision import (
    Answer,
    AnswerKind,
    Decision,
    Question,
    SavedQuestion,
    is_downgrade,
    products_to_keep,
)
from auditor.domain.policy.selector import Selector
from auditor.domain.result.model import Notice
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.scope import Batch
from auditor.remedy.planner.proposals.product_options import ProductOptions
from auditor.remedy.planner.simulation.seat_answers import ABOUT_SEATS


class Answered(Struct, frozen=True, kw_only=True):
    """The questions of a tenant and their answers by decisions."""

    questions: tuple[Question, ...] = ()
    """Each with the decision that answers it."""
    answers: Mapping[str, tuple[Answer, ...]] = field(default_factory=dict)
    """Fingerprint → the answers about the finding, for example which product, and which group gives it."""
    seats: tuple[Answer, ...] = ()
    """The answers about the number of seats of products."""
    notices: tuple[Notice, ...] = ()
    matched: frozenset[str] = frozenset()
    """Ids of the decisions that match a question, whatever they answer."""

    @property
    def all_answers(self) -> tuple[Answer, ...]:
        """All answers; one about several findings is repeated."""
        return (*chain.from_iterable(self.answers.values()), *self.seats)


def apply_answers(
    questions: Sequence[Question],
    decisions: Iterable[Decision],
    product_options: ProductOptions,
    personal: AbstractSet[str],
) -> Answered:
    """Match decisions to the questions of a tenant; `personal` are the fingerprints of findings about people.

    A decision that has expired, has another kind of answer or an impossible value, or contradicts another decision, is
    not applied, and there is a notice about it. `unmatched` reports decisions that match no question of any tenant.
    """
    facts = product_options.bound.facts
    today = facts.as_of.date()
    notices: list[Notice] = []
    decisions_by_question: dict[str, list[Decision]] = {}
    matched_ids: set[str] = set()
    for decision in decisions:
        tenants = None if decision.scope is None else decision.scope.tenants
        applies = tenants is None or facts.manifest.tenant in tenants
        matched = _matching(decision, questions, product_options) if applies else []
        possible = [question for question in matched if is_possible(decision, question)]
        matched_ids |= {decision.id} if possible or (matched and decision.question is not None) else set()
        if possible and decision.has_expired(today):
            notices.append(_notice("expired", decision.expired_message, decision))
            continue
        if matched and not possible and decision.question is not None:
            values = {"id": decision.id, "question": decision.question}
            text = Message("the answer of the decision {id} is not an answer to the question {question}", **values)
            notices.append(_notice("unfit", text, decision))
        for question in possible:
            decisions_by_question.setdefault(question.id, []).append(decision)
    answers: list[Answer] = []
    for question in questions:
        matches = decisions_by_question.get(question.id, [])
        if any((match.kind, match.value) != (matches[0].kind, matches[0].value) for match in matches):
            ids = ", ".join(sorted({match.id for match in matches}))
            text = Message("the decisions {ids} contradict one another: none is applied", ids=ids)
            notices.append(_notice("contradicting", text, matches[0]))
        elif matches:
            answers.append(Answer(question=question, decision=matches[0]))
    chosen = {answer.question.id: answer.decision.id for answer in answers}
    return Answered(
        questions=tuple(replace(question, decision=chosen.get(question.id)) for question in questions),
        answers=_by_finding(answers, personal),
        seats=tuple(answer for answer in answers if answer.kind in ABOUT_SEATS),
        notices=tuple(dict.fromkeys(notices)),
        matched=frozenset(matched_ids),
    )


def _by_finding(answers: Sequence[Answer], personal: AbstractSet[str]) -> dict[str, tuple[Answer, ...]]:
    """Return the answers by the fingerprints of the findings that they decide."""
    by_finding: dict[str, tuple[Answer, ...]] = {}
    for answer in answers:
        for fingerprint in answer.question.findings:
            # A decision about a number of seats does not decide which people give up theirs.
            if answer.kind not in ABOUT_SEATS or fingerprint not in personal:
                by_finding[fingerprint] = (*by_finding.get(fingerprint, ()), answer)
    return by_finding


def _notice(code: str, message: Message, decision: Decision) -> Notice:
    return Notice(code=f"decision.{code}", message=message, subject=decision.id)


def unmatched(decisions: Iterable[Decision], tenants: Iterable[Answered]) -> Iterator[Notice]:
    """Yield a notice for each decision that matches no question of the tenants."""
    matched = frozenset[str]().union(*(tenant.matched for tenant in tenants))
    for decision in decisions:
        if decision.id not in matched:
            message = Message("the decision {id} matches no question: remove it or correct it", id=decision.id)
            yield _notice("unmatched", message, decision)


def _matching(decision: Decision, questions: Sequence[Question], product_options: ProductOptions) -> list[Question]:
    """Return the questions that a decision is about."""
    scope = decision.scope
    if scope is None:
        return [question for question in questions if question.id == decision.question]
    matches = [
        question
        for question in questions
        if scope.policy in {None, *question.policies}
        and scope.check in {None, *question.checks}
        and decision.kind in {AnswerKind.SKIP, *_kinds(question)}
    ]
    if scope.products is not None:
        part_numbers = {sku.casefold() for sku in product_options.names_in(scope.products)}
        matches = [question for question in matches if part_numbers & {name.casefold() for name in question.products}]
    if scope.users is not None and matches:
        people = _people(scope.users, {question.subject for question in matches}, product_options.bound)
        matches = [question for question in matches if question.subject in people]
    return matches


def _people(selector: Selector, ids: Iterable[str], bound: BoundPolicies) -> set[str]:
    """Return those of some people who certainly match a selector."""
    candidates = set(ids)
    user_ids: set[str] = set()
    for users in bound.facts.snapshot.batches():
        rows = np.flatnonzero(Batch(bound, users).selectors.of(selector).true)
        user_ids |= {user for user in users.users.column("id").take(rows).to_pylist() if user in candidates}
    return user_ids


def _kinds(question: Question | SavedQuestion) -> frozenset[AnswerKind]:
    """Return the kinds of possible answers: a question about a smaller product also allows keeping the larger one."""
    return frozenset({question.kind, *(AnswerKind(kind) for answer in question.answers for kind in answer)})


def is_possible(decision: Decision, question: Question | SavedQuestion) -> bool:
    """Return whether a decision is a possible answer to a question; attribute values and numbers are not restricted."""
    if decision.kind is AnswerKind.SKIP:
        return True
    if decision.kind not in _kinds(question):
        return False
    names = {name.casefold() for name in question.products}
    match decision.kind:
        case AnswerKind.KEEP | AnswerKind.GIVE if is_downgrade(question):
            answer = {decision.kind.value: str(decision.value).casefold()}
            return answer in [
                {kind: str(name).casefold() for kind, name in possible.items()} for possible in question.answers
            ]
        case AnswerKind.KEEP:
            return {name.casefold() for name in products_to_keep(decision.value)} <= names
        case AnswerKind.GIVE:
            return str(decision.value).casefold() in names
        case AnswerKind.SET:
            ((name, value),) = decision.value.items()
            return {name.casefold()} == names and isinstance(value, bool) is (name == "accountEnabled")
        case AnswerKind.RELEASE if question.kind is AnswerKind.SET:
            return decision.value is False
        case AnswerKind.GROUP:
            return {"group": decision.value} in [dict(answer) for answer in question.answers]
        case _:
            return True
