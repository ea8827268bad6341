"""Decisions that people write down, and the questions of a plan that they answer."""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from msgspec import Struct, field

from auditor.domain.errors import Span
from auditor.domain.message import Message
from auditor.domain.money import Money
from auditor.domain.policy.product_set import ProductSet
from auditor.domain.policy.selector import Selector
from auditor.domain.saved_field import Label, SavedField


class AnswerKind(StrEnum):
    """The kind of a question, and the keyword with which an answer begins."""

    KEEP = "keep"
    GIVE = "give"
    SET = "set"
    RELEASE = "release"
    RENEWAL = "renewal"
    PURCHASE = "purchase"
    GROUP = "group"
    SKIP = "skip"


class DecisionScope(Struct, frozen=True, kw_only=True):
    """The conditions for the questions that a decision answers: all must match; None matches every question."""

    policy: str | None = None
    check: str | None = None
    tenants: tuple[str, ...] | None = None
    products: ProductSet | None = None
    users: Selector | None = None


class Decision(Struct, frozen=True, kw_only=True):
    """A recorded decision of a person, and how long it is valid."""

    id: str
    question: str | None
    """The id of a question; None if `scope` selects the questions."""
    scope: DecisionScope | None
    kind: AnswerKind
    value: Any
    """The answer as written."""
    by: str
    on: date
    until: date | None
    """The last day, in UTC, on which it is valid; None for no end."""
    reason: str
    span: Span

    def has_expired(self, today: date) -> bool:
        """Return whether its last day is before a day."""
        return self.until is not None and self.until < today

    @property
    def expired_message(self) -> Message:
        """The message about it after its last day."""
        return Message("the decision {id} has expired: its last day was {until}", id=self.id, until=self.until)


class Question(Struct, frozen=True, kw_only=True, gc=False):
    """A question about findings of one subject that only a person can answer."""

    id: str
    """A hash of tenant, kind, subject and the products in question."""
    kind: AnswerKind
    subject: str
    """The id of the person, product or subscription."""
    name: Label
    address: str
    """The person's userPrincipalName; empty for other subjects."""
    products: tuple[str, ...]
    """Part numbers or names of properties, sorted."""
    answers: tuple[Mapping[str, Any], ...]
    """Possible answers; a text in angle brackets is to be replaced."""
    findings: tuple[str, ...]
    """Fingerprints."""
    policies: tuple[str, ...]
    money: Money | None
    """Monthly cost of the findings, if prices are known."""
    decision: str | None = None
    """The id of the decision that answers it; None while it is open."""
    assumes_answers: bool = False
    """Whether the first answer, a number of seats, is enough for all changes that the plan proposes today."""
    waiting_seats: Annotated[int | None, SavedField.UNSAVED] = None
    """The number of seats in the answer that also lets people change who wait for it; None if nobody does."""
    checks: Annotated[tuple[str, ...], SavedField.UNSAVED] = ()
    required_by: Annotated[Mapping[int, tuple[str, ...]], SavedField.UNSAVED] = field(default_factory=dict)
    """Number of seats in an answer → titles of the policies that require it today; the id of one without a title."""


class SavedQuestion(Struct, frozen=True, kw_only=True):
    """The fields of a question in a saved plan that answers are checked against."""

    id: str
    kind: AnswerKind
    products: tuple[str, ...]
    answers: tuple[Mapping[str, Any], ...]
    decision: str | None = None


class Answer(Struct, frozen=True, kw_only=True):
    """The answer that a decision gives to a question."""

    question: Question
    decision: Decision

    @property
    def kind(self) -> AnswerKind:
        """The kind of the decision's answer, which may differ from that of the question."""
        return self.decision.kind

    @property
    def value(self) -> Any:
        """The answer as written."""
        return self.decision.value


def products_to_keep(value: Any) -> tuple[str, ...]:
    """Return the products that an answer keeps."""
    return (value,) if isinstance(value, str) else tuple(value)


def is_downgrade(question: Question | SavedQuestion) -> bool:
    """Return whether a question asks if a smaller product is enough."""
    return question.kind is AnswerKind.GIVE and any("keep" in answer for answer in question.answers)


def is_left(answer: Answer) -> bool:
    """Return whether an answer leaves the findings as they are."""
    stays = answer.kind is AnswerKind.KEEP and is_downgrade(answer.question)
    return stays or answer.kind is AnswerKind.SKIP or (answer.kind is AnswerKind.RELEASE and not answer.value)
