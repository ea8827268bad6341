"""Savings and costs of the actions of a tenant count each seat once."""

from collections import defaultdict
from decimal import Decimal

import pytest

from auditor.domain.actions.action import Action
from auditor.domain.money import Money
from auditor.result.aggregate import action_amounts
from tests.builders.result.audited_demo import contoso
from tests.builders.tenant.crowded_tenant import audited, product, state_of
from tests.builders.tenant.tenants import person

RULES = """policies:
  - {id: store, severity: high, users: {department: Store}, assignments: {of: [SPE_E3, SPE_E5], allow: [], require: [SPE_F1]}}
  - {id: leavers, severity: high, users: {accountEnabled: false}, assignments: {of: paid, allow: []}}
  - {id: idle, severity: low, seats: {of: [SPE_F1], spare: {max: 0}}}
prices: {currency: EUR, perSeatPerMonth: {SPE_F1: 10, SPE_E3: 30, SPE_E5: 50}}
"""


def actions_about(*people: dict[str, object], spare: int | None = 0, rules: str = RULES) -> dict[str, Action]:
    """Return the actions by kind; all people have the products that they hold, and F3 has spare seats besides, or an unknown number."""
    held = [licence["skuId"] for one in people for licence in one["assignedLicenses"]]  # type: ignore[attr-defined]
    rows = [product(part, 0, 0) for part in ("SPE_F1", "SPE_E3", "SPE_E5")]
    for row in rows:
        count = held.count(row["skuId"])
        more = spare if row["skuPartNumber"] == "SPE_F1" else 0
        seats = None if more is None else count + more
        row |= {"consumedUnits": count, "prepaidUnits": {**row["prepaidUnits"], "enabled": seats}}
    return {action.kind: action for action in audited(state_of(list(people), rows, []), rules).tenants[0].actions}


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


def test_assignment_of_spare_seats_costs_nothing() -> None:
    actions = actions_about(person("ann", department="Store"), person("bo", department="Store"), spare=3)
    assign, removal = actions["assign"], actions["remove-seats-at-renewal"]
    assert (assign.count, assign.money) == (2, None)
    assert amount(assign.before) == amount(assign.after) == 20
    assert removal.count == 1
    assert amount(removal.saves) == 10
    assert not action_amounts(actions.values()).buy, "no seat is missing"


def test_assignment_costs_the_seats_that_are_neither_spare_nor_bought() -> None:
    people = [person(name, department="Store") for name in ("ann", "bo", "cy")]
    actions = actions_about(*people, spare=1)
    assert {kind: amount(action.costs) for kind, action in actions.items()} == {"buy": 20, "assign": 0}
    actions = actions_about(*people, spare=1, rules=RULES.replace("idle, severity", "idle, tenants: [other], severity"))
    assert {kind: amount(action.costs) for kind, action in actions.items()} == {"assign": 20}
    assert amount(actions["assign"].missing) == 20
    assert actions_about(*people, spare=None)["assign"].missing is None, "it is not known which seats are missing"


@pytest.mark.parametrize(("suite", "saving"), [("SPE_E3", 20), ("SPE_E5", 40)])
def test_move_to_spare_seats_saves_the_difference_of_the_prices(suite: str, saving: int) -> None:
    move = actions_about(person("ann", suite, department="Store"), spare=1)["move"]
    assert move.counted_elsewhere is None
    assert amount(move.saves) == saving


def test_freed_seats_that_are_assigned_again_are_not_those_that_are_removed() -> None:
    """Of three F3 seats, one is a leaver's and two are spare; one person gets one, so that two are removed."""
    people = person("left", "SPE_F1", accountEnabled=False), person("ann", department="Store")
    actions = actions_about(*people, spare=2)
    sums = {kind: amount(action.saves) - amount(action.costs) for kind, action in actions.items()}
    assert sums == {"unassign": 10, "assign": -10, "remove-seats-at-renewal": 20}
    amounts = action_amounts(actions.values())
    assert amounts.reduce == {"EUR": Decimal(20)}
    assert not amounts.reassign
    assert not amounts.buy


def test_freed_seats_of_one_product_are_not_those_that_another_one_lacks() -> None:
    people = person("left", "SPE_E5", accountEnabled=False), person("ann", department="Store")
    rules = RULES.replace("idle, severity", "idle, tenants: [other], severity")
    actions = actions_about(*people, rules=rules)
    assert {kind: amount(action.missing) for kind, action in actions.items()} == {"unassign": 0, "assign": 10}
    amounts = action_amounts(actions.values())
    assert (amounts.reassign, amounts.buy) == ({"EUR": Decimal(50)}, {"EUR": Decimal(10)})
    move = actions_about(person("ann", "SPE_E5", department="Store"), rules=rules)["move"]
    assert amount(move.saves) == 40
    amounts = action_amounts([move])
    assert (amounts.reassign, amounts.buy) == ({"EUR": Decimal(50)}, {"EUR": Decimal(10)})


def test_freed_seat_that_a_move_without_a_known_price_assigns_is_not_a_saving() -> None:
    people = person("left", "SPE_F1", accountEnabled=False), person("ann", "SPE_E3", department="Store")
    rules = RULES.replace(", SPE_E3: 30", "")
    actions = actions_about(*people, rules=rules)
    assert {kind: action.money for kind, action in actions.items()} == {"unassign": None, "move": None}
    assert not action_amounts(actions.values()).reassign
