"""Counts the seats of each product over all actions of a tenant, so that at most one action buys or removes seats."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from msgspec import Struct, field
from msgspec.structs import replace

from auditor.checks.registry import check_of
from auditor.checks.seats.above_maximum import CHECK as ABOVE_MAXIMUM
from auditor.checks.seats.below_minimum import CHECK as BELOW_MINIMUM
from auditor.domain.actions.kind import NUMBERED, REMOVING, ActionKind, removal_kind
from auditor.domain.actions.seat_movement import SeatMovement
from auditor.domain.enums import Status
from auditor.domain.policy.model import Policy, Seats
from auditor.domain.result.model import SeatCount
from auditor.engine.skus.seat_bounds import usable_range
from auditor.remedy.actions.action_groups import ActionGroup, ActionGroups
from auditor.remedy.actions.context import RemediationContext
from auditor.remedy.actions.seats.coverage import settle_coverage
from auditor.remedy.actions.seats.merges import merge_caps, merge_covered, merge_purchases
from auditor.remedy.actions.subscription_terms import recent_purchase

TAKING = frozenset({ActionKind.UNASSIGN, ActionKind.LEAVE_GROUP, ActionKind.GROUP_LICENCE})
MOVING = frozenset({ActionKind.MOVE, ActionKind.MOVE_GROUP, ActionKind.GROUP_SWAP})
GIVING = frozenset({ActionKind.ASSIGN})
_UNDECIDED = frozenset({ActionKind.OVERLAP, ActionKind.DOWNGRADE})
"""Kinds that ask which product people keep."""
_NO_SEAT = "countviolation"


class SeatProjection(Struct, kw_only=True):
    """The seats of a tenant's products before and after all actions."""

    context: RemediationContext
    freed: Counter[str] = field(default_factory=Counter)
    given: Counter[str] = field(default_factory=Counter)
    undecided: Counter[frozenset[str]] = field(default_factory=Counter)
    """Set of skuIds → number of people for whom it is not decided which of these products they keep or get."""
    waived: frozenset[tuple[str, str]] = frozenset()
    """(policy, skuId) pairs whose findings about seats are waived."""

    @classmethod
    def of(cls, groups: Iterable[ActionGroup], context: RemediationContext) -> "SeatProjection":
        """Return the projection of all groups of a tenant; waivers are read from the findings of `context`."""
        waived = (f for f in context.findings if f.status is Status.WAIVED and check_of(f.check).block is Seats)
        projection = cls(
            context=context,
            waived=frozenset((f.policy, f.product.sku_id or "") for f in waived if f.product is not None),
        )
        for group in groups:
            first, people = group.first, group.people
            if first.kind in TAKING | MOVING:
                projection.freed.update(group.people_by_product)
            if first.kind in MOVING | GIVING:
                projection.given.update(dict.fromkeys(projection.products(group), people))
                projection.undecided.update(
                    {frozenset(sku for choices in projection.choices(group) for sku in choices): people}
                )
            elif first.kind in _UNDECIDED:
                choices = {f"{first.old}+{first.new}": people} if group.breakdown is None else group.breakdown.choices
                for names, number in choices.items():
                    sku_ids = (context.skus.get(name.casefold(), name) for name in names.split("+"))
                    projection.undecided.update({frozenset(sku_ids): number})
            elif first.kind is ActionKind.REPROCESS or (
                first.kind is ActionKind.ERROR and _NO_SEAT in map(str.casefold, first.extra)
            ):
                projection.given.update(group.people_by_product)
        return projection

    def products(self, group: ActionGroup) -> tuple[str, ...]:
        """Return the products that the people of a group get, without sets of several products."""
        return tuple(sku for choices in self._gained(group) if len(choices) == 1 for sku in choices)

    def choices(self, group: ActionGroup) -> tuple[tuple[str, ...], ...]:
        """Return the sets of several products of which the people of a group get one."""
        return tuple(choices for choices in self._gained(group) if len(choices) > 1)

    def _gained(self, group: ActionGroup) -> Iterator[tuple[str, ...]]:
        for part in group.first.new.split("+"):
            yield (part,) if part in self.context.seats else self.context.choices(part)

    def movement(self, skus: Sequence[str]) -> SeatMovement | None:
        """Return how actions about people change the seats of some products together; None if these are not known."""
        seats = [self.context.seats[sku] for sku in skus]
        usable, assigned = [seat.usable for seat in seats], [seat.consumed for seat in seats]
        if not skus or None in usable or None in assigned:
            return None
        return SeatMovement(
            sku_id=skus[0] if len(skus) == 1 else None,
            usable=sum(count or 0 for count in usable),
            assigned=sum(count or 0 for count in assigned),
            freed=sum(self.freed[sku] for sku in skus),
            given=sum(self.given[sku] for sku in skus),
            undecided=sum(people for sku_ids, people in self.undecided.items() if not sku_ids.isdisjoint(skus)) or None,
        )

    def shortage(self, sku_id: str) -> int:
        """Return how many seats of a product are missing after all actions; 0 if none are, or if they are not known."""
        seat = self.context.seats.get(sku_id)
        if seat is None or seat.usable is None or seat.consumed is None:
            return 0
        return max(0, seat.consumed + self.given[sku_id] - self.freed[sku_id] - seat.usable)

    def change(self, skus: tuple[str, ...], rules: Iterable[Policy], *, revived: bool) -> tuple[int, int | None] | None:
        """Return the minimum and maximum of seats to add (negative: remove) that satisfy every policy; None if unknown.

        The maximum is None if no policy has one. With `revived`, suspended subscriptions count as reactivated.
        """
        seats = [self.context.seats[sku] for sku in skus]
        moved = self.movement(skus)
        if moved is None or any(seat.enabled is None or seat.warning is None for seat in seats):
            return None
        consumed = moved.assigned_after
        minimums: list[int] = []
        maximums: list[int] = []
        for rule in rules:
            block = rule.constraint
            if not isinstance(block, Seats) or not block.limits_spare:
                continue
            usable = sum(block.usable(seat.enabled, seat.warning) or 0 for seat in seats)
            if revived:
                usable += sum(_inactive(seat) + (0 if block.count_grace_units else seat.warning or 0) for seat in seats)
            low, high = usable_range(consumed, block.minimum, block.maximum)
            if low is None:
                return None
            minimums.append(low - usable)
            maximums += [high - usable] if high is not None else []
        return (max(minimums), min(maximums, default=None)) if minimums else None


