"""Suggests what the actions of a plan say about seats as answers to the questions about them."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, Final

from msgspec.structs import replace

from auditor.domain.actions.action import Action
from auditor.domain.actions.kind import NUMBERED, ActionKind
from auditor.domain.policy.decision import AnswerKind, Question
from auditor.engine.tenant_facts import SkuFact, TenantFacts
from auditor.remedy.planner.questions.seat_needs import renewal_answer, renewed_seats

_NUMBERED: Final = NUMBERED | {ActionKind.SETTLED}
_Key = tuple[AnswerKind, str]
"""The kind of a question, and its subject."""


def with_planned_seats(
    questions: Iterable[Question], actions: Collection[Action], facts: TenantFacts
) -> Iterator[Question]:
    """Yield the questions; the first answer to an open one about seats is what the action about these seats says.

    The action counts all actions of the plan, also manual ones, while a question counts only changes by requests. The
    first answer about a subscription that nobody needs is not to renew it.
    """
    planned, unneeded = dict(_planned(actions, facts)), frozenset(_about_unneeded_subscriptions(actions))
    for question in questions:
        key = question.kind, question.subject
        if question.decision is not None:
            yield question
        elif key in planned:
            yield _with_first(question, planned[key])
        elif question.kind is AnswerKind.RENEWAL and unneeded.issuperset(question.findings):
            yield replace(question, answers=tuple(sorted(question.answers, key=_renews)))
        else:
            yield question


def _about_unneeded_subscriptions(actions: Iterable[Action]) -> Iterator[str]:
    """Yield the fingerprints of findings about subscriptions that can end, because none of their seats is needed."""
    for action in actions:
        if action.title_arguments is not None and action.title_arguments.unneeded:
            yield from action.findings


def _renews(answer: Mapping[str, Any]) -> bool:
    """Return False for the answer not to renew, True for all others: a sort key."""
    return bool(answer.get("renewal", {}).get("renew", True))


def _planned(actions: Iterable[Action], facts: TenantFacts) -> Iterator[tuple[_Key, Mapping[str, Any]]]:
    """Yield the kind and subject of the question about each action with a number of seats, and the planned answer."""
    for action in actions:
        moved = action.seats
        if action.kind not in _NUMBERED or moved is None or moved.sku_id is None:
            continue
        if moved.added > 0:
            yield (AnswerKind.PURCHASE, moved.sku_id), {"purchase": {"seats": moved.added}}
        else:
            yield from _renewals(facts, facts.skus[facts.index[moved.sku_id]], -moved.added)


def _renewals(facts: TenantFacts, sku: SkuFact, removed: int) -> Iterator[tuple[_Key, Mapping[str, Any]]]:
    # The seats of a product include those of its trials, those of a subscription do not.
    for identifier, seats in dict(((sku.sku_id, sku.enabled or 0), renewed_seats(facts, sku))).items():
        if seats:
            yield (AnswerKind.RENEWAL, identifier), renewal_answer(seats - removed, seats)


def _with_first(question: Question, planned: Mapping[str, Any]) -> Question:
    """Return a question with the planned answer first, in place of one that counts fewer changes than the plan."""
    others = question.answers
    if question.assumes_answers and not _is_other(question, planned):
        others = others[1:]
    answers = (planned, *(answer for answer in others if answer != planned))
    return replace(question, answers=answers, assumes_answers=True)


def _is_other(question: Question, planned: Mapping[str, Any]) -> bool:
    """Return whether the first answer differs from the plan's for a policy, for waiting changes, or to let it end."""
    ((kind, value),) = question.answers[0].items()
    if not value.get("renew", True) or value["seats"] in question.required_by:
        return True
    buys = kind == AnswerKind.PURCHASE
    return value["seats"] == question.waiting_seats and (value["seats"] > _seats(planned)) is buys


def _seats(answer: Mapping[str, Any]) -> int:
    """Return the number of seats that an answer buys or leaves."""
    ((_, value),) = answer.items()
    return int(value["seats"]) if value.get("renew", True) else 0
