"""Learns from the audit of a draft which changes and seats the next draft has to leave out."""

from collections.abc import Iterable, Sequence

from auditor.checks.check import SeatBalance
from auditor.checks.registry import check_of
from auditor.domain.enums import Outcome, SubjectType
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import PolicyOutcome, TenantResult
from auditor.findings.open import newly_open, open_findings
from auditor.remedy.messages import Localizer
from auditor.remedy.planner.draft import Draft, PlanConstraints
from auditor.remedy.planner.optimization.options import Limit
from auditor.remedy.planner.remaining_reasons import why
from auditor.remedy.planner.weighed_options import Options


def learn(
    before: TenantResult,
    after: TenantResult,
    learned: PlanConstraints,
    draft: Draft,
    options: Options,
    l10n: Localizer,
) -> bool:
    """Add to a tenant's constraints what a draft of its plan led to; return whether the next draft has to differ."""
    changed = (
        sum(_bar(learned, user, why(l10n, "refused", detail=refusal)) for user, refusal in draft.refused.items()) > 0
    )
    for finding in newly_open(after.findings, options.opened):
        changed = avoid(learned, finding, draft, options, l10n) or changed
    claimed = {fingerprint for one in draft.decided for fingerprint in one.findings}
    for finding in open_findings(after.findings, claimed):
        changed = _bar(learned, options.owner(finding.subject.id), why(l10n, "person")) or changed
    undecided = undecided_policies(before.policies, after.policies, options.context.findings)
    if undecided and draft.seats:
        most = max(draft.seats, key=lambda sku_id: (abs(draft.seats[sku_id].change), sku_id))
        learned.unfollowed[most] = why(l10n, "undecided", detail=", ".join(undecided))
        return True
    if undecided:
        # What is not known of new holders, such as their use, is the first that can keep a policy from being evaluated.
        gaining = [user for user, each in draft.taken.items() if max(each.option.seats.values(), default=0) > 0]
        for user in gaining or draft.taken:
            changed = _bar(learned, user, why(l10n, "limit", detail="-")) or changed
    return changed


def _bar(learned: PlanConstraints, user: str, reason: str) -> bool:
    if user in learned.barred:
        return False
    learned.barred[user] = reason
    return True


def avoid(learned: PlanConstraints, finding: Finding, draft: Draft, options: Options, l10n: Localizer) -> bool:
    """Find the people or seats that caused a new finding, and exclude them."""
    reason = why(l10n, "limit", detail=f"{finding.policy}: {finding.check}, {finding.subject.name}")
    owner = options.owner(finding.subject.id)
    if finding.subject.type is SubjectType.USER and owner in draft.taken:
        return _bar(learned, owner, reason)
    sku_id = finding.product.sku_id if finding.product is not None else None
    decided = draft.seats.keys() if sku_id is None else draft.seats.keys() & {sku_id}
    if decided:
        learned.unfollowed.update(dict.fromkeys(decided, reason))
        return True
    balance = check_of(finding.check).seat_balance
    if sku_id is not None and sku_id not in learned.limits and balance is not None:
        learned.limits[sku_id] = Limit(most=0) if balance is SeatBalance.TOO_FEW_SPARE else Limit(least=0)
        learned.reasons[sku_id] = reason
        return True
    fewer = [user for user in draft.taken if sku_id is None or sku_id in draft.taken[user].option.seats]
    changed = [_bar(learned, user, reason) for user in fewer or draft.taken]
    return any(changed)


def undecided_policies(
    before: Sequence[PolicyOutcome], after: Sequence[PolicyOutcome], findings: Iterable[Finding] = ()
) -> tuple[str, ...]:
    """Return the policies that could be evaluated before and cannot be after.

    `findings` are the open ones before. What exceeded a limit although not everything was known does not count: it was
    certain only as long as the known part alone was too much.
    """
    undecided = {outcome.id for outcome in before if outcome.status is Outcome.NOT_EVALUATED}
    undecided |= {finding.policy for finding in findings if finding.evidence.get("lowerBound") is True}
    return tuple(
        outcome.id for outcome in after if outcome.status is Outcome.NOT_EVALUATED and outcome.id not in undecided
    )
