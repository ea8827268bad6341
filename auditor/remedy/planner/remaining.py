"""Determines why a finding remains after a plan, and what blocks changes that somebody decided."""

from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Final

from msgspec.structs import replace

from auditor.domain.actions.kind import ActionKind
from auditor.domain.actions.title import Blocked
from auditor.domain.policy.decision import Answer, AnswerKind, is_downgrade, is_left, products_to_keep
from auditor.domain.result.finding import Finding
from auditor.domain.translation import N_, Localizer
from auditor.policy.yaml.writer import flow
from auditor.remedy.actions.remedies.model import PlannedChange
from auditor.remedy.actions.remedies.proposals import downgrade_of
from auditor.remedy.actions.remedies.targets import groups_of
from auditor.remedy.kinds import REMAINS
from auditor.remedy.planner.draft import PlanConstraints
from auditor.remedy.planner.evaluated_options import Options
from auditor.remedy.planner.model import Remaining
from auditor.remedy.planner.optimization.options import Option
from auditor.remedy.planner.questions.seat_needs import renewed_seats
from auditor.remedy.planner.reach import FixLocation, fix_location_of
from auditor.remedy.planner.simulation.membership_reasons import group_reasons

_SENTENCES: Final = {
    "group": N_(
        "The licence comes from a group, or should come from one: an administrator has to change the membership in "
        "the system that manages it."
    ),
    "renewal": N_("Under the agreement, seats can be removed only at the renewal, and only manually."),
    "billing": N_(
        "Buying, renewing, removing and cancelling are manual steps; Microsoft Graph has no request for them."
    ),
    "seats": N_(
        "No spare seat can be assigned without violating another policy, or the person has no usage location; "
        "make a new plan once this has changed."
    ),
    "idle": N_(
        "There would be more spare seats than a policy allows: decide how many seats to renew, "
        "and the plan will unassign the licence."
    ),
    "grace": N_(
        "There would be more spare seats than a policy allows, and their number cannot be changed in the grace period: "
        "reactivate the subscription or let it end, then make a new plan."
    ),
    "cause": N_("Find and fix the cause of the error first."),
    "services": N_("The service is set by a group, or no product that is assigned directly to the person contains it."),
    "limit": N_("Left out, because it would cause a new finding: {detail}."),
    "refused": N_("Left out, because Graph would reject the request: {detail}"),
    "undecided": N_("Left out, because it could not be evaluated afterwards: {detail}."),
    "premises": N_("The account or the group is synchronised from on premises: change it there."),
    "unknown": N_(
        "Whether the plan resolves it cannot be evaluated: the known number would be within "
        "the limit, but some data is not known."
    ),
    "paths": N_("The assignment paths of the person's licences are not known."),
    "ends": N_("A request would remove services that no policy denies, or leave the person without a licence."),
    "fleet": N_(
        "Licences cannot be moved between tenants; each tenant buys and removes its own seats. "
        "There are two ways to move entire subscriptions: a tenant remap by volume licensing "
        "support, and an associated billing tenant under a Microsoft Customer Agreement."
    ),
    "person": N_("It requires a decision."),
}
_MANUAL_ANSWERS: Final = frozenset({AnswerKind.RENEWAL, AnswerKind.PURCHASE, AnswerKind.SET})
"""Kinds of answers that a person has to carry out, because there is no request for them."""
_BY_CODE: Final = {
    "seats": Blocked.SEATS,
    "idle": Blocked.SPARE,
    "grace": Blocked.SPARE,
    "limit": Blocked.LIMIT,
}
"""Reason code → why no request can carry out a decision."""


def remaining_reason(l10n: Localizer, code: str, detail: str = "") -> str:
    """Return a sentence for the reason why a plan does not fix a finding."""
    return l10n.gettext(_SENTENCES[code], detail=detail)


