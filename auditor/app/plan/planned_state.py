"""Records what the requests of a plan change, so that the plan can be verified later."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from auditor.domain.result.model import Action
from auditor.domain.result.saved_plan import HoldingChange, SeatPrice
from auditor.remedy.planner.draft import Options, with_purchases
from auditor.remedy.planner.model import TenantPlan
from auditor.remedy.planner.seat_answers import SeatChange
from auditor.remedy.planner.simulation.tenant import apply, copied
from auditor.remedy.requests import Command, subject_of
from auditor.remedy.verification.expectations import expectations_of
from auditor.remedy.verification.observation import observed


def with_state(plan: TenantPlan, options: Options, seats: Mapping[str, SeatChange]) -> TenantPlan:
    """Return a plan with the facts that its requests change, and what people hold and no longer hold by them.

    `seats` are purchases and renewals that were decided.
    """
    expected = observed(options.plan.facts, expectations_of(action.requests for action in plan.actions))
    holdings = tuple(_holdings(options, seats, plan.actions))
    return replace(plan, expected=expected, holdings=holdings, prices=_prices(options, holdings))


def _holdings(options: Options, seats: Mapping[str, SeatChange], actions: Sequence[Action]) -> Iterator[HoldingChange]:
    """Apply the requests of each action to a copy, in order; seats are bought before."""
    state = with_purchases(copied(options.state), seats)
    for number, action in enumerate(actions, start=1):
        before: dict[str, frozenset[str]] = {}
        for request in action.requests:
            command = Command(method=request["method"], path=request["path"], body=request["body"])
            kind, identifier = subject_of(command)
            for user in state.members.get(identifier, ()) if kind == "groups" else (identifier,):
                before.setdefault(user, state.accounts[user].held)
            apply(state, command)
        for user, held in before.items():
            now = state.accounts[user].held
            if held != now:
                lost, gained = tuple(sorted(held - now)), tuple(sorted(now - held))
                yield HoldingChange(action=number, user=user, lost=lost, gained=gained)


def _prices(options: Options, holdings: Sequence[HoldingChange]) -> tuple[SeatPrice, ...]:
    """Return the prices of the products that people stop or start to hold, as far as they are known."""
    prices, facts = options.plan.prices, options.plan.facts
    if prices is None:
        return ()
    found: list[SeatPrice] = []
    for sku_id in sorted({sku_id for change in holdings for sku_id in (*change.lost, *change.gained)}):
        index = facts.index.get(sku_id)
        part_number = None if index is None else facts.skus[index].part_number
        price = prices.of(sku_id=sku_id, part_number=part_number)
        if price is not None:
            found.append(SeatPrice(sku_id=sku_id, currency=prices.currency, per_month=price))
    return tuple(found)
