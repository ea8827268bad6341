"""Seats of each product over all actions of a tenant: at most one action names a number to buy or to remove."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from auditor.checks.check import Check
from auditor.checks.registry import check_of
from auditor.checks.seats.above_maximum import CHECK as ABOVE_MAXIMUM
from auditor.checks.seats.below_minimum import CHECK as BELOW_MINIMUM
from auditor.domain.actions.kind import ActionKind, removal_kind
from auditor.domain.enums import Status
from auditor.domain.policy.model import Policy, Seats
from auditor.domain.result.model import SeatCount
from auditor.engine.skus.seat_bounds import usable_range
from auditor.remedy.actions.context import RemediationContext
from auditor.remedy.actions.groups import ActionGroup, ActionGroups, SeatMovement
from auditor.remedy.labels import contains, owned_of

TAKING = frozenset({ActionKind.UNASSIGN, ActionKind.LEAVE_GROUP, ActionKind.GROUP_LICENCE})
MOVING = frozenset({ActionKind.MOVE, ActionKind.MOVE_GROUP, ActionKind.GROUP_SWAP})
GIVING = frozenset({ActionKind.ASSIGN, ActionKind.WAIT})
REMOVING = frozenset({ActionKind.REMOVE_NOW, ActionKind.REMOVE_AT_RENEWAL, ActionKind.REMOVE_BY_SELLER})
"""Kinds that remove seats."""
_NUMBERED = REMOVING | {ActionKind.BUY}
"""Kinds that name a number of seats."""
_NO_SEAT = "countviolation"


@dataclass(slots=True, kw_only=True)
class Ledger:
    """The seats of a tenant's products before and after all actions."""

    known: RemediationContext
    freed: Counter[str] = field(default_factory=Counter)
    given: Counter[str] = field(default_factory=Counter)
    waived: frozenset[tuple[str, str]] = frozenset()
    """(policy, skuId) whose findings about seats are waived."""

    @classmethod
    def of(cls, piles: Iterable[ActionGroup], known: RemediationContext) -> "Ledger":
        """Return the ledger over all piles of a tenant; the findings of `known` tell what is waived."""
        waived = (f for f in known.findings if f.status is Status.WAIVED and check_of(f.check).block is Seats)
        ledger = cls(
            known=known,
            waived=frozenset((f.policy, f.product.sku_id or "") for f in waived if f.product is not None),
        )
        for pile in piles:
            first, people = pile.first, pile.people
            if first.kind in TAKING | MOVING:
                ledger.freed.update(dict.fromkeys(first.old.split("+"), people))
            if first.kind in MOVING | GIVING:
                ledger.given.update(dict.fromkeys(ledger.products(pile), people))
            elif first.kind is ActionKind.REPROCESS or (
                first.kind is ActionKind.ERROR and first.extra.casefold() == _NO_SEAT
            ):
                ledger.given.update(dict.fromkeys(first.old.split("+"), people))
        return ledger

    def products(self, pile: ActionGroup) -> tuple[str, ...]:
        """Return the products that the people of a pile are to get; of a set that stands for several, none."""
        found: list[str] = []
        for part in pile.first.new.split("+"):
            choices = (part,) if part in self.known.seats else self.known.choices(pile.policy, part)
            found += choices if len(choices) == 1 else ()
        return tuple(found)

    def movement(self, skus: Iterable[str], revived: int = 0) -> SeatMovement:
        """Return what the other actions do to the seats of some products together."""
        each = tuple(skus)
        return SeatMovement(
            freed=sum(self.freed[sku] for sku in each), given=sum(self.given[sku] for sku in each), revived=revived
        )

    def shortage(self, sku_id: str) -> int:
        """Return how many seats of a product are lacking once everything is done; 0 where none are, or none known."""
        seat = self.known.seats.get(sku_id)
        if seat is None or seat.usable is None or seat.consumed is None:
            return 0
        return max(0, seat.consumed + self.given[sku_id] - self.freed[sku_id] - seat.usable)

    def change(self, skus: tuple[str, ...], rules: Iterable[Policy], *, revived: bool) -> tuple[int, int | None] | None:
        """Return the fewest and the most seats to add (below zero: to remove) that keep every rule; None if unknown.

        There is no most where no rule has an upper bound. With `revived` suspended subscriptions count as brought back.
        """
        seats = [self.known.seats[sku] for sku in skus]
        moved = self.movement(skus)
        if any(seat.consumed is None or seat.enabled is None or seat.warning is None for seat in seats):
            return None
        consumed = max(0, sum(seat.consumed or 0 for seat in seats) + moved.given - moved.freed)
        least: list[int] = []
        most: list[int] = []
        for rule in rules:
            block = rule.constraint
            if not isinstance(block, Seats) or not block.judges_spare:
                continue
            usable = sum(_usable(seat, block, revived=revived) for seat in seats)
            low, high = usable_range(consumed, block.minimum, block.maximum)
            if low is None:
                return None
            least.append(low - usable)
            most += [high - usable] if high is not None else []
        return (max(least), min(most, default=None)) if least else None


