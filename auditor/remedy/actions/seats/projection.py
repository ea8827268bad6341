"""Counts the seats of each product before and after all actions of a tenant."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct, field

from auditor.checks.registry import check_of
from auditor.domain.actions.kind import ActionKind
from auditor.domain.actions.seat_movement import SeatMovement
from auditor.domain.enums import Status
from auditor.domain.policy.model import Policy, Seats
from auditor.domain.result.model import SeatCount
from auditor.engine.skus.seat_bounds import usable_range
from auditor.remedy.actions.action_groups import ActionGroup
from auditor.remedy.actions.context import RemediationContext

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
            trial=sum(seat.trial or 0 for seat in seats) or None,
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
                usable += sum(
                    inactive_seats(seat) + (0 if block.count_grace_units else seat.warning or 0) for seat in seats
                )
            low, high = usable_range(consumed, block.minimum, block.maximum)
            if low is None:  # no number of seats keeps this minimum while somebody has one
                continue
            minimums.append(low - usable)
            maximums += [high - usable] if high is not None else []
        return (max(minimums), min(maximums, default=None)) if minimums else None


def inactive_seats(seat: SeatCount) -> int:
    """Return the seats of suspended and locked subscriptions, which can be reactivated."""
    return (seat.suspended or 0) + (seat.locked_out or 0)


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
