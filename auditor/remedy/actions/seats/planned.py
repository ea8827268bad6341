"""Adds what a plan changes about seats: decided purchases and renewals, and findings that its requests fix."""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from auditor.checks.seats.above_maximum import CHECK as ABOVE_MAXIMUM
from auditor.checks.seats.below_minimum import CHECK as BELOW_MINIMUM
from auditor.domain.actions.kind import NUMBERED, REMOVING, RENEWED, ActionKind, removal_kind
from auditor.guidance import Situation
from auditor.remedy.actions.action_groups import UNSORTED, ActionGroups
from auditor.remedy.actions.context import RemediationContext
from auditor.remedy.actions.remedies.model import Remedy
from auditor.remedy.actions.seats.projection import TAKING, SeatProjection, resolving_group
from auditor.remedy.actions.seats.settlement import products_of


def add_decided(action_groups: ActionGroups, context: RemediationContext, decided: Mapping[str, int]) -> None:
    """Add a group for each product of `decided`: skuId → seats to buy (+) or to give back (−).

    If no finding is about the seats, the group ranks as the worst policy that would report them otherwise, and belongs
    to the owners of all of these policies.
    """
    action_groups.add((UNSORTED, _remedy(context, sku_id, change)) for sku_id, change in sorted(decided.items()))
    for group in action_groups:
        if group.policies or group.first.old not in decided:
            continue
        buys = group.first.kind is ActionKind.BUY
        for bounds in context.seats[group.first.old].bounds:
            policy = context.policies.get(bounds.policy)
            if policy is not None and (bounds.minimum if buys else bounds.maximum) is not None:
                group.weigh(policy.id, (policy.severity.rank, ""))


def follow_renewals(action_groups: ActionGroups, renewals: Mapping[str, bool]) -> None:
    """Mark groups about subscriptions if the decision covers all findings; `renewals` is fingerprint → renew or not."""
    for group in action_groups:
        decided = {renewals.get(fingerprint) for fingerprint in group.fingerprints}
        if group.first.kind in RENEWED and len(decided) == 1 and None not in decided:
            group.first = replace(group.first, answered=True, declined=False in decided)


def add_fixed(action_groups: ActionGroups, context: RemediationContext, fixed: Iterable[Remedy]) -> None:
    """Add findings about missing seats to the action whose requests free most of these seats.

    `fixed` are the remedies of findings that the requests of a plan fix without any seats being bought. Only actions
    that remove licences and assign none get such findings: their order does not matter; that of others was simulated.
    """
    seats = ActionGroups(context.owners)
    seats.add((UNSORTED, remedy) for remedy in fixed if remedy.kind in NUMBERED - REMOVING)
    acting = [
        group for group in action_groups if group.first.proven and group.has_requests and group.first.kind in TAKING
    ]
    projection = SeatProjection.of(action_groups, context)
    for group in seats:
        skus = products_of(group, projection)
        resolving = resolving_group(acting, projection, skus, is_removal=False)
        if resolving is not None:
            group.moved = projection.movement(skus)
            resolving.resolve(group)


def _remedy(context: RemediationContext, sku_id: str, change: int) -> Remedy:
    product = context.product_facts(sku_id, context.seats[sku_id].sku_part_number)
    situation = Situation(
        agreement=context.tenant.agreement,
        cloud=context.tenant.cloud,
        self_service=product.self_service,
        status=product.status,
        is_trial=product.is_trial,
    )
    check = BELOW_MINIMUM if change > 0 else ABOVE_MAXIMUM
    ends = change < 0 and product.is_trial is True
    removal = ActionKind.TRIAL if ends else removal_kind(situation.agreement)
    return Remedy(
        kind=ActionKind.BUY if change > 0 else removal,
        findings=(),
        situation=situation,
        article=check.articles(situation)[0],
        old=sku_id,
        seats=0 if ends else abs(change),
        answered=not ends,
    )
