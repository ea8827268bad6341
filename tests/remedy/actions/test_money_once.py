"""Savings and costs of the actions of a tenant count each seat once."""

from collections import defaultdict
from decimal import Decimal

import pytest

from auditor.domain.actions.money import Money
from tests.builders.result.audited_demo import contoso


def amount(money: Money | None) -> Decimal:
    return money.per_month if money else Decimal(0)


@pytest.mark.slow
def test_saving_is_counted_at_the_seat_removal_not_at_the_unassignment() -> None:
    power_bi_actions = [action for action in contoso().actions if "Power BI Pro" in action.title]
    (removal,) = [action for action in power_bi_actions if action.kind == "remove-seats-at-renewal"]
    freeing = [action for action in power_bi_actions if action.kind in {"leave-group", "unassign"}]
    assert removal.seats is not None
    assert removal.seats.freed == 5
    assert sum(action.count for action in freeing) == 3, "the others are in actions about several products"
    assert not any(amount(action.saves) for action in freeing)
    assert sum(amount(action.saves) for action in power_bi_actions) == amount(removal.saves) > 0


@pytest.mark.slow
def test_cost_is_counted_at_the_purchase_not_at_the_assignment() -> None:
    (purchase,) = [action for action in contoso().actions if action.kind == "buy"]
    costs: defaultdict[str, Decimal] = defaultdict(Decimal)
    for action in contoso().actions:
        costs[action.kind] += amount(action.costs)
    assert costs["buy"] == amount(purchase.costs) > 0
    assert costs["assign"] == 0


@pytest.mark.slow
def test_saving_is_counted_at_the_unassignment_if_no_seats_are_removed() -> None:
    freeing = [action for action in contoso().actions if "Microsoft 365 E5 from" in action.title]
    assert freeing
    for action in freeing:
        assert amount(action.saves) == amount(action.before) - amount(action.after) > 0