def _usable(seat: SeatCount, block: Seats, *, revived: bool) -> int:
    counted = (seat.enabled or 0) + ((seat.warning or 0) if block.count_grace_units or revived else 0)
    return counted + ((seat.suspended or 0) + (seat.locked_out or 0) if revived else 0)


def settle_seats(all_piles: ActionGroups, known: RemediationContext) -> None:
    """Leave one pile about the seats of each product, whose number reckons with all others.

    To be called once, when everything found was taken.
    """
    piles = all_piles.groups
    ledger = Ledger.of(piles.values(), known)
    kept = dict(piles)
    seats: dict[str, list[tuple[object, ActionGroup]]] = {}
    for key, pile in piles.items():
        if pile.first.kind in _NUMBERED:
            seats.setdefault(pile.first.old, []).append((key, pile))
    states = {pile.first.old: pile for pile in piles.values() if pile.first.kind is ActionKind.STATE}
    numbered: set[str] = set()
    for old in sorted(seats, key=lambda name: (name not in known.seats, name)):
        for key, _ in seats[old][1:]:
            kept.pop(key)
        removing = any(pile.first.kind in REMOVING for _, pile in seats[old])
        whole = _merged([pile for _, pile in seats[old]])
        skus = _products(whole, ledger)
        if old not in known.seats and not numbered.isdisjoint(skus or numbered):
            _settled(whole, ledger.movement(skus))  # the products of the pool are counted one by one
            continue
        if not skus:
            continue
        state = states.get(old)
        if _decide(whole, ledger, skus, state, removing=removing):
            numbered.update(skus)
        elif whole.first.kind is ActionKind.STATE and state is not None:
            kept.pop(seats[old][0][0])
    _tell_shortages(kept.values(), ledger, numbered)
    _count_larger_products([pile for pile in kept.values() if pile.first.kind is ActionKind.COVER], known)
    all_piles.swap(kept)


def _merged(piles: list[ActionGroup]) -> ActionGroup:
    first, *others = piles
    for other in others:
        first.absorb(other)
    return first


def _products(pile: ActionGroup, ledger: Ledger) -> tuple[str, ...]:
    """Return the products whose seats a pile is about: one, or all of a pool; empty where that is not known."""
    known, old = ledger.known, pile.first.old
    if old in known.seats:
        return (old,)
    rule = known.policies.get(pile.policy)
    if rule is None or not isinstance(rule.constraint, Seats):
        return ()
    return tuple(sorted(seat.sku_id for seat in owned_of(rule.constraint.of, known.tenant.seats)))


