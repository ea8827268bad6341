"""Seats that people need in number, and actions that remove seats of the same products."""

from decimal import Decimal
from typing import Any

import pytest

from auditor.domain.actions.action import Action
from auditor.domain.money import Money
from tests.builders.result.actions import with_actions
from tests.builders.tenant.answers import decided_plan
from tests.builders.tenant.crowded_tenant import audited, product, state_of, subscription
from tests.builders.tenant.tenants import person, policy_set, sku_id

P1, E3 = "AAD_PREMIUM", "SPE_E3"
COVERS = """policies:
- {id: p1, severity: high, seats: {of: [AAD_PREMIUM, SPE_E3], covers: users}}
"""
RULES = f"""{COVERS}- {{id: idle, severity: low, seats: {{of: paid, spare: {{max: 0}}}}}}
prices: {{currency: EUR, perSeatPerMonth: {{SPE_E3: 35.70, AAD_PREMIUM: 5.60}}}}
"""
WAIVED = "waivers: [{id: w, policies: [p1], reason: next year, owner: o, expires: 2027-01-31}]\n"
CHECK = "Check that the seats afterwards are enough for these policies, which count them: p1."
KEPT = (
    "10 more spare seats are not removed, because the policy p1 counts them for people who need one. To remove them "
    "too, buy seats of another product that the policy counts."
)
REPLACED = (
    "These policies count the removed seats for people who need one: p1. Seats that other actions buy replace them."
)


def state(*, p1: int, e3: int, people: int = 13, holders: int = 3) -> Any:
    users = [person(f"p{number}", *([E3] if number < holders else [])) for number in range(people)]
    products = [product(E3, e3, holders), product(P1, p1, 0), product("VISIOCLIENT", 0, 0)]
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
    assert CHECK not in actions["remove-seats-at-renewal"].prerequisites


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
    assert actions["bounds"].seats is not None
    assert actions["bounds"].seats.added == 0
    assert REPLACED not in actions["bounds"].prerequisites
    assert actions["cover"].count == 9, "three are missing, and six of the other product are removed"


@pytest.mark.parametrize(
    ("people", "rules", "removed", "note"),
    [
        (13, RULES, 7, KEPT),
        (3, RULES, 17, None),
        (13, RULES.replace("id: p1,", "id: p1, users: {department: Store},"), 17, CHECK),
        (13, RULES.replace("id: p1,", "id: p1, status: report-only,"), 17, None),
        (13, RULES.replace("covers: users", "spare: {min: 0}"), 17, None),
    ],
)
def test_removal_leaves_enough_seats_for_people_or_says_to_check(
    people: int, rules: str, removed: int, note: str | None
) -> None:
    removal = actions_of(state(p1=0, e3=20, people=people), rules)["remove-seats-at-renewal"]
    assert (removal.count, removal.money) == (removed, Money(currency="EUR", per_month=removed * Decimal("35.70")))
    assert [text for text in removal.prerequisites if "p1" in text] == [note] * (note is not None)


def test_only_removals_of_counted_products_are_replaced() -> None:
    """Six seats of E3 are removed, and eight of a product that the policy does not count."""
    users = [person(f"p{number}", *([E3] if number < 3 else [])) for number in range(13)]
    products = [product(E3, 9, 3), product(P1, 0, 0), product("VISIOCLIENT", 8, 0)]
    (tenant,) = audited(state_of(users, products, []), RULES).tenants
    removals = {action.count: action.prerequisites for action in tenant.actions if action.kind != "cover"}
    assert {count: REPLACED in notes for count, notes in removals.items()} == {6: True, 8: False}
    (purchase,) = [action for action in tenant.actions if action.kind == "cover"]
    assert (purchase.count, purchase.seats and purchase.seats.added) == (10, 10)


