"""Records what the requests of a plan change, so that the plan can be verified later."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from auditor.domain.result.saved_plan import HoldingChange, SeatPrice
from auditor.remedy.planner.model import TenantPlan
from auditor.remedy.planner.simulation.changes import changes_of
from auditor.remedy.planner.simulation.replay import holding_changes, replayed, seat_effects
from auditor.remedy.planner.simulation.seat_answers import SeatChange
from auditor.remedy.planner.simulation.tenant import copied
from auditor.remedy.planner.weighed_options import Options
from auditor.remedy.verification.expectations import expectations_of
from auditor.remedy.verification.observation import observed


def with_state(plan: TenantPlan, options: Options, seats: Mapping[str, SeatChange]) -> TenantPlan:
    """Return a plan with the facts that its requests change, and what people hold and no longer hold by them.

    `seats` are purchases and renewals that were decided.
    """
    facts = options.plan.facts
    replay = tuple(replayed(copied(options.state, seats), plan.actions))
    holdings = tuple(holding_changes(replay))
    return replace(
        plan,
        changes=changes_of(facts, options.state, replay),
        expected=observed(facts, expectations_of(action.requests for action in plan.actions)),
        holdings=holdings,
        seat_effects=seat_effects(plan.actions, holdings),
        prices=_prices(options, holdings, seats),
    )


def _prices(options: Options, holdings: Sequence[HoldingChange], decided: Iterable[str]) -> tuple[SeatPrice, ...]:
    """Return the known prices of the products that people stop or start to hold, and of those with decided seats."""
    prices, facts = options.plan.prices, options.plan.facts
    if prices is None:
        return ()
    found: list[SeatPrice] = []
    held = {sku_id for change in holdings for sku_id in (*change.lost, *change.gained)}
    for sku_id in sorted(held.union(decided)):
        index = facts.index.get(sku_id)
        part_number = None if index is None else facts.skus[index].part_number
        price = prices.of(sku_id=sku_id, part_number=part_number)
        if price is not None:
            found.append(SeatPrice(sku_id=sku_id, currency=prices.currency, per_month=price))
    return tuple(found)
