"""Purchases stand before the requests that take the seats, whatever kind of request that is."""

import pytest

from auditor.domain.actions.kind import ActionKind
from auditor.domain.result.model import Action
from auditor.remedy.planner.action_order import bought_first


def action(name: str, kind: ActionKind, product: str = "") -> Action:
    return Action(id=name, guidance="", findings=(), title=name, kind=kind, sku_id=product)


@pytest.mark.parametrize(
    ("takers", "order"),
    [
        ({}, "set leave buy-e3 buy-f3 move"),
        ({"move": {"f3"}}, "set leave buy-e3 buy-f3 move"),
        ({"set": {"f3"}}, "buy-f3 set leave buy-e3 move"),  # a rule makes them members of a group that gives it
        ({"set": {"e3"}, "leave": {"f3"}, "move": {"f3"}}, "buy-e3 set buy-f3 leave move"),
    ],
)
def test_seats_are_bought_before_the_first_request_that_takes_them(takers: dict[str, set[str]], order: str) -> None:
    actions = (
        action("set", ActionKind.ATTRIBUTE_SET),
        action("leave", ActionKind.LEAVE_GROUP),
        action("buy-e3", ActionKind.BUY, "e3"),
        action("buy-f3", ActionKind.BUY, "f3"),
        action("move", ActionKind.MOVE),
    )
    assert " ".join(each.id for each in bought_first(actions, takers)) == order
