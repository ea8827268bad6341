"""Implements `auditor decide`: answers of people, each checked, become decisions in a file that stays as it is."""

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
from auditor.remedy.planner.text.question_text import COMMENT, answer_text

_YES: Final = frozenset({"yes", "no"})
Answer = Mapping[str, Any]


class DecideRequest(Struct, frozen=True, kw_only=True):
    """What one call of `auditor decide` asks for."""

    approvals: tuple[Path, ...]
    plan: Path
    file: Path
    policies: tuple[Path, ...] = ()
    """Files and folders; none means the folder of `file`, else the starter library."""
    by: str
    as_of: datetime
    until: date | None = None
    reason: str = ""


class Decided(Struct, frozen=True, kw_only=True):
    """A checked change of a file of decisions."""

    text: str
    """The new decisions; empty where there is none."""
    content: bytes | None
    """The whole file with them; None where nothing changes."""
    ids: tuple[str, ...]
    already: int
    """Answers that the file has."""
    open: int
    """Questions of the plan that still have no answer."""


def decide(request: DecideRequest) -> Decided:
    """Return the decisions of approvals and the file that holds them; nothing is written.

    Raises InputError with every mistake of every row, and SnapshotError for a plan that is none.
    """
    if request.until is not None and request.until < request.as_of.date():
        raise UsageError(
            "decision-past",
            Message("the last day {until} has passed", until=request.until.isoformat()),
            hint=Message("give a later --until"),
        )
    plan = saved_plan(request.plan)
    questions = {question.id: question for tenant in plan.tenants for question in tenant.questions}
    name = request.file.as_posix()
    current = read_yaml(request.file, None) if exists(request.file) else None
    before = {each.id: each for each in _decisions(request, current, name)}
    errors: list[Diagnostic] = []
    answers: dict[str, tuple[ApprovalRow, Answer]] = {}
    for path in request.approvals:
        for row in approval_rows(path):
            try:
                _take(row, questions, answers)
            except InputError as error:
                errors.extend(error.diagnostics)
    answered = [id_ for id_ in answers if _is_answered(answers[id_], questions[id_], before, request, errors)]
    if errors:
        raise InputError(errors)
    new = {id_: answer for id_, (_, answer) in answers.items() if id_ not in answered}
    items = _items(new, request, set(before))
    content = with_items(current, file=name, key="decisions", items=items) if items else None
    if content is not None:
        by_id = {decision.id: decision for decision in _decisions(request, content, name)}
        _check_possible([by_id[item["id"]] for item in items], questions, answers)
    unanswered = sum(q.decision is None and q.id not in answers for q in questions.values())
    return Decided(
        text=f"decisions:\n{block(items)}" if items else "",
        content=content,
        ids=tuple(item["id"] for item in items),
        already=len(answered),
        open=unanswered,
    )


def _decisions(request: DecideRequest, content: bytes | None, name: str) -> tuple[Decision, ...]:
    """Read a file of decisions with the policies that it may name."""
    places = policies_beside(request.file, request.policies)
    return load_policies(places, decisions=() if content is None else [(name, content)]).decisions


def _take(
    row: ApprovalRow, questions: Mapping[str, SavedQuestion], answers: dict[str, tuple[ApprovalRow, Answer]]
) -> None:
    """Add the answer of a row. Raises InputError."""
    if not row.question:
        if row.approve.casefold() not in _YES:
            raise _refused("approval-word", row, Message("{text} is neither yes nor no", text=repr(row.approve)))
        return
    question = questions.get(row.question)
    if question is None:
        raise _refused("question-unknown", row, Message("the plan has no question {id}", id=repr(row.question)))
    answer = _answer(row, question)
    other = answers.setdefault(question.id, (row, answer))
    if other[1] != answer:
        raise _refused(
            "answer-contradicting",
            row,
            Message("the question {id} has another answer in line {line}", id=question.id, line=other[0].span.line),
        )


def _answer(row: ApprovalRow, question: SavedQuestion) -> Answer:
    """Return which answer somebody wrote: a possible one, its value alone, or one with a value of their own."""
    wished = row.approve.partition(COMMENT)[0].strip().casefold()
    for answer in question.answers:
        if "<" not in answer_text(answer) and wished in {text.casefold() for text in _texts(answer)}:
            return answer
    # Any value will do where none is proposed; a number of seats is anybody's own.
    proposed = not any("<" in answer_text(answer) for answer in question.answers)
    kinds = {kind for answer in question.answers for kind in answer if kind != AnswerKind.SET or not proposed}
    written = _parsed(row.approve)
    if isinstance(written, dict) and len(written) == 1 and "<" not in row.approve and next(iter(written)) in kinds:
        return written
    if AnswerKind.SET in kinds and not {"<", ":"} & set(row.approve):
        return {AnswerKind.SET.value: {question.products[0]: row.approve}}
    raise _impossible(row, question)


def _impossible(row: ApprovalRow, question: SavedQuestion) -> InputError:
    message = Message("{text} is not an answer to the question {id}", text=repr(row.approve), id=question.id)
    hint = Message("write one of: {answers}", answers=" | ".join(map(answer_text, question.answers)))
    return _refused("answer-impossible", row, message, hint)


def _texts(answer: Answer) -> Iterator[str]:
    """Yield how an answer may be written."""
    ((kind, value),) = answer.items()
    yield answer_text(answer)
    if isinstance(value, str):
        yield value
    elif kind == AnswerKind.RELEASE:
        yield "yes" if value else "no"
    elif kind == AnswerKind.SKIP:
        yield "skip"
    elif kind in {AnswerKind.GROUP, AnswerKind.SET}:
        yield from map(str, value.values())


def _parsed(text: str) -> Any:
    try:
        return parse(f"{{{text}}}".encode(), file="approvals").value
    except InputError:
        return None


def _refused(slug: str, row: ApprovalRow, message: Message, hint: Message | None = None) -> InputError:
    return InputError([Diagnostic(slug=slug, message=message, span=row.span, hint=hint)])


def _is_answered(
    answer_row: tuple[ApprovalRow, Answer],
    question: SavedQuestion,
    decisions: Mapping[str, Decision],
    request: DecideRequest,
    errors: list[Diagnostic],
) -> bool:
    """Whether the file has the answer; one that contradicts it is a mistake, one that has lapsed counts no more."""
    row, answer = answer_row
    today = request.as_of.date()
    same = [d for d in decisions.values() if question.id == d.question or d.id == question.decision]
    holding = [decision for decision in same if decision.until is None or decision.until >= today]
    for decision in holding:
        if {decision.kind.value: decision.value} != dict(answer):
            message = Message(
                "the decision {id} answers the question {question} differently", id=decision.id, question=question.id
            )
            hint = Message("change or remove that decision, or leave the answer out")
            errors.append(Diagnostic(slug="answer-contradicting", message=message, span=row.span, hint=hint))
    return bool(holding)


def _items(answers: Mapping[str, Answer], request: DecideRequest, ids: set[str]) -> list[dict[str, Any]]:
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
    answers: Mapping[str, tuple[ApprovalRow, Answer]],
) -> None:
    """Raise InputError for answers that their questions do not have."""
    errors: list[Diagnostic] = []
    for decision in decisions:
        question = questions[decision.question or ""]
        if not is_possible(decision, question):
            row, _ = answers[question.id]
            errors += _impossible(row, question).diagnostics
    if errors:
        raise InputError(errors)
