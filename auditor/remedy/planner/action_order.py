"""The order of a plan's actions by the seats that they free, buy and take."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from auditor.domain.actions.kind import ActionKind
from auditor.domain.result.model import Action
from auditor.guidance import Order


def reordered(actions: Sequence[Action], deferrals: Mapping[str, int]) -> tuple[Action, ...]:
    """Put actions that find no seat at first behind those of the same rank that free it."""
    return tuple(sorted(actions, key=lambda action: (Order(action.order).rank, deferrals.get(action.id, 0))))


def bought_first(actions: Sequence[Action], takers: Mapping[str, AbstractSet[str]]) -> tuple[Action, ...]:
    """Put what buys seats before the first action whose requests take them, such as one that sets a property.

    A person who becomes a member of a dynamic group by the property gets what the group gives. `takers` are the skuIds
    of these products by the id of the action.
    """
    ordered = list(actions)
    for action in actions:
        if action.kind == ActionKind.BUY:
            buyer = ordered.index(action)
            taker = next((n for n, each in enumerate(ordered) if action.sku_id in takers.get(each.id, ())), buyer)
            ordered.insert(min(taker, buyer), ordered.pop(buyer))
    return tuple(ordered)
