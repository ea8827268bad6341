"""Describes changes that somebody decided, but that no request can carry out."""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from typing import Final

from msgspec.structs import replace

from auditor.domain.actions.kind import ActionKind
from auditor.domain.actions.title import Blocked
from auditor.domain.policy.decision import Answer, AnswerKind, is_downgrade, is_left, products_to_keep
from auditor.domain.result.finding import Finding
from auditor.domain.translation import Localizer
from auditor.remedy.actions.remedies.model import PlannedChange
from auditor.remedy.actions.remedies.proposals import downgrade_of
from auditor.remedy.planner.draft import PlanConstraints
from auditor.remedy.planner.evaluated_options import Options
from auditor.remedy.planner.remaining import kept_by_groups, remaining_of

_BY_CODE: Final = {
    "seats": Blocked.SEATS,
    "idle": Blocked.SPARE,
    "grace": Blocked.SPARE,
    "limit": Blocked.LIMIT,
}
"""Reason code, as in `remaining_reasons`, → why no request can carry out a decision."""


def blocked_decisions(
    remaining: Iterable[Finding],
    options: Options,
    constraints: PlanConstraints,
    l10n: Localizer,
    unknown: AbstractSet[str],
) -> list[PlannedChange]:
    """Return the decided changes of products that a plan leaves out, each with what blocks it.

    `remaining` are the findings that the plan leaves; `unknown` is as for `remaining_of`.
    """
    return [
        replace(change, blocked=_obstacle(change, finding, options, constraints, l10n, unknown))
        for finding in remaining
        for change in _decided_changes(finding, options)
    ]


def _decided_changes(finding: Finding, options: Options) -> Iterator[PlannedChange]:
    """Yield the change that the answer about a finding asks for, if it changes products of a person."""
    smaller = downgrade_of(finding, options.context)
    for answer in options.answered.answers.get(finding.fingerprint, ()):
        if is_left(answer):
            continue
        if smaller is not None and answer.kind is AnswerKind.GIVE and is_downgrade(answer.question):
            yield PlannedChange(
                kind=ActionKind.MOVE,
                findings=(finding.fingerprint,),
                old=smaller.old,
                new=smaller.new,
                lost=smaller.lost,
                answered=True,
            )
        elif smaller is None and answer.kind is AnswerKind.KEEP:
            old = "+".join(_removed(answer, options))
            yield PlannedChange(kind=ActionKind.UNASSIGN, findings=(finding.fingerprint,), old=old, answered=True)


def _removed(answer: Answer, options: Options) -> Iterator[str]:
    """Yield the skuIds of the products that an answer does not keep."""
    kept = {name.casefold() for name in products_to_keep(answer.value)}
    names = (name for name in answer.question.products if name.casefold() not in kept)
    return (options.context.skus.get(name.casefold(), name) for name in names)


def _obstacle(
    change: PlannedChange,
    finding: Finding,
    options: Options,
    constraints: PlanConstraints,
    l10n: Localizer,
    unknown: AbstractSet[str],
) -> Blocked:
    """Return what blocks a change of a person."""
    code = remaining_of(finding, {}, options, constraints, l10n, unknown).code
    if code in _BY_CODE:
        return _BY_CODE[code]
    return Blocked.GROUP if kept_by_groups(finding, change.old.split("+"), options, l10n) else Blocked.MANUAL
