"""Computes the monthly cost and savings of actions; a seat that occurs in several actions counts in one of them."""

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from auditor.domain.actions.action import Action
from auditor.domain.actions.kind import NUMBERED, REMOVING, ActionKind
from auditor.domain.money import Money
from auditor.domain.result.model import SeatCount
from auditor.domain.result.purchases import RenewalPrice
from auditor.engine.tenant_facts import SkuFact
from auditor.remedy.actions.action_groups import ActionGroup
from auditor.remedy.actions.breakdown import Price
from auditor.remedy.actions.context import RemediationContext
from auditor.remedy.actions.ranks import next_date
from auditor.remedy.actions.seats.projection import GIVING, MOVING, TAKING


def costs(context: RemediationContext, group: ActionGroup, count: int) -> tuple[Money | None, Money | None]:
    """Return the monthly cost of the seats before and after an action, at a renewal by its price; None if not known."""
    remedy = group.first
    if remedy.kind in TAKING:
        freed = _total_price(group.people_by_product, context.price)
        return _cost(context, freed, 1), _cost(context, freed, 0)
    if remedy.kind is ActionKind.REPROCESS:
        taken = _total_price(group.people_by_product, context.price)
        return _cost(context, taken, 0), _cost(context, taken, 1)
    old, new = context.price(remedy.old), context.price(remedy.new)
    if (changed := renewal_price(context, group)) is not None:
        old = None if changed.money is None else changed.money.per_month
    if remedy.kind in MOVING | {ActionKind.DOWNGRADE} and old is not None and new is not None:
        return _cost(context, old, count), _cost(context, new, count)
    if remedy.kind in GIVING:
        return _cost(context, new, 0), _cost(context, new, count)
    if remedy.kind is ActionKind.COVER and group.bought_seats:
        return _cost(context, old, 0), _cost(context, old, group.bought_seats)
    seat = context.seats.get(remedy.old)
    if seat is None or seat.usable is None or remedy.kind not in NUMBERED:
        return None, None
    paid = seat.usable - (seat.trial or 0)
    target = paid + (count if remedy.kind is ActionKind.BUY else -count)
    return _cost(context, old, paid), _cost(context, old, target)


def _total_price(seats: Mapping[str, int], price: Price) -> Decimal | None:
    """Return the monthly price of seats (skuId → number), without products without a price; None if all have none."""
    prices = [number * seat_price for sku_id, number in seats.items() if (seat_price := price(sku_id)) is not None]
    return sum(prices, Decimal(0)) if prices else None


def _cost(context: RemediationContext, price: Decimal | None, seats: int) -> Money | None:
    prices = context.prices
    return None if price is None or prices is None else Money(currency=prices.currency, per_month=price * seats)


def renewal_price(context: RemediationContext, group: ActionGroup) -> RenewalPrice | None:
    """Return the price of a seat from the renewal on; None if it does not change or the action is not about it."""
    if group.first.kind not in {ActionKind.REMOVE_AT_RENEWAL, ActionKind.REMOVE_BY_SELLER}:
        return None
    sku_id, day = group.first.old.casefold(), next_date(group, context.tenant, context.today)
    prices = (price for price in context.tenant.renewal_prices or () if (price.sku_id, price.day) == (sku_id, day))
    return next(prices, None)


def over_assigned(seats: Iterable[SeatCount | SkuFact]) -> Counter[str]:
    """Return the seats that are assigned beyond the usable ones that are paid, by skuId: nothing is paid for them."""
    spare = {seat.sku_id: seat.spare - (seat.trial or 0) for seat in seats if seat.spare is not None}
    return Counter({sku_id: -number for sku_id, number in spare.items() if number < 0})


class _Seats(Struct, kw_only=True):
    """The seats (skuId → number) whose money is not that of the action that frees or assigns them."""

    removed: Counter[str]
    """Freed seats that another action removes, or assigns without an amount of its own."""
    unpaid: Counter[str]
    """Seats that are assigned beyond the usable ones."""
    bought: Counter[str]
    """Seats to assign that another action buys."""
    idle: Counter[str]
    """Seats to assign that are spare today, so that they are paid for already, or freed seats of trials."""
    missing: Counter[str]
    """Seats to assign that are neither spare nor freed nor bought."""


