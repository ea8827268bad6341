"""Records the changes that the requests of a plan make, so that the plan can be verified later."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from auditor.domain.result.saved_plan import Expectation, Fact, HoldingChange, SeatPrice, released
from auditor.remedy.actions.money import over_assigned
from auditor.remedy.planner.evaluated_options import Options
from auditor.remedy.planner.model import TenantPlan
from auditor.remedy.planner.proposals.product_options import seat_price
from auditor.remedy.planner.simulation.changes import changes_of
from auditor.remedy.planner.simulation.replay import holding_changes, replayed, seat_effects
from auditor.remedy.planner.simulation.seat_answers import DecidedSeatChange
from auditor.remedy.planner.simulation.tenant import TenantState, copy_state
from auditor.remedy.verification.facts import expectations_of, observed


def with_state(plan: TenantPlan, options: Options, seats: Mapping[str, DecidedSeatChange]) -> TenantPlan:
    """Return a plan with the facts that its requests change, and the products that users gain and lose.

    `seats` contains the decided purchases and renewals, by SKU id.
    """
    facts = options.bound.facts
    state = copy_state(options.state, seats)
    replay = tuple(replayed(state, plan.actions))
    expected = expectations_of(action.requests for action in plan.actions)
    holdings = tuple(holding_changes(replay))
    return replace(
        plan,
        changes=changes_of(facts, options.state, replay),
        expected=observed(
            facts,
            (
                expectation
                for request_expectation in expected
                for expectation in _by_product(request_expectation, options.state, state)
            ),
            options.state.accounts,
        ),
        holdings=holdings,
        seat_effects=seat_effects(plan.actions, holdings),
        released_seats=released(holdings).total(),
        prices=_prices(options, holdings, seats),
    )


def _by_product(expected: Expectation, before: TenantState, after: TenantState) -> Iterator[Expectation]:
    """Yield an expectation about a retry for each product that it assigns; other expectations are unchanged.

    The request of a retry does not contain the product.
    """
    if expected.fact is not Fact.SEAT_ERROR:
        yield expected
        return
    waiting_before, waiting_after = (
        {grant.sku_id for grant in state.accounts[expected.subject].grants if grant.waits} for state in (before, after)
    )
    for sku_id in sorted(waiting_before - waiting_after) or ("",):
        yield replace(expected, key=sku_id)


def _prices(options: Options, holdings: Sequence[HoldingChange], decided: Iterable[str]) -> tuple[SeatPrice, ...]:
    """Return the known prices of the products that users gain or lose, and of those with decided seats."""
    prices, facts = options.bound.prices, options.bound.facts
    if prices is None:
        return ()
    unpaid = over_assigned(facts.skus)
    seat_prices: list[SeatPrice] = []
    sku_ids = {sku_id for change in holdings for sku_id in (*change.lost, *change.gained)}
    for sku_id in sorted(sku_ids.union(decided)):
        price = seat_price(facts, prices, sku_id)
        if price is not None:
            seat_prices.append(
                SeatPrice(
                    sku_id=sku_id, currency=prices.currency, per_month=price, over_assigned=unpaid[sku_id] or None
                )
            )
    return tuple(seat_prices)
