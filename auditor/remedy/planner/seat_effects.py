"""The seats that the requests of each action of a plan free and assign."""

from collections.abc import Iterable, Mapping

from auditor.domain.actions.action import Action
from auditor.remedy.planner.model import SeatEffect
from auditor.remedy.planner.seat_answers import SeatChange
from auditor.remedy.planner.simulation.tenant import TenantState, apply, copied
from auditor.remedy.requests import Command


def seat_effects(
    state: TenantState, actions: Iterable[Action], seats: Mapping[str, SeatChange]
) -> dict[str, SeatEffect]:
    """Apply the requests of actions in order, on a copy with the seats that decisions buy.

    Return the seats that each action frees and assigns, by the id of the action.
    """
    state = copied(state)
    bought = {sku_id: each.change for sku_id, each in seats.items() if each.change > 0}
    state.usable = {sku_id: count + bought.get(sku_id, 0) for sku_id, count in state.usable.items()}
    changes: dict[str, SeatEffect] = {}
    for action in actions:
        before = dict(state.consumed)
        for request in action.requests:
            apply(state, Command(method=request["method"], path=request["path"], body=request["body"]))
        if action.requests:
            differences = [count - before[sku_id] for sku_id, count in state.consumed.items()]
            changes[action.id] = SeatEffect(
                freed=-sum(each for each in differences if each < 0),
                assigned=sum(each for each in differences if each > 0),
            )
    return changes
