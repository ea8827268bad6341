"""Savings and costs of the actions of a tenant count each seat once."""

import json
import re
from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest

from tests.builders.service.command_line import AS_OF, call


@pytest.fixture(scope="module")
def actions(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The actions of the larger tenant of the demo."""
    folder = tmp_path_factory.mktemp("once")
    assert call("audit", "--demo", "--as-of", AS_OF, "-f", "json", "-q", cwd=folder).code in {0, 1}
    result = json.loads((folder / "out" / "result.json").read_text(encoding="utf-8"))
    result_actions: list[dict[str, Any]] = result["tenants"][0]["actions"]
    return result_actions


def _amount(money: dict[str, Any] | None) -> Decimal:
    return Decimal(str(money["perMonth"])) if money else Decimal(0)


@pytest.mark.slow
def test_saving_is_counted_at_the_seat_removal_not_at_the_unassignment(actions: list[dict[str, Any]]) -> None:
    power_bi_actions = [action for action in actions if re.search(r"Power BI Pro", action["title"])]
    (removal,) = [action for action in power_bi_actions if action["kind"] == "remove-seats-at-renewal"]
    price = _amount(removal["saves"]) / removal["count"]
    freeing = [action for action in power_bi_actions if action["kind"] in {"leave-group", "unassign"}]
    assert removal["seats"]["freed"] == 5
    assert sum(action["count"] for action in freeing) == 3, "the others are in actions about several products"
    assert not any(_amount(action["saves"]) for action in freeing)
    assert sum(_amount(action["saves"]) for action in power_bi_actions) == price * removal["count"]


@pytest.mark.slow
def test_cost_is_counted_at_the_purchase_not_at_the_assignment(actions: list[dict[str, Any]]) -> None:
    (purchase,) = [action for action in actions if action["kind"] == "buy"]
    costs: defaultdict[str, Decimal] = defaultdict(Decimal)
    for action in actions:
        costs[action["kind"]] += _amount(action["costs"])
    assert costs["buy"] == _amount(purchase["costs"]) > 0
    assert costs["assign"] == 0


@pytest.mark.slow
def test_saving_is_counted_at_the_unassignment_if_no_seats_are_removed(actions: list[dict[str, Any]]) -> None:
    freeing = [action for action in actions if "Microsoft 365 E5 from" in action["title"]]
    assert freeing
    for action in freeing:
        assert _amount(action["saves"]) == _amount(action["before"]) - _amount(action["after"]) > 0