def counted_once(
    actions: Iterable[tuple[ActionGroup, Action]], context: RemediationContext
) -> list[tuple[ActionGroup, Action]]:
    """Return actions, in the same order, with money that counts each seat once.

    Money belongs to the action that changes the amount paid: the removal or the purchase of seats, whose number takes
    all other actions into account. The seats that it removes are not counted as savings of the actions that free them,
    and the seats that it buys are not counted as cost of the actions that assign them, starting with the last action.
    Freed seats that are assigned again are not removed. Seats that are assigned beyond the usable ones cost nothing, so
    actions that free them save nothing. Spare seats are paid for already, so actions that assign them cost nothing; a
    move to them saves no more than the difference of the prices. The money of an action with no amount left is None.
    """
    all_actions = list(actions)
    seats = _seats(all_actions, context)
    corrected: list[tuple[ActionGroup, Action]] = []
    for group, action in reversed(all_actions):
        freed, given = _freed(group), _given(group)
        counted = _without_counted(action, (freed, given), seats, context.price)
        if counted.before is not None:
            counted = _with_cost_before(counted, -_take_seats(freed, seats.unpaid, context.price))
            own = Decimal(0) if counted.money is None else counted.money.per_month
            idle = _take_seats(given, seats.idle, context.price)
            counted = _with_cost_before(counted, min(idle, max(-own, Decimal(0))))
            counted = _with_missing(counted, _take_seats(given, seats.missing, context.price))
        corrected.append((group, counted))
    return corrected[::-1]


def _seats(actions: Iterable[tuple[ActionGroup, Action]], context: RemediationContext) -> _Seats:
    """Return the seats that actions remove, buy or assign from spare ones."""
    freed, given, removed, bought = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    unpriced = Counter[str]()  # moves from a product without a price have no amount, but they take freed seats
    for group, action in actions:
        freed.update(_freed(group))
        given.update(_given(group))
        if action.before is None:
            unpriced.update(_given(group))
        if action.money is not None and group.first.kind in REMOVING:
            removed[group.first.old] += action.count
        elif action.money is not None:
            bought[group.first.old] += group.bought_seats
    unpaid = over_assigned(context.seats.values())
    spare = Counter({seat.sku_id: seat.spare for seat in context.seats.values() if seat.spare})
    left = freed - unpaid
    free = freed - (-spare) - left  # freed seats of trials, which can be assigned again although nothing is paid
    idle = (+spare + free) & (given - left - bought)
    unknown = {seat.sku_id for seat in context.seats.values() if seat.spare is None}
    lacking = given - left - bought - idle
    missing = Counter({sku_id: number for sku_id, number in lacking.items() if sku_id not in unknown})
    counted = (removed & (left - given)) + ((unpriced - bought) & left)
    return _Seats(removed=counted, unpaid=unpaid, bought=bought, idle=idle, missing=missing)


def _freed(group: ActionGroup) -> Counter[str]:
    """Return the seats (skuId → number) that an action frees."""
    return Counter(group.people_by_product) if group.first.kind in TAKING | MOVING else Counter()


def _given(group: ActionGroup) -> Counter[str]:
    """Return the seats (skuId → number) that an action assigns."""
    if group.first.kind in MOVING | GIVING:
        return Counter(dict.fromkeys(group.first.new.split("+"), group.people))
    return Counter(group.people_by_product) if group.first.kind is ActionKind.REPROCESS else Counter()


def _without_counted(action: Action, moved: tuple[Counter[str], Counter[str]], seats: _Seats, price: Price) -> Action:
    """Return an action without the money of seats that others remove or buy; `moved` are its freed and given seats.

    Seats that another action removes or buys are taken out of them.
    """
    money, (freed, given) = action.money, moved
    if money is None:
        return action
    counted = _take_seats(freed, seats.removed, price) - _take_seats(given, seats.bought, price)
    if not counted:
        return action
    remainder = money.per_month - counted
    return replace(action, money=Money(currency=money.currency, per_month=remainder) if remainder else None)


def _with_cost_before(action: Action, amount: Decimal) -> Action:
    """Return an action with an amount added to the cost of its seats before it, and to its money."""
    before = action.before
    if before is None or not amount:
        return action
    rest = (Decimal(0) if action.money is None else action.money.per_month) + amount
    return replace(
        action,
        before=replace(before, per_month=before.per_month + amount),
        money=replace(before, per_month=rest) if rest else None,
    )


def _with_missing(action: Action, amount: Decimal) -> Action:
    """Return an action with the cost of the seats that it assigns and that nothing provides."""
    before = action.before
    return action if before is None or not amount else replace(action, missing=replace(before, per_month=amount))


def _take_seats(seats: Counter[str], counts: Counter[str], price: Price) -> Decimal:
    """Take seats (skuId → number) that are in both counters out of both, and return their cost."""
    amount = Decimal(0)
    for sku, number in seats.items():
        seat_price, counted = price(sku), min(number, counts[sku])
        if seat_price is not None:
            counts[sku] -= counted
            seats[sku] -= counted
            amount += seat_price * counted
    return amount
