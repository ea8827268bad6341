"""Determines why a finding remains after a plan."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from auditor.domain.actions.kind import ActionKind
from auditor.domain.policy.decision import Answer, AnswerKind, is_left
from auditor.domain.result.finding import Finding
from auditor.domain.translation import Localizer
from auditor.policy.yaml.writer import flow
from auditor.remedy.actions.remedies.proposals import downgrade_of
from auditor.remedy.actions.remedies.targets import groups_of
from auditor.remedy.kinds import REMAINS
from auditor.remedy.planner.draft import PlanConstraints
from auditor.remedy.planner.evaluated_options import Options
from auditor.remedy.planner.model import Remaining
from auditor.remedy.planner.optimization.options import Option
from auditor.remedy.planner.questions.seat_needs import renewed_seats
from auditor.remedy.planner.reach import FixLocation, fix_location_of
from auditor.remedy.planner.remaining_reasons import remaining_reason
from auditor.remedy.planner.simulation.membership_reasons import group_reasons


def remaining_of(
    finding: Finding,
    kinds: Mapping[str, str],
    options: Options,
    constraints: PlanConstraints,
    l10n: Localizer,
    unknown: AbstractSet[str],
) -> Remaining:
    """Return the reason why a finding remains: its change was dropped, or it needs another kind of action.

    Policies in `unknown` cannot be evaluated after the plan.
    """
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
        kept = () if smaller is None else kept_by_groups(finding, (smaller.old,), options, l10n)
        reasons = (_decision_text(answers[0], l10n), *kept)
        code = "decided"
    return Remaining(fingerprint=fingerprint, code=code, why=" ".join(reasons) or remaining_reason(l10n, code))


_MANUAL_ANSWERS = frozenset({AnswerKind.RENEWAL, AnswerKind.PURCHASE, AnswerKind.SET})
"""Kinds of answers that a person has to carry out, because there is no request for them."""


def _frees_renewed_seats(option: Option, options: Options) -> bool:
    """Return whether an option frees seats whose number a renewal can change; that of seats in grace it cannot."""
    facts = options.bound.facts
    freed = (facts.skus[facts.index[sku_id]] for sku_id, change in option.seats.items() if change < 0)
    return any(renewed_seats(facts, sku)[1] for sku in freed)


def kept_by_groups(finding: Finding, sku_ids: Iterable[str], options: Options, l10n: Localizer) -> tuple[str, ...]:
    """Return for each group that assigns products to the user of a finding why no request can change its members."""
    account = options.state.accounts.get(finding.subject.id)
    groups = () if account is None else [group for sku_id in sku_ids for group in account.groups_giving(sku_id)]
    return group_reasons(groups, options.state.memberships, l10n)


def _decision_text(answer: Answer, l10n: Localizer) -> str:
    decision, said = answer.decision, flow({answer.kind.value: answer.value})
    if is_left(answer):
        return l10n.gettext("Not carried out because of decision {id} by {by}: {reason}").format(
            id=decision.id, by=decision.by, reason=decision.reason or said
        )
    return l10n.gettext("Decided by {by} ({id}): {answer}. This step is manual.").format(
        id=decision.id, by=decision.by, answer=said
    )
