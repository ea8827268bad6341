"""Money of seats that several actions of a tenant speak about: each seat counts in one of them."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal

from auditor.domain.actions.kind import ActionKind
from auditor.domain.result.model import Action, Money
from auditor.remedy.actions.groups import ActionGroup
from auditor.remedy.actions.seats.ledger import GIVING, MOVING, REMOVING, TAKING

Price = Callable[[str], Decimal | None]
"""A product's id into the price of one seat a month."""


def counted_once(made: Iterable[tuple[ActionGroup, Action]], price: Price) -> list[tuple[ActionGroup, Action]]:
    """Return actions, in their order, whose money counts each seat once.

    Money belongs to the action that changes what is paid: the removal or the purchase of seats, whose number reckons
    with all other actions. As many seats as it removes are not a saving of the actions that free them, and as many as
    it buys are no cost of those that give them; the last actions in the order lose theirs first. An action that is left
    with nothing has no money.
    """
    listed = list(made)
    removed: Counter[str] = Counter()
    bought: Counter[str] = Counter()
    for group, action in listed:
        if action.money is not None and group.first.kind in REMOVING:
            removed[group.first.old] += action.count
        elif action.money is not None and group.first.kind is ActionKind.BUY:
            bought[group.first.old] += action.count
    corrected = [(group, _without(group, action, removed, bought, price)) for group, action in reversed(listed)]
    return corrected[::-1]


def _without(group: ActionGroup, action: Action, removed: Counter[str], bought: Counter[str], price: Price) -> Action:
    first, money = group.first, action.money
    if money is None:
        return action
    counted = Decimal(0)
    if first.kind in TAKING | MOVING:
        counted += _taken(first.old.split("+"), group.people, removed, price)
    if first.kind in MOVING | GIVING:
        counted -= _taken(first.new.split("+"), group.people, bought, price)
    if not counted:
        return action
    left = money.per_month - counted
    return replace(action, money=Money(currency=money.currency, per_month=left) if left else None)


def _taken(skus: Sequence[str], seats: int, counts: Counter[str], price: Price) -> Decimal:
    """Take seats out of those that an action about the products counts; returns what they cost."""
    amount = Decimal(0)
    for sku in skus:
        each, counted = price(sku), min(seats, counts[sku])
        if each is not None:
            counts[sku] -= counted
            amount += each * counted
    return amount
