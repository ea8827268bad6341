"""Checks the answers of approvals and adds them as decisions to a file, without other changes to it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from auditor.app.decisions.approvals_file import ApprovalRow, approval_rows
from auditor.app.policy_files import exists, free_id, load_policies, policies_beside, read_yaml
from auditor.app.verification.plan_file import saved_plan
from auditor.domain.errors import Diagnostic, InputError, UsageError
from auditor.domain.message import Message
from auditor.domain.policy.decision import AnswerKind, Decision, SavedQuestion
from auditor.policy.yaml.reader import parse
from auditor.policy.yaml.writer import block, with_items
from auditor.remedy.planner.questions.decisions import is_possible
from auditor.render.plan.question_text import COMMENT, answer_text

_APPROVAL_WORDS: Final = frozenset({"yes", "no"})
_SEATS: Final = re.compile(r"\d{1,8}", re.ASCII)
AnswerItem = Mapping[str, Any]


class DecideRequest(Struct, frozen=True, kw_only=True):
    """The options of one call of `auditor decide`."""

    approvals: tuple[Path, ...]
    plan: Path
    file: Path
    policies: tuple[Path, ...] = ()
    """Files and folders; if empty, the folder of `file`, or else the starter library."""
    by: str
    as_of: datetime
    until: date | None = None
    reason: str = ""


class DecisionChange(Struct, frozen=True, kw_only=True):
    """A checked change of a decisions file."""

    text: str
    """The new decisions as YAML; empty if there are none."""
    content: bytes | None
    """The complete file with the new decisions; None if it does not change."""
    ids: tuple[str, ...]
    already: int
    """Number of answers that the file already contains."""
    open: int
    """Number of questions of the plan that still have no answer."""


def decide(request: DecideRequest) -> DecisionChange:
    """Return the new decisions from the approvals, and the content of the updated file, without writing it.

    Raises UsageError if `until` has passed, InputError with the errors of all rows, and SnapshotError if the plan
    cannot be read.
    """
    if request.until is not None and request.until < request.as_of.date():
        raise UsageError(
            "decision-past",
            Message("the last day {until} has passed", until=request.until.isoformat()),
            hint=Message("specify a later --until"),
        )
    plan = saved_plan(request.plan)
    questions = {question.id: question for tenant in plan.tenants for question in tenant.questions}
    name = request.file.as_posix()
    current = read_yaml(request.file, None) if exists(request.file) else None
    decisions = {decision.id: decision for decision in _decisions(request, current, name)}
    today = request.as_of.date()
    errors: list[Diagnostic] = []
    answers: dict[str, tuple[ApprovalRow, AnswerItem]] = {}
    for path in request.approvals:
        for row in approval_rows(path):
            try:
                _add_answer(row, questions, answers)
            except InputError as error:
                errors.extend(error.diagnostics)
    answered = [id_ for id_ in answers if _is_answered(answers[id_], questions[id_], decisions, request, errors)]
    if errors:
        raise InputError(errors)
    new = {id_: answer for id_, (_, answer) in answers.items() if id_ not in answered}
    items = _items(new, request, set(decisions))
    content = with_items(current, file=name, key="decisions", items=items) if items else None
    if content is not None:
        by_id = {decision.id: decision for decision in _decisions(request, content, name)}
        _check_possible([by_id[item["id"]] for item in items], questions, answers)
    decided = {*answers, *(decision.question for decision in decisions.values() if not decision.has_expired(today))}
    unanswered = sum(question.decision is None and question.id not in decided for question in questions.values())
    return DecisionChange(
        text=f"decisions:\n{block(items)}" if items else "",
        content=content,
        ids=tuple(item["id"] for item in items),
        already=len(answered),
        open=unanswered,
    )


def _decisions(request: DecideRequest, content: bytes | None, name: str) -> tuple[Decision, ...]:
    """Read a decisions file with the policies that it may refer to."""
    paths = policies_beside(request.file, request.policies)
    return load_policies(paths, decisions=() if content is None else [(name, content)]).decisions


def _add_answer(
    row: ApprovalRow, questions: Mapping[str, SavedQuestion], answers: dict[str, tuple[ApprovalRow, AnswerItem]]
) -> None:
    """Add the answer of a row to `answers`. Raises InputError if the row is invalid."""
    if not row.question:
        if row.approve.casefold() not in _APPROVAL_WORDS:
            raise _row_error("approval-word", row, Message("{text} is neither yes nor no", text=repr(row.approve)))
        return
    question = questions.get(row.question)
    if question is None:
        raise _row_error("question-unknown", row, Message("the plan has no question {id}", id=repr(row.question)))
    answer = _answer(row, question)
    existing = answers.setdefault(question.id, (row, answer))
    if existing[1] != answer:
        raise _row_error(
            "answer-contradicting",
            row,
            Message(
                "the question {id} already has another answer on line {line}",
                id=question.id,
                line=existing[0].span.line,
            ),
        )


def _answer(row: ApprovalRow, question: SavedQuestion) -> AnswerItem:
    """Return the answer in a row: one of the proposed answers, only its value, or an answer with another value."""
    text_of_row = row.approve.partition(COMMENT)[0].strip().casefold()
    for answer in question.answers:
        if "<" not in answer_text(answer) and text_of_row in {text.casefold() for text in _accepted_texts(answer)}:
            return answer
    if _SEATS.fullmatch(text_of_row) and question.kind is AnswerKind.PURCHASE:
        return {question.kind.value: {"seats": int(text_of_row)}}
    if _SEATS.fullmatch(text_of_row) and question.kind is AnswerKind.RENEWAL:
        return {question.kind.value: {"seats": int(text_of_row), "renew": int(text_of_row) > 0}}
    # `set` accepts any value only if the question has a placeholder; other kinds always do, such as a number of seats,
    # but for those that say yes or no.
    has_proposed_values = not any("<" in answer_text(answer) for answer in question.answers)
    fixed_kinds = {AnswerKind.RELEASE, AnswerKind.SKIP, *([AnswerKind.SET] if has_proposed_values else [])}
    kinds = {kind for answer in question.answers for kind in answer} - fixed_kinds
    parsed = _parsed(row.approve)
    if isinstance(parsed, dict) and len(parsed) == 1 and "<" not in row.approve and next(iter(parsed)) in kinds:
        return parsed
    if AnswerKind.SET in kinds and not {"<", ":"} & set(row.approve):
        return {AnswerKind.SET.value: {question.products[0]: row.approve}}
    raise _impossible_answer(row, question)


def _impossible_answer(row: ApprovalRow, question: SavedQuestion) -> InputError:
    message = Message("{text} is not an answer to the question {id}", text=repr(row.approve), id=question.id)
    hint = Message("write one of: {answers}", answers=" | ".join(map(answer_text, question.answers)))
    return _row_error("answer-impossible", row, message, hint)


def _accepted_texts(answer: AnswerItem) -> Iterator[str]:
    """Yield the texts that are accepted for an answer."""
    ((kind, value),) = answer.items()
    yield answer_text(answer)
    if isinstance(value, str):
        yield value
    elif kind == AnswerKind.RELEASE:
        yield "yes" if value else "no"
    elif kind == AnswerKind.RENEWAL and not value["renew"]:
        yield "no"
    elif kind == AnswerKind.SKIP:
        yield "skip"
    elif kind in {AnswerKind.GROUP, AnswerKind.SET}:
        yield from map(str, value.values())


def _parsed(text: str) -> Any:
    try:
        return parse(f"{{{text}}}".encode(), file="approvals").value
    except InputError:
        return None


def _row_error(slug: str, row: ApprovalRow, message: Message, hint: Message | None = None) -> InputError:
    return InputError([Diagnostic(slug=slug, message=message, span=row.span, hint=hint)])


def _is_answered(
    answer_row: tuple[ApprovalRow, AnswerItem],
    question: SavedQuestion,
    decisions: Mapping[str, Decision],
    request: DecideRequest,
    errors: list[Diagnostic],
) -> bool:
    """Return whether the file already answers a question; expired decisions are ignored.

    A decision that contradicts the answer is added to `errors`.
    """
    row, answer = answer_row
    matching = [d for d in decisions.values() if question.id == d.question or d.id == question.decision]
    valid_decisions = [decision for decision in matching if not decision.has_expired(request.as_of.date())]
    for decision in valid_decisions:
        if {decision.kind.value: decision.value} != dict(answer):
            message = Message(
                "the decision {id} answers the question {question} differently", id=decision.id, question=question.id
            )
            hint = Message("change or remove that decision, or leave the answer out")
            errors.append(Diagnostic(slug="answer-contradicting", message=message, span=row.span, hint=hint))
    return bool(valid_decisions)


def _items(answers: Mapping[str, AnswerItem], request: DecideRequest, ids: set[str]) -> list[dict[str, Any]]:
    items = []
    for question, answer in answers.items():
        item: dict[str, Any] = {"id": free_id(f"D-{question}", ids), "question": question, "answer": dict(answer)}
        item |= {"by": request.by, "on": request.as_of.date().isoformat()}
        item |= {} if request.until is None else {"until": request.until.isoformat()}
        item |= {"reason": request.reason} if request.reason else {}
        items.append(item)
    return items


def _check_possible(
    decisions: Sequence[Decision],
    questions: Mapping[str, SavedQuestion],
    answers: Mapping[str, tuple[ApprovalRow, AnswerItem]],
) -> None:
    """Raise InputError if an answer is not possible for its question."""
    errors: list[Diagnostic] = []
    for decision in decisions:
        question = questions[decision.question or ""]
        if not is_possible(decision, question):
            row, _ = answers[question.id]
            errors += _impossible_answer(row, question).diagnostics
    if errors:
        raise InputError(errors)
