"""Actions about too many holders: only people whom no other action unassigns are left to choose."""

from random import Random

import pytest

from auditor.domain.actions.action import Action
from tests.builders.tenant.crowded_tenant import audited, product, state_of
from tests.builders.tenant.tenants import bought, person, sku_id

LEAVERS = "- {id: leavers, severity: low, users: {accountEnabled: false}, assignments: {of: paid, allow: []}}"
STORE = "- {id: store, severity: low, users: {department: Store, accountEnabled: true}, assignments: {require: [E5]}}"


def actions_of(held: int, blocked: int, rule: str, *, waiting: int = 0) -> dict[str, Action]:
    """Return the actions by kind; some holders have blocked accounts, and other people wait for the product."""
    people = [person(f"p{n}", "SPE_E5", accountEnabled=n >= blocked) for n in range(held)]
    people += [person(f"w{n}", department="Store") for n in range(waiting)]
    rules = "\n".join(["policies:", LEAVERS, STORE.replace("E5", "SPE_E5"), f"- {{id: few, severity: high, {rule}}}"])
    state = state_of(people, [product("SPE_E5", held + waiting, held)], [])
    return {action.kind: action for action in audited(state, rules).tenants[0].actions}


@pytest.mark.parametrize("seed", range(16))
def test_numbers_to_choose_are_those_of_a_simulation(seed: int) -> None:
    """Two products have the same quota; some holders have blocked accounts, and other people wait for a product."""
    random = Random(seed)
    maximum, waits = random.choice(["0", "3", "7", "'50%'", "'80%'"]), random.choice(["SPE_E5", "SPE_F1"])
    share, waiting = int(maximum.strip("'%")), random.choice([0, 2])

    def keeps(holders: int) -> bool:
        return holders <= share if maximum.isdecimal() else 100 * holders <= share * holders

    users = [person(f"w{number}", department="Store") for number in range(waiting)]
    products, expected, found = [product("SPE_F1", waiting, 0)], {}, waiting
    for part in ("SPE_E5", "VISIOCLIENT"):
        held = random.randint(1, 9)
        blocked = random.randint(0, held)
        users += [person(f"{part}{number}", part, accountEnabled=number >= blocked) for number in range(held)]
        products.append(product(part, held + waiting, held))
        left = held - blocked + (waiting if part == waits else 0)
        chosen = next(number for number in range(left + 1) if keeps(left - number))
        found += blocked + (not keeps(held))
        if chosen and not keeps(held):  # a finding is about the holders of today
            expected[sku_id(part)] = chosen
    few = "- {id: few, severity: high, seats: {of: [SPE_E5, VISIOCLIENT], assigned: {max: MAXIMUM}}}"
    rules = "\n".join(["policies:", LEAVERS, STORE.replace("E5", waits), few.replace("MAXIMUM", maximum)])
    actions = audited(state_of(users, products, []), rules).tenants[0].actions
    chosen_by_product = {a.seats.sku_id: a.count for a in actions if a.kind == "quota" and a.seats is not None}
    assert chosen_by_product == expected
    covered = [finding for action in actions for finding in action.findings]
    assert len(covered) == len(set(covered)) == found


@pytest.mark.parametrize(
    ("users", "count", "note"),
    [("{accountEnabled: false}", 0, False), ("{userPrincipalName: {matches: 'p*'}}", 4, True)],
)
def test_people_are_left_out_only_if_the_policy_certainly_counts_them(users: str, count: int, note: bool) -> None:  # noqa: FBT001
    actions = actions_of(6, 3, f"users: {users}, seats: {{of: [SPE_E5], assigned: {{max: 2}}}}")
    assert (actions["quota"].count if "quota" in actions else 0) == count
    notes = [text for action in actions.values() for text in action.prerequisites if "unassign the product" in text]
    assert [text.partition(".")[0] for text in notes] == (
        ["Other actions unassign the product from 3 people"] if note else []
    )


@pytest.mark.parametrize(("maximum", "count"), [("", 4), (", max: 5", None)])
def test_minimum_of_all_seats_asks_who_loses_the_product_instead_of_buying_seats(
    maximum: str, count: int | None
) -> None:
    """A maximum besides contradicts it: then the limits have to be corrected."""
    actions = actions_of(10, 6, f"seats: {{of: [SPE_E5], spare: {{min: '100%'{maximum}}}}}", waiting=6)
    del actions["assign"]
    assert set(actions) == {"unassign", "bounds" if count is None else "quota"}
    if count is not None:
        assert actions["quota"].count == count + 6
        assert actions["quota"].guidance == "unassign-licenses"


def test_quota_of_a_pool_leaves_nobody_out() -> None:
    """Whoever loses one product of the pool may still have another one."""
    actions = actions_of(6, 3, "seats: {of: [SPE_E5, SPE_E3], pool: true, assigned: {max: 2}}")
    assert (actions["quota"].count, actions["unassign"].count) == (4, 3)


def test_people_who_move_to_another_product_are_left_out() -> None:
    rules = """policies:
- {id: shop, severity: low, users: {department: Shop}, assignments: {of: paid, allow: [SPE_F1], require: [SPE_F1]}}
- {id: few, severity: high, seats: {of: [SPE_E5], assigned: {max: 2}}}
"""
    people = [person(f"p{n}", "SPE_E5", department="Shop" if n < 3 else "Office") for n in range(8)]
    state = state_of(people, [product("SPE_E5", 8, 8), product("SPE_F1", 3, 0)], [])
    counts = {action.kind: action.count for action in audited(state, rules).tenants[0].actions}
    assert counts == {"move": 3, "quota": 3}


def test_number_to_choose_is_that_of_the_finding_if_the_seats_are_not_known() -> None:
    rules = f"policies:\n{LEAVERS}\n- {{id: few, severity: high, seats: {{of: [SPE_E5], assigned: {{max: 1}}}}}}"
    people = [person(f"p{n}", "SPE_E5", accountEnabled=n > 0) for n in range(4)]
    state = state_of(people, [bought("SPE_E5", None, 4)], [])
    counts = {action.kind: action.count for action in audited(state, rules).tenants[0].actions}
    assert counts == {"unassign": 1, "quota": 2}


def test_share_of_the_assigned_seats_becomes_smaller_with_those_that_are_freed() -> None:
    """Of 100 holders, 20 are contractors: once 12 of them have lost the product, 8 of 88 are at most 10 %."""
    rules = """policies:
- {id: few, severity: high, users: {department: Contractors}, seats: {of: [SPE_E5], assigned: {max: 10%}}}
prices: {currency: EUR, perSeatPerMonth: {SPE_E5: 50}}
"""
    people = [person(f"p{n}", "SPE_E5", department="Contractors" if n < 20 else "Office") for n in range(100)]
    result = audited(state_of(people, [product("SPE_E5", 100, 100)], []), rules).tenants[0]
    (action,) = result.actions
    (finding,) = result.findings
    assert (action.kind, action.count) == ("quota", 12)
    assert finding.evidence["maximum"] == 10
    assert finding.money is not None
    assert finding.money.per_month == 12 * 50
