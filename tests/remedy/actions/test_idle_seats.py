"""Seats that are idle before a renewal: those that other actions assign are not removed."""

import pytest

from auditor.domain.actions.action import Action
from tests.builders.tenant.crowded_tenant import audited, product, state_of, subscription
from tests.builders.tenant.tenants import person

RULES = """policies:
  - {id: store, severity: low, users: {department: Store}, assignments: {require: [SPE_E5]}}
  - {id: leavers, severity: low, users: {accountEnabled: false}, assignments: {of: paid, allow: []}}
  - {id: renewal, severity: high, subscriptions: {of: paid, expiring: {within: 60d, idle: {min: 1}}}}
prices: {currency: EUR, perSeatPerMonth: {SPE_E5: 50}}
"""


def actions_of(waiting: int, leavers: int = 0) -> dict[str, Action]:
    """Return the actions by kind; five seats renew soon, two of them are spare, and people wait for one."""
    held = [person(f"p{number}", "SPE_E5", accountEnabled=number >= leavers) for number in range(3)]
    people = [*held, *(person(f"w{number}", department="Store") for number in range(waiting))]
    state = state_of(people, [product("SPE_E5", 5, 3)], [subscription("SPE_E5", 5, "2026-12-10")])
    return {action.kind: action for action in audited(state, RULES).tenants[0].actions}


@pytest.mark.parametrize(("waiting", "removed"), [(0, 2), (1, 1)])
def test_removal_leaves_seats_to_people_who_get_one(waiting: int, removed: int) -> None:
    removal = actions_of(waiting)["remove-seats-at-renewal"]
    assert removal.seats is not None
    assert (removal.count, removal.seats.added, removal.seats.usable_after) == (removed, -removed, 5 - removed)
    assert f"To remove: {removed}. Seats afterwards: {5 - removed}, 0 of them spare." in removal.prerequisites[0]


@pytest.mark.parametrize("waiting", [2, 3])
def test_nothing_is_removed_if_people_get_all_spare_seats(waiting: int) -> None:
    actions = actions_of(waiting)
    assert set(actions) == {"assign"}
    assert len(actions["assign"].findings) == waiting + 1, "the finding about the renewal is fixed by the assignments"


def test_seats_that_others_free_are_assigned_before_spare_ones() -> None:
    actions = actions_of(waiting=1, leavers=1)
    assert actions["remove-seats-at-renewal"].count == 2


def test_no_more_seats_are_removed_than_renew_soon() -> None:
    """Of seven spare seats, five renew within 60 days and five later."""
    subscriptions = [subscription("SPE_E5", 5, "2026-12-10"), subscription("SPE_E5", 5, "2027-06-10")]
    state = state_of([person(f"p{n}", "SPE_E5") for n in range(3)], [product("SPE_E5", 10, 3)], subscriptions)
    (removal,) = audited(state, RULES).tenants[0].actions
    assert (removal.kind, removal.count, str(removal.due)) == ("remove-seats-at-renewal", 5, "2026-12-10")
    assert removal.saves is not None
    assert removal.saves.per_month == 250