@pytest.mark.parametrize(("few", "removed", "kept"), [("{min: 0}", 8, 9), ("{min: 4}", 11, 6)])
def test_seats_that_are_bought_count_for_people(few: str, removed: int, kept: int) -> None:
    """One seat of P1 is spare; up to three more are bought. Of 17 spare seats of E3, people need 9, less those."""
    limits = f"- {{id: few, severity: low, seats: {{of: [AAD_PREMIUM], spare: {few}}}}}\n"
    limits += "- {id: other, severity: low, seats: {of: [VISIOCLIENT], spare: {min: 5}}}\nprices:"
    rules = RULES.replace("of: paid", "of: [SPE_E3]").replace("prices:", limits)
    actions = actions_of(state(p1=1, e3=20), rules)
    assert actions["remove-seats-at-renewal"].count == removed
    assert any(text.startswith(f"{kept} more spare") for text in actions["remove-seats-at-renewal"].prerequisites)


@pytest.mark.parametrize("order", [("p0", "p1"), ("p1", "p0")])
def test_policies_that_count_the_same_product_are_not_added_up(order: tuple[str, str]) -> None:
    """Nine seats are usable, and six of them are removed: one policy needs ten, the other thirteen."""
    covers = "- {{id: {}, severity: high{}, seats: {{of: [AAD_PREMIUM, SPE_E3], covers: users}}}}\n"
    policies = [covers.format(order[0], ", users: {department: Store}"), covers.format(order[1], "")]
    users = [person(f"p{n}", *([E3] if n < 3 else []), department="Store" if n < 10 else "IT") for n in range(13)]
    rules = RULES.replace(COVERS, f"policies:\n{''.join(policies)}")
    (tenant,) = audited(state_of(users, [product(E3, 9, 3), product(P1, 0, 0)], []), rules).tenants
    purchase = next(action for action in tenant.actions if action.kind == "cover")
    assert (purchase.count, len(purchase.findings)) == (10, 2)


@pytest.mark.parametrize(("unknown", "checked"), [(0, False), (2, True)])
def test_removal_says_to_check_if_it_is_not_known_who_needs_a_seat(unknown: int, *, checked: bool) -> None:
    users = [person(f"p{number}", *([E3] if number < 3 else []), department="Store") for number in range(5)]
    users += [person(f"u{number}", department=None, notCollected=["department"]) for number in range(unknown)]
    rules = RULES.replace("id: p1,", "id: p1, users: {department: Store},")
    (tenant,) = audited(state_of(users, [product(E3, 20, 3)], []), rules).tenants
    (removal,) = tenant.actions
    assert (removal.count, CHECK in removal.prerequisites) == (15, checked)


@pytest.mark.parametrize(
    ("prices", "removed"), [("", P1), ("AAD_PREMIUM: 5.60", P1), ("SPE_E3: 35.70", E3), ("SPE_E3: 0.10", E3)]
)
def test_seats_without_a_price_are_kept_before_others(prices: str, removed: str) -> None:
    """If neither has a price, those of the first skuId, which is that of E3."""
    assert sku_id(E3) < sku_id(P1)
    rules = f"{RULES.partition('prices:')[0]}prices: {{currency: EUR, perSeatPerMonth: {{{prices}}}}}\n"
    actions = actions_of(state(p1=5, e3=12, people=12), rules if prices else RULES.partition("prices:")[0])
    assert actions["remove-seats-at-renewal"].sku_id == sku_id(removed)


def test_actions_created_again_from_a_result_are_those_of_the_audit() -> None:
    """As when results are merged, or rendered in another language."""
    result = audited(state(p1=5, e3=20), RULES)
    again = with_actions(result, policy_set(RULES))
    assert tuple(again.tenants[0].actions) == tuple(result.tenants[0].actions)


def test_waived_shortage_changes_no_action() -> None:
    actions = actions_of(state(p1=1, e3=9), RULES + WAIVED)
    assert set(actions) == {"remove-seats-at-renewal"}
    assert not any("p1" in text for text in actions["remove-seats-at-renewal"].prerequisites)


