"""Counts who still has to lose a product beyond a quota once the other actions are done."""

from collections.abc import Iterable

from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import Status
from auditor.domain.policy.model import Bound, Seats
from auditor.domain.policy.selector import EVERYBODY, Selector
from auditor.domain.result.finding import Finding
from auditor.engine.skus.seat_bounds import beyond_quota
from auditor.remedy.actions.action_groups import ActionGroup
from auditor.remedy.actions.seats.projection import GIVING, MOVING, TAKING, SeatProjection, resolving_group


def settle_quotas(remaining: dict[object, ActionGroup], projection: SeatProjection) -> None:
    """Leave people out of the number to choose whom other actions unassign; remove actions for which nobody is left.

    Only people who certainly belong to the population of the quota are left out: everybody does, or those with findings
    of policies with the same population. For the others, the action says how many there are. The quota of a pool counts
    people who can have several of its products, so nobody is left out.
    """
    unproven = [group for group in remaining.values() if not (group.first.proven and group.has_requests)]
    for key, group in list(remaining.items()):
        sku_id = group.first.old
        if group.first.kind is not ActionKind.QUOTA or sku_id not in projection.context.seats:
            continue
        left, doubtful = 0, 0
        for finding in _findings(group, projection):
            policy = projection.context.policies.get(finding.policy)
            if policy is None or not isinstance(policy.constraint, Seats):
                continue
            quota = policy.constraint.quota
            freed, given = _moved(remaining.values(), sku_id, EVERYBODY if quota is None else policy.users, projection)
            left = max(left, _over(finding, quota, given - freed, projection))
            doubtful = max(doubtful, projection.freed[sku_id] - freed)
        resolving = resolving_group(unproven, projection, (sku_id,), is_removal=False)
        if left:
            group.seats, group.doubtful = left, doubtful
        elif resolving is not None:
            resolving.take_findings(remaining.pop(key))


def _findings(group: ActionGroup, projection: SeatProjection) -> Iterable[Finding]:
    """Return the open findings of a group."""
    fingerprints = set(group.fingerprints)
    return [
        finding
        for finding in projection.context.findings
        if finding.status is Status.OPEN and finding.fingerprint in fingerprints
    ]


def _moved(groups: Iterable[ActionGroup], sku_id: str, users: Selector, projection: SeatProjection) -> tuple[int, int]:
    """Return how many people who certainly belong to a population lose a product by actions, and how many get it."""
    policies = projection.context.policies
    freed = given = 0
    for group in groups:
        selectors = [policy.users for name in group.policies if (policy := policies.get(name)) is not None]
        if users == EVERYBODY or all(selector == users for selector in selectors):
            freed += group.people_by_product.get(sku_id, 0) if group.first.kind in TAKING | MOVING else 0
            given += group.people if group.first.kind in MOVING | GIVING and sku_id in projection.products(group) else 0
    return freed, given


def _over(finding: Finding, quota: Bound | None, change: int, projection: SeatProjection) -> int:
    """Return how many people have to lose the product after a change of the number of people who have it."""
    moved, evidence = projection.movement((finding.subject.id,)), finding.evidence
    consumed = int(evidence.get("consumed") or 0) if moved is None else moved.assigned_after
    if quota is None:  # a minimum of 100 % of the seats: nobody may have it
        return consumed
    return beyond_quota(max(0, int(evidence.get("assigned") or 0) + change), consumed, quota)