def remaining_of(
    finding: Finding,
    kinds: Mapping[str, str],
    options: Options,
    constraints: PlanConstraints,
    unknown: AbstractSet[str],
) -> Remaining:
    """Return the reason why a finding remains: its change was dropped, or it needs another kind of action.

    Policies in `unknown` cannot be evaluated after the plan.
    """
    l10n = options.l10n
    if finding.policy in unknown:
        return Remaining(fingerprint=finding.fingerprint, code="unknown", why=remaining_reason(l10n, "unknown"))
    fingerprint, user = finding.fingerprint, options.owner(finding.subject.id)
    for answer in options.answered.answers.get(fingerprint, ()):
        if answer.kind in _MANUAL_ANSWERS or is_left(answer):
            return Remaining(fingerprint=fingerprint, code="decided", why=_decision_text(answer, l10n))
    if user in constraints.barred:
        return Remaining(fingerprint=fingerprint, code="limit", why=constraints.barred[user])
    if user in options.pathless:
        return Remaining(fingerprint=fingerprint, code="paths", why=remaining_reason(l10n, "paths"))
    fixing = options.fixing(finding)
    for evaluated in fixing:
        for sku_id in evaluated.option.seats:
            if sku_id in constraints.reasons:
                return Remaining(fingerprint=fingerprint, code="limit", why=constraints.reasons[sku_id])
    if fixing:
        code = "seats" if all(max(evaluated.option.seats.values(), default=0) > 0 for evaluated in fixing) else "idle"
        renewable = code == "seats" or any(_frees_renewed_seats(evaluated.option, options) for evaluated in fixing)
        return Remaining(fingerprint=fingerprint, code=code, why=remaining_reason(l10n, code if renewable else "grace"))
    code = REMAINS[ActionKind(kinds[fingerprint])] if fingerprint in kinds else "person"
    if fingerprint in options.only_harmful and code != "group":
        code = "ends"
    reasons = group_reasons(groups_of(finding), options.state.memberships, l10n) if code == "group" else ()
    if fix_location_of(finding, options.state.memberships) is FixLocation.PREMISES:
        code = "premises"
    answers = options.answered.answers.get(fingerprint, ()) if code == "person" else ()
    if answers:
        smaller = downgrade_of(finding, options.context)
        kept = () if smaller is None else _kept_by_groups(finding, (smaller.old,), options)
        reasons = (_decision_text(answers[0], l10n), *kept)
        code = "decided"
    return Remaining(fingerprint=fingerprint, code=code, why=" ".join(reasons) or remaining_reason(l10n, code))


def _frees_renewed_seats(option: Option, options: Options) -> bool:
    """Return whether an option frees seats whose number a renewal can change; that of seats in grace it cannot."""
    facts = options.bound.facts
    freed = (facts.skus[facts.index[sku_id]] for sku_id, change in option.seats.items() if change < 0)
    return any(renewed_seats(facts, sku)[1] for sku in freed)


def _kept_by_groups(finding: Finding, sku_ids: Iterable[str], options: Options) -> tuple[str, ...]:
    """Return for each group that assigns products to the user of a finding why no request can change its members."""
    account = options.state.accounts.get(finding.subject.id)
    groups = () if account is None else [group for sku_id in sku_ids for group in account.groups_giving(sku_id)]
    return group_reasons(groups, options.state.memberships, options.l10n)


def _decision_text(answer: Answer, l10n: Localizer) -> str:
    decision, said = answer.decision, flow({answer.kind.value: answer.value})
    if is_left(answer):
        return l10n.gettext(
            "Not carried out because of decision {id} by {by}: {reason}",
            id=decision.id,
            by=decision.by,
            reason=decision.reason or said,
        )
    return l10n.gettext(
        "Decided by {by} ({id}): {answer}. This step is manual.", id=decision.id, by=decision.by, answer=said
    )


def blocked_decisions(
    remaining: Iterable[Finding],
    options: Options,
    constraints: PlanConstraints,
    unknown: AbstractSet[str],
) -> list[PlannedChange]:
    """Return the decided changes of products that a plan leaves out, each with what blocks it.

    `remaining` are the findings that the plan leaves; `unknown` is as for `remaining_of`.
    """
    blocked: list[PlannedChange] = []
    for finding in remaining:
        for change in _decided_changes(finding, options):
            obstacle = _BY_CODE.get(remaining_of(finding, {}, options, constraints, unknown).code)
            if obstacle is None:
                kept = _kept_by_groups(finding, change.old.split("+"), options)
                obstacle = Blocked.GROUP if kept else Blocked.MANUAL
            blocked.append(replace(change, blocked=obstacle))
    return blocked


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