def _inactive(seat: SeatCount) -> int:
    """Return the seats of suspended and locked subscriptions, which can be reactivated."""
    return (seat.suspended or 0) + (seat.locked_out or 0)


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
    state_groups = {group.first.old: group for group in groups.values() if group.first.kind is ActionKind.STATE}
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
        state = state_groups.get(old)
        if _decide(merged, projection, skus, state, is_removal=is_removal):
            numbered.update(skus)
        elif merged.first.kind is ActionKind.STATE and state is not None:
            remaining.pop(merged_key)
        elif merged.first.kind is ActionKind.SETTLED:
            resolved.append((merged_key, skus, is_removal))
    for key, skus, is_removal in resolved:
        unproven = (group for group in remaining.values() if not (group.first.proven and group.has_requests))
        resolving = resolving_group(unproven, projection, skus, is_removal=is_removal)
        if resolving is not None:
            resolving.resolve(remaining.pop(key))
    removals = [(group, products_of(group, projection)) for group in remaining.values() if group.first.kind in REMOVING]
    settle_coverage(remaining.values(), removals, context)
    merge_caps(remaining)
    merge_covered(remaining, context)
    merge_purchases(remaining)
    _remove_recent(remaining.values(), context)
    _set_shortages(remaining.values(), projection, numbered)
    _set_movements(remaining.values(), projection)
    action_groups.groups = remaining


def resolving_group(
    groups: Iterable[ActionGroup], projection: SeatProjection, skus: tuple[str, ...], *, is_removal: bool
) -> ActionGroup | None:
    """Return the action that frees most of the missing seats, or fills most of the idle ones; None if none does.

    It takes over the findings about these seats, so that it ranks as high as they do, and the seats need no separate
    action. `groups` has no actions with proven requests of a plan if it is not known whether these fix the findings.
    """

    def seats_moved(group: ActionGroup) -> int:
        moved: Mapping[str, int] = {}
        if not is_removal and group.first.kind in TAKING | MOVING:
            moved = group.people_by_product
        elif is_removal and group.first.kind in MOVING | GIVING:
            moved = dict.fromkeys(projection.products(group), group.people)
        return max((moved[sku] for sku in skus if sku in moved), default=0)

    candidates = [(-seats, group.worst, group.number, group) for group in groups if (seats := seats_moved(group))]
    return min(candidates, key=lambda candidate: candidate[:3])[3] if candidates else None


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
    state: ActionGroup | None,
    *,
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
    if low > 0 and state is not None:
        revived_change = projection.change(skus, rules, revived=True)
        if revived_change is not None and revived_change[0] <= 0:
            state.merge(group)
            group.set_kind(ActionKind.STATE, group.first.article)
            return False
        low = revived_change[0] if revived_change is not None else low
        moved = replace(moved, revived=sum(_inactive(projection.context.seats[sku]) for sku in skus))
    number = low if low > 0 else min(high or 0, 0)
    if number:
        _set_number(group, number, moved)
    else:
        _set_settled(group, moved)
    return number != 0


def _limit_removal(group: ActionGroup, moved: SeatMovement) -> bool:
    """Leave seats to the people who get the product, if no policy limits its spare seats; return whether any remain."""
    number = min(group.seats, max(0, moved.usable_after - moved.assigned_after))
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