def _rules(pile: ActionGroup, ledger: Ledger, skus: tuple[str, ...]) -> Iterator[Policy]:
    """Yield the policies that bound the seats: those behind the pile, and for one product all that have a bound."""
    names = dict.fromkeys(pile.owners)
    if skus == (pile.first.old,):
        names |= dict.fromkeys(bound.policy for bound in ledger.known.seats[skus[0]].bounds)
    for name in names:
        rule = ledger.known.policies.get(name)
        if rule is not None and (name, skus[0]) not in ledger.waived:
            yield rule


def _decide(
    pile: ActionGroup, ledger: Ledger, skus: tuple[str, ...], state: ActionGroup | None, *, removing: bool
) -> bool:
    """Give a pile the kind and the number that are left when everything else is done; whether it names a number."""
    rules = list(_rules(pile, ledger, skus))
    change = ledger.change(skus, rules, revived=False)
    if change is None:
        return pile.seats > 0
    low, high = change
    moved = ledger.movement(skus)
    if high is not None and low > high and removing:
        if low >= 0:
            pile.turn(ActionKind.BOUNDS, pile.first.article)  # no number of seats keeps all policies
            return False
        high = low  # what even the minimum leaves idle
    if low > 0 and state is not None:
        again = ledger.change(skus, rules, revived=True)
        if again is not None and again[0] <= 0:
            state.absorb(pile)
            pile.turn(ActionKind.STATE, pile.first.article)
            return False
        low = again[0] if again is not None else low
        moved = replace(moved, revived=_revived(skus, ledger))
    if low > 0:
        _number(pile, ActionKind.BUY, BELOW_MINIMUM, low, moved)
        return True
    if high is not None and high < 0:
        first = pile.first
        kind = ActionKind.REMOVE_NOW if first.kind is ActionKind.REMOVE_NOW else removal_kind(first.situation.agreement)
        _number(pile, kind, ABOVE_MAXIMUM, -high, moved)
        return True
    _settled(pile, moved)
    return False


def _revived(skus: tuple[str, ...], ledger: Ledger) -> int:
    seats = [ledger.known.seats[sku] for sku in skus]
    return sum((seat.suspended or 0) + (seat.locked_out or 0) for seat in seats)


def _number(pile: ActionGroup, kind: ActionKind, check: Check[Seats], seats: int, moved: SeatMovement) -> None:
    if pile.first.kind is not kind:
        pile.turn(kind, check.articles(pile.first.situation)[0])
    pile.seats = seats
    pile.moved = moved


def _settled(pile: ActionGroup, moved: SeatMovement) -> None:
    pile.turn(ActionKind.SETTLED, pile.first.article)
    pile.seats = 0
    pile.moved = moved


def _count_larger_products(piles: Sequence[ActionGroup], known: RemediationContext) -> None:
    """Tell how many missing seats are bought with a product that contains the missing one: P2 counts as P1, too."""

    def counts_for(larger: ActionGroup, pile: ActionGroup) -> bool:
        rule = known.policies.get(pile.policy)
        block = None if rule is None else rule.constraint
        return isinstance(block, Seats) and contains(block.of, larger.first.old)

    for pile in piles:
        larger = [each for each in piles if counts_for(each, pile) and not counts_for(pile, each)]
        pile.covered = min(pile.seats, sum(each.seats for each in larger))


def _tell_shortages(piles: Iterable[ActionGroup], ledger: Ledger, numbered: set[str]) -> None:
    """Let the action about most people tell how many seats of a product lack, where no action about its seats does."""
    waiting: dict[str, list[ActionGroup]] = {}
    for pile in piles:
        first = pile.first
        if first.proven or first.kind not in MOVING | {ActionKind.ASSIGN, ActionKind.REPROCESS}:
            continue
        for sku in first.old.split("+") if first.kind is ActionKind.REPROCESS else ledger.products(pile):
            if ledger.shortage(sku):
                waiting.setdefault(sku, []).append(pile)
    for sku, found in waiting.items():
        ordered = sorted(found, key=lambda pile: (-pile.people, pile.worst))
        for place, pile in enumerate(ordered):
            pile.lacking[sku] = 0 if place or sku in numbered else ledger.shortage(sku)
