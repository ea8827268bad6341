"""Seats that people need in number, and actions that remove seats of the same products."""

from typing import Any

import pytest

from auditor.domain.actions.action import Action
from tests.builders.tenant.crowded_tenant import audited, product, state_of, subscription
from tests.builders.tenant.tenants import person

P1, E3 = "AAD_PREMIUM", "SPE_E3"
COVERS = """policies:
- {id: p1, severity: high, seats: {of: [AAD_PREMIUM, SPE_E3], covers: users}}
"""
RULES = f"""{COVERS}- {{id: idle, severity: low, seats: {{of: paid, spare: {{max: 0}}}}}}
prices: {{currency: EUR, perSeatPerMonth: {{SPE_E3: 35.70, AAD_PREMIUM: 5.60}}}}
"""
WAIVED = "waivers: [{id: w, policies: [p1], reason: next year, owner: o, expires: 2027-01-31}]\n"
COUNTED = "The policy p1 counts these seats too:"
CHECK = "Check that the seats afterwards are enough for these policies, which count them: p1."
INSTEAD = "Remove fewer, or buy seats of another product that it counts."
REPLACED = "For these policies, seats to buy replace the removed ones: p1."


def state(*, p1: int, e3: int, people: int = 13, holders: int = 3) -> Any:
    users = [person(f"p{number}", *([E3] if number < holders else [])) for number in range(people)]
    products = [product(E3, e3, holders), product(P1, p1, 0)]
    return state_of(users, products, [subscription(E3, e3, "2027-06-01"), subscription(P1, p1, "2027-06-01")])


def actions_of(tenant: Any, rules: str = RULES) -> dict[str, Action]:
    """Return the actions of a tenant by kind."""
    return {action.kind: action for action in audited(tenant, rules).tenants[0].actions}


@pytest.mark.parametrize(("p1", "e3", "missing"), [(0, 9, 4), (0, 3, 10), (0, 12, 1)])
def test_purchase_replaces_seats_of_the_same_policy_that_are_removed(p1: int, e3: int, missing: int) -> None:
    actions = actions_of(state(p1=p1, e3=e3))
    removed = e3 - 3
    bought = actions["cover"]
    assert bought.count == missing + removed
    assert bought.money is not None
    assert float(bought.money.per_month) == pytest.approx(-5.60 * (missing + removed))
    replacing = [text for text in bought.prerequisites if "replace" in text]
    if not removed:
        assert (replacing, "remove-seats-at-renewal" in actions) == ([], False)
        return
    assert replacing == [f"{removed} of the seats to buy replace seats that other actions remove."]
    assert actions["remove-seats-at-renewal"].count == removed
    assert REPLACED in actions["remove-seats-at-renewal"].prerequisites


@pytest.mark.parametrize(("p1", "e3"), [(0, 9), (0, 12)])
def test_following_the_advice_leaves_no_finding(p1: int, e3: int) -> None:
    actions = actions_of(state(p1=p1, e3=e3))
    rules = RULES.replace("of: paid, spare", "of: [SPE_E3], spare")
    after = state(p1=p1 + actions["cover"].count, e3=e3 - actions["remove-seats-at-renewal"].count)
    assert not audited(after, rules).tenants[0].findings


def test_seats_that_are_missing_and_spare_need_other_limits() -> None:
    actions = actions_of(state(p1=1, e3=9))
    assert set(actions) == {"bounds", "cover", "remove-seats-at-renewal"}
    assert actions["bounds"].title == "Correct the limits of Microsoft Entra ID P1: no number of seats satisfies both"
    assert actions["bounds"].money is None
    assert actions["cover"].count == 9, "three are missing, and six of the other product are removed"


@pytest.mark.parametrize(
    ("people", "rules", "note"),
    [
        (13, RULES, f"{COUNTED} 3 would be left for 13 people who need one. {INSTEAD}"),
        (3, RULES, None),
        (13, RULES.replace("id: p1,", "id: p1, users: {department: Store},"), CHECK),
        (13, RULES.replace("id: p1,", "id: p1, status: report-only,"), None),
        (13, RULES.replace("covers: users", "spare: {min: 0}"), None),
    ],
)
def test_removal_says_whether_enough_seats_are_left_for_people(people: int, rules: str, note: str | None) -> None:
    removal = actions_of(state(p1=0, e3=20, people=people), rules)["remove-seats-at-renewal"]
    assert removal.count == 17
    assert [text for text in removal.prerequisites if "p1" in text] == [note] * (note is not None)


def test_waived_shortage_changes_no_action() -> None:
    actions = actions_of(state(p1=1, e3=9), RULES + WAIVED)
    assert set(actions) == {"remove-seats-at-renewal"}
    assert not any("p1" in text for text in actions["remove-seats-at-renewal"].prerequisites)
