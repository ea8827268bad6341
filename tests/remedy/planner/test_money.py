"""The money of a plan: products without a price, and prices at the renewal."""

import pytest

from tests.builders.tenant.crowded_tenant import subscription
from tests.builders.tenant.plan_tenants import (
    CLOUD_GROUP,
    E3,
    F3,
    LEAVERS,
    PRICES,
    STORE,
    VISIO,
    bodies,
    grant,
    group,
    planned,
    snapshot,
    user,
)


@pytest.mark.parametrize("seats", [1, 0])
def test_money_is_a_lower_bound_if_a_price_is_missing(seats: int) -> None:
    people = [user("ann", grant(E3), grant(VISIO), accountEnabled=False)]
    plan = planned(snapshot(people, {E3: 1, VISIO: seats}), LEAVERS + PRICES)
    (before,), (after,) = plan.before.money, plan.after.money
    assert (f"{before.exposure:.2f}", f"{before.reassignable_now:.2f}", before.lower_bound) == ("35.70", "35.70", True)
    assert after.exposure + after.reassignable_now == 0
    assert after.lower_bound is (seats > 0), "the price of seats to give back is missing"


def test_action_about_several_products_has_the_money_of_those_with_a_price() -> None:
    denied = "policies: [{id: denied, severity: high, assignments: {deny: [SPE_E3, VISIOCLIENT]}}]\n"
    plan = planned(snapshot([user("ann", grant(E3), grant(VISIO))], {E3: 1, VISIO: 1}), denied + PRICES)
    ((action,), (before,)) = plan.actions, plan.before.money
    assert action.money is not None
    assert (action.title, action.money.per_month) == (
        "Unassign Microsoft 365 E3 + Visio Plan 2 from 1 person",
        before.reassignable_now,
    )


def test_change_of_a_group_counts_a_product_without_a_price_as_the_most_expensive() -> None:
    assigned = {**CLOUD_GROUP, "members": ["ann", "bo"]}
    people = [user(name, grant(E3, "g1"), department="Store") for name in ("ann", "bo")]
    tenant = snapshot(people, {E3: 2, F3: 2}, groups=[group("LIC-Store", E3, memberCount=2, **assigned)])
    plan = planned(tenant, STORE + "prices: {currency: EUR, perSeatPerMonth: {SPE_E3: 35.70}}")
    assert bodies(plan) == [("/groups/g1/assignLicense", ["SPE_F1"], ["SPE_E3"])]
    assert plan.solver.unpriced == (F3,)


def test_seats_are_given_back_at_the_next_renewal_not_at_one_in_the_past() -> None:
    """The price rises on 1 February 2027, before the renewal."""
    prices = "prices: {currency: EUR, perSeatPerMonth: {SPE_E3: [{amount: 35.70}, {amount: 40, from: 2027-02-01}]}}"
    rows = [subscription("SPE_E3", 2, "2026-11-01"), subscription("SPE_E3", 3, "2027-03-01")]
    people = [user("ann", grant(E3), accountEnabled=False)]
    plan = planned(snapshot(people, {E3: 5}, subscriptions=rows), LEAVERS + prices)
    assert [str(figure.reducible_at_renewal) for figure in plan.before.money] == ["40"]


@pytest.mark.parametrize(("seats", "value"), [(2, "71.40"), (1, "35.70"), (0, "0.00")])
def test_seats_assigned_beyond_the_usable_ones_are_worth_nothing_once_freed(seats: int, value: str) -> None:
    people = [user(name, grant(E3), accountEnabled=False) for name in ("ann", "bo")]
    plan = planned(snapshot(people, {E3: seats}), LEAVERS + PRICES)
    (action,), (amounts,) = [action for action in plan.actions if action.requests], plan.before.money
    assert f"{amounts.reassignable_now:.2f}" == value
    assert f"{0 if action.money is None else action.money.per_month:.2f}" == value
    assert action.counted_elsewhere is None
    (price,) = plan.prices or ()
    assert price.over_assigned == (2 - seats or None)


@pytest.mark.parametrize(
    ("bounds", "usable", "seats"),
    [
        pytest.param([], 5, 1, id="the freed seat"),
        pytest.param([], 0, 0, id="more seats are assigned than usable"),
        pytest.param(["spare: {max: 3}"], 5, 2, id="idle seats include the freed one"),
        pytest.param(["spare: {max: 1}", "spare: {max: 3}"], 5, 4, id="the smallest maximum counts"),
        pytest.param(["spare: {min: 9}"], 5, 1, id="missing seats are not idle"),
        pytest.param(["purchased: {max: 2}"], 5, 1, id="seats beyond a cap are not idle"),
        pytest.param(["spare: {max: 0}", "covers: users"], 5, 4, id="people need two seats in number"),
        pytest.param(["spare: {max: 0}", "covers: users"], 1, 0, id="all seats are needed in number"),
    ],
)
def test_seats_to_give_back_are_freed_or_idle_after_the_plan(bounds: list[str], usable: int, seats: int) -> None:
    policies = "".join(
        f"  - {{id: spare-{number}, severity: low, seats: {{of: [SPE_E3], {bound}}}}}\n"
        for number, bound in enumerate(bounds)
    )
    people = [user("ann", grant(E3), accountEnabled=False), user("bo", grant(E3))]
    rules = LEAVERS.replace("policies:\n", f"policies:\n{policies}") + PRICES
    (before,) = planned(snapshot(people, {E3: usable + (usable > 0)}), rules).before.money
    assert f"{before.reducible_at_renewal:.2f}" == f"{35.7 * seats:.2f}"


def test_seats_that_a_plan_takes_have_no_value() -> None:
    people = [user("ann", grant(E3), department="Store")]
    (before,) = planned(snapshot(people, {E3: 1, F3: 1}), STORE + PRICES).before.money
    assert (f"{before.reassignable_now:.2f}", f"{before.reducible_at_renewal:.2f}") == ("35.70", "35.70")
    assert not before.lower_bound