def test_cheapest_seats_are_kept_and_removals_without_seats_ask_for_other_limits() -> None:
    actions = actions_of(state(p1=5, e3=12, people=12))
    assert set(actions) == {"bounds", "remove-seats-at-renewal"}
    limits, removal = actions["bounds"], actions["remove-seats-at-renewal"]
    assert limits.title == "Correct the limits of Microsoft Entra ID P1: no number of seats satisfies both"
    assert (removal.sku_id, removal.count) == (sku_id(E3), 5)
    assert limits.prerequisites[0].startswith("5 more spare seats are not removed")
    assert any(text.startswith("4 more spare seats are not removed") for text in removal.prerequisites)


def test_plan_suggests_and_follows_a_removal_that_leaves_enough_seats() -> None:
    tenant, rules = state(p1=0, e3=20), f"version: 1\n{RULES}"
    (question,) = decided_plan(rules, [tenant]).tenants[0].questions
    assert question.answers[0] == {"renewal": {"seats": 13, "renew": True}}
    plan = decided_plan(rules, [tenant], {"question": question.id, "answer": dict(question.answers[0])}).tenants[0]
    assert ([seats.enabled for seats in plan.decided_seats], plan.notices) == ([13], ())


GIVE = "policies:\n- {id: give, severity: high, assignments: {require: [AAD_PREMIUM]}}"


@pytest.mark.parametrize(("limited", "kind"), [("SPE_E3", "cover"), ("paid", "buy")])
def test_seats_bought_for_people_are_bought_once_and_cost_nothing_when_assigned(limited: str, kind: str) -> None:
    rules = RULES.replace("of: [AAD_PREMIUM, SPE_E3]", "of: AAD_PREMIUM").replace("policies:", GIVE)
    rules = rules.replace("of: paid", f"of: {limited}")
    actions = actions_of(state(p1=3, e3=3), rules)
    assert set(actions) == {kind, "assign"}
    assert (actions[kind].count, actions["assign"].count) == (10, 13)
    assert {name: action.costs for name, action in actions.items()} == {
        kind: Money(currency="EUR", per_month=10 * Decimal("5.60")),
        "assign": None,  # ten of the seats are bought, and the other three are spare
    }
    assert actions["assign"].prerequisites[0].endswith("another action shows how many are missing.")
    assert len(actions["assign"].requests) == 13, "the set in the policy is a single product"


def test_larger_purchase_is_enough_for_people_and_for_assigned_seats() -> None:
    rules = RULES.replace("of: [AAD_PREMIUM, SPE_E3]", "of: AAD_PREMIUM").replace("{max: 0}", "{min: 0}")
    users = [person(f"p{number}", *([P1] if number < 4 else [])) for number in range(13)]
    actions = actions_of(state_of(users, [product(P1, 3, 4)], [subscription(P1, 3, "2027-06-01")]), rules)
    assert {kind: (action.count, len(action.findings)) for kind, action in actions.items()} == {"cover": (10, 2)}


def test_decided_removal_of_missing_seats_stays_and_is_replaced() -> None:
    tenant, rules = state(p1=1, e3=9), f"version: 1\n{RULES}"
    (question,) = [one for one in decided_plan(rules, [tenant]).tenants[0].questions if one.products == (P1,)]
    answer = {"question": question.id, "answer": {"renewal": {"seats": 0, "renew": True}}}
    actions = decided_plan(rules, [tenant], answer).tenants[0].actions
    assert [(action.kind, action.count) for action in actions if action.sku_id == sku_id(P1)] == [
        ("remove-seats-at-renewal", 1)
    ]
    (purchase,) = [action for action in actions if action.kind == "cover"]
    assert purchase.count == 10, "three are missing, and seven are removed"
    assert [a.seats.added for a in actions if a.sku_id == sku_id(P1) and a.seats is not None] == [-1]
