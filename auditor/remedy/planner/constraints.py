"""Derives constraints for the next draft of a plan from the audit of the previous draft."""

from collections.abc import Iterable, Sequence

from auditor.checks.check import SeatBalance
from auditor.checks.registry import check_of
from auditor.domain.enums import Outcome, SubjectType
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import PolicyOutcome, TenantResult
from auditor.findings.open_findings import newly_open, open_findings
from auditor.remedy.planner.draft import Draft, PlanConstraints
from auditor.remedy.planner.optimization.options import Limit
from auditor.remedy.planner.remaining import remaining_reason


def add_constraints(before: TenantResult, after: TenantResult, constraints: PlanConstraints, draft: Draft) -> bool:
    """Add the constraints that follow from the audit of a draft; return whether there are new ones.

    `before` and `after` are the results of the tenant without and with the draft.
    """
    options, l10n, changed = draft.options, draft.options.l10n, False
    for user, refusal in draft.refused.items():
        changed = _exclude_user(constraints, user, remaining_reason(l10n, "refused", detail=refusal)) or changed
    for finding in newly_open(after.findings, options.opened):
        changed = avoid(constraints, finding, draft) or changed
    for finding in open_findings(after.findings, draft.claimed):
        owner = options.owner(finding.subject.id)
        changed = _exclude_user(constraints, owner, remaining_reason(l10n, "person")) or changed
    undecided = undecided_policies(before.policies, after.policies, options.context.findings)
    if undecided and draft.seats:
        sku_id = max(draft.seats, key=lambda key: (abs(draft.seats[key].change), key))
        constraints.unfollowed[sku_id] = remaining_reason(l10n, "undecided", detail=", ".join(undecided))
        return True
    if undecided:
        # Unknown data of new holders, such as their usage, is the most likely reason why a policy cannot be evaluated.
        new_holders = [
            user for user, evaluated in draft.proposals.items() if max(evaluated.option.seats.values(), default=0) > 0
        ]
        for user in new_holders or draft.proposals:
            changed = _exclude_user(constraints, user, remaining_reason(l10n, "limit", detail="-")) or changed
    return changed


def _exclude_user(constraints: PlanConstraints, user: str, reason: str) -> bool:
    if user in constraints.barred:
        return False
    constraints.barred[user] = reason
    return True


def avoid(constraints: PlanConstraints, finding: Finding, draft: Draft) -> bool:
    """Exclude the users or seats that caused a new finding; return whether there are new constraints."""
    detail = f"{finding.policy}: {finding.check}, {finding.subject.name}"
    reason = remaining_reason(draft.options.l10n, "limit", detail)
    owner = draft.options.owner(finding.subject.id)
    if finding.subject.type is SubjectType.USER and owner in draft.proposals:
        return _exclude_user(constraints, owner, reason)
    sku_id = finding.product.sku_id if finding.product is not None else None
    decided_skus = draft.seats.keys() if sku_id is None else draft.seats.keys() & {sku_id}
    if decided_skus:
        constraints.unfollowed.update(dict.fromkeys(decided_skus, reason))
        return True
    balance = check_of(finding.check).seat_balance
    if sku_id is not None and sku_id not in constraints.limits and balance is not None:
        constraints.limits[sku_id] = Limit(maximum=0) if balance is SeatBalance.TOO_FEW_SPARE else Limit(minimum=0)
        constraints.reasons[sku_id] = reason
        return True
    affected_users = [
        user for user in draft.proposals if sku_id is None or sku_id in draft.proposals[user].option.seats
    ]
    changed = [_exclude_user(constraints, user, reason) for user in affected_users or draft.proposals]
    return any(changed)


def undecided_policies(
    before: Sequence[PolicyOutcome], after: Sequence[PolicyOutcome], findings: Iterable[Finding] = ()
) -> tuple[str, ...]:
    """Return the policies that could be evaluated before the plan and cannot be evaluated after it.

    `findings` are those that were open before. Policies with a finding whose number is a lower bound are not returned:
    they could be evaluated only because the known part alone exceeded the limit.
    """
    undecided = {outcome.id for outcome in before if outcome.status is Outcome.NOT_EVALUATED}
    undecided |= {finding.policy for finding in findings if finding.evidence.get("lowerBound") is True}
    return tuple(
        outcome.id for outcome in after if outcome.status is Outcome.NOT_EVALUATED and outcome.id not in undecided
    )
