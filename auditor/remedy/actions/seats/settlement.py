"""Decides for each product which action buys or removes seats, and how many: at most one over all of a tenant."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from types import MappingProxyType

from msgspec.structs import replace

from auditor.checks.purchases.trial import CHECK as TRIAL
from auditor.checks.seats.above_maximum import CHECK as ABOVE_MAXIMUM
from auditor.checks.seats.below_minimum import CHECK as BELOW_MINIMUM
from auditor.domain.actions.kind import NUMBERED, REMOVING, ActionKind, removal_kind
from auditor.domain.actions.seat_movement import SeatMovement
from auditor.domain.policy.model import Policy, Seats
from auditor.remedy.actions.action_groups import ActionGroup, ActionGroups
from auditor.remedy.actions.context import RemediationContext
from auditor.remedy.actions.seats.coverage import settle_coverage
from auditor.remedy.actions.seats.merges import merge_caps, merge_covered, merge_purchases
from auditor.remedy.actions.seats.projection import MOVING, SeatProjection, inactive_seats, resolving_group
from auditor.remedy.actions.seats.quotas import settle_quotas
from auditor.remedy.actions.subscription_terms import recent_purchase

_ENDING = frozenset({ActionKind.STATE, ActionKind.TRIAL})
"""Kinds about subscriptions that end; they take over findings about seats that depend on the end."""


def settle_seats(
    action_groups: ActionGroups, context: RemediationContext, decided: Mapping[str, int] = MappingProxyType({})
) -> None:
    """Keep one group about the seats of each product; its number of seats takes all other actions into account.

    Must be called once, after all remedies were added. `decided` are the seats, by skuId, that somebody decided to buy
    (+) or to give back (−); there must be a group about each of these products.
    """
    groups = action_groups.groups
    projection = SeatProjection.of(groups.values(), context)
    remaining = dict(groups)
    seats: dict[str, list[tuple[object, ActionGroup]]] = {}
    for key, group in groups.items():
        if group.first.kind in NUMBERED:
            seats.setdefault(group.first.old, []).append((key, group))
    endings = {(group.first.kind, group.first.old): group for group in groups.values() if group.first.kind in _ENDING}
    numbered: set[str] = set()
    resolved: list[tuple[object, tuple[str, ...], bool]] = []
    for old in sorted(seats, key=lambda name: (name not in context.seats, name)):
        (merged_key, merged), *others = seats[old]
        for key, _ in others:
            merged.merge(remaining.pop(key))
        is_removal = any(group.first.kind in REMOVING for _, group in seats[old])
        skus = products_of(merged, projection)
        if old not in context.seats and not numbered.isdisjoint(skus or numbered):
            _set_settled(merged, None)  # the seats of its products are counted by other actions
            continue
        if not skus:
            continue
        if old in decided:
            _set_number(merged, decided[old], projection.movement(skus))
            merged.first = replace(merged.first, answered=True)
            numbered.update(skus)
            continue
        is_stopped = (ActionKind.STATE, old) in endings
        if _decide(merged, projection, skus, is_stopped=is_stopped, is_removal=is_removal):
            numbered.update(skus)
        elif ending := endings.get((merged.first.kind, old)):
            ending.merge(remaining.pop(merged_key))
        elif merged.first.kind is ActionKind.SETTLED:
            resolved.append((merged_key, skus, is_removal))
    _resolve(remaining, resolved, projection)
    removals = [(group, products_of(group, projection)) for group in remaining.values() if group.first.kind in REMOVING]
    settle_coverage(remaining.values(), removals, context)
    merge_caps(remaining)
    merge_covered(remaining, context)
    merge_purchases(remaining)
    settle_quotas(remaining, projection)
    _remove_recent(remaining.values(), context)
    _set_shortages(remaining.values(), projection, numbered)
    _set_movements(remaining.values(), projection)
    action_groups.groups = remaining


def _resolve(
    remaining: dict[object, ActionGroup],
    resolved: Iterable[tuple[object, tuple[str, ...], bool]],
    projection: SeatProjection,
) -> None:
    """Let actions about people take over groups that need no number of seats; each with its products and kind."""
    for key, skus, is_removal in resolved:
        unproven = (group for group in remaining.values() if not (group.first.proven and group.has_requests))
        resolving = resolving_group(unproven, projection, skus, is_removal=is_removal)
        if resolving is not None:
            resolving.resolve(remaining.pop(key))


def products_of(group: ActionGroup, projection: SeatProjection) -> tuple[str, ...]:
    """Return the products whose seats a group is about: one, or all of a pool; empty if that is not known."""
    context, old = projection.context, group.first.old
    if old in context.seats:
        return (old,)
    rule = context.policies.get(group.policy)
    if rule is None or not isinstance(rule.constraint, Seats):
        return ()
    return tuple(sorted(context.members.get(rule.constraint.of.written, ())))


def _rules(group: ActionGroup, projection: SeatProjection, skus: tuple[str, ...]) -> Iterator[Policy]:
    """Yield the policies that limit the seats: those behind the group, and for a single product all with a bound."""
    names = dict.fromkeys(group.ordered_policies)
    if skus == (group.first.old,):
        names |= dict.fromkeys(bound.policy for bound in projection.context.seats[skus[0]].bounds)
    for name in names:
        rule = projection.context.policies.get(name)
        if rule is not None and (name, skus[0]) not in projection.waived:
            yield rule


def _decide(
    group: ActionGroup,
    projection: SeatProjection,
    skus: tuple[str, ...],
    *,
    is_stopped: bool,
    is_removal: bool,
) -> bool:
    """Set the kind and number of seats of a group, given all other actions; return whether it has a number."""
    rules = list(_rules(group, projection, skus))
    change = projection.change(skus, rules, revived=False)
    moved = projection.movement(skus)
    if change is None and moved is not None and is_removal and group.seats:
        return _limit_removal(group, moved)
    if change is None:
        return group.seats > 0
    low, high = change
    if moved is None:
        return False
    if high is not None and low > high:
        if low >= 0 and is_removal:
            group.set_kind(ActionKind.BOUNDS, group.first.article)  # no number of seats satisfies all policies
            return False
        high = low  # the seats that are idle even at the minimum
    if low > 0 and is_stopped:
        revived_change = projection.change(skus, rules, revived=True)
        if revived_change is not None and revived_change[0] <= 0:
            group.set_kind(ActionKind.STATE, group.first.article)
            return False
        low = revived_change[0] if revived_change is not None else low
        moved = replace(moved, revived=sum(inactive_seats(projection.context.seats[sku]) for sku in skus))
    superfluous = max(0, -(high or 0)) if low <= 0 else 0
    number = low if low > 0 else -max(0, superfluous - (moved.trial or 0))
    if number:
        _set_number(group, number, moved)
    elif superfluous:
        _set_trial(group, moved)
    else:
        _set_settled(group, moved)
    return number != 0


def _limit_removal(group: ActionGroup, moved: SeatMovement) -> bool:
    """Leave seats to the people who get the product, if no policy limits its spare seats; return whether any remain."""
    spare = max(0, moved.usable_after - moved.assigned_after)
    number = min(group.seats, max(0, spare - (moved.trial or 0)))
    if number:
        _set_number(group, -number, moved)
    else:
        _set_settled(group, moved)
    return number > 0


def _set_number(group: ActionGroup, change: int, moved: SeatMovement | None) -> None:
    """Give a group the number of seats to buy (+) or to remove (−)."""
    first, kind, check = group.first, ActionKind.BUY, BELOW_MINIMUM
    if change < 0:
        kind, check = removal_kind(first.situation.agreement), ABOVE_MAXIMUM
    if first.kind is not kind:
        group.set_kind(kind, check.articles(first.situation)[0])
    group.seats = abs(change)
    group.moved = moved and replace(moved, added=change)


def _set_trial(group: ActionGroup, moved: SeatMovement | None) -> None:
    """Make a group one about the trial whose seats are the only ones that nobody needs."""
    group.set_kind(ActionKind.TRIAL, TRIAL.articles(group.first.situation)[0])
    group.seats = 0
    group.moved = moved


def _set_settled(group: ActionGroup, moved: SeatMovement | None) -> None:
    group.set_kind(ActionKind.SETTLED, group.first.article)
    group.seats = 0
    group.moved = moved


def _set_movements(groups: Iterable[ActionGroup], projection: SeatProjection) -> None:
    """Set in every action about one product how all actions together change its seats."""
    movements = {group.moved.sku_id: group.moved for group in groups if group.moved is not None}
    for group in groups:
        old = "+".join(group.people_by_product)
        if group.moved is None and old in projection.context.seats:
            group.moved = movements.get(old) or projection.movement((old,))
            if group.moved is not None and group.first.kind is ActionKind.COVER:
                group.moved = replace(group.moved, added=group.bought_seats)


def _remove_recent(groups: Iterable[ActionGroup], context: RemediationContext) -> None:
    """Remove seats at once instead of at the renewal if all of them can come from recent purchases of their product."""
    for group in groups:
        recent = recent_purchase(context.tenant, group.first.old)
        if recent is None or group.first.kind is not ActionKind.REMOVE_AT_RENEWAL:
            continue
        if recent.seats is None or group.seats <= recent.seats:
            group.first = replace(group.first, kind=ActionKind.REMOVE_NOW)


def _set_shortages(groups: Collection[ActionGroup], projection: SeatProjection, numbered: set[str]) -> None:
    """Show the missing seats of a product in the action about most people, if no action about its seats does.

    Seats that are bought for people who need one in number are not missing.
    """
    bought = {group.first.old: group.bought_seats for group in groups if group.first.kind is ActionKind.COVER}
    waiting: dict[str, list[ActionGroup]] = {}
    for group in groups:
        first = group.first
        if first.proven or first.kind not in MOVING | {ActionKind.ASSIGN, ActionKind.REPROCESS}:
            continue
        for sku in group.people_by_product if first.kind is ActionKind.REPROCESS else projection.products(group):
            if projection.shortage(sku):
                waiting.setdefault(sku, []).append(group)
    for sku, candidates in waiting.items():
        ordered = sorted(candidates, key=lambda group: (-group.people_by_product.get(sku, group.people), group.worst))
        for index, group in enumerate(ordered):
            lacking = max(0, projection.shortage(sku) - bought.get(sku, 0))
            group.lacking[sku] = 0 if index or sku in numbered else lacking
