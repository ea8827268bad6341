"""Which action is about the seats of a product, if several policies and actions are about them."""

from typing import Any

import pytest

from auditor.domain.actions.action import Action
from tests.builders.tenant.crowded_tenant import audited, product, state_of, subscription
from tests.builders.tenant.tenants import bought, path, person, sku_id

F3, E3, VISIO = "SPE_F1", "SPE_E3", "VISIOCLIENT"
POOL = "- {id: pool, severity: high, seats: {of: [SPE_F1, SPE_E3], pool: true, spare: {max: 2}}}\n"
IDLE = "- {id: idle, severity: low, seats: {of: [SPE_F1], spare: {max: 0}}}\n"
ENOUGH = "- {id: enough, severity: high, seats: {of: [SPE_F1], spare: {min: 0}}}\n"
LEAVERS = "- {id: leavers, severity: low, users: {accountEnabled: false}, assignments: {of: paid, allow: []}}\n"
LEFT = "- {id: left, severity: low, users: {department: Left}, assignments: {of: [SPE_F1], allow: []}}\n"
STORE = "- {id: store, severity: low, users: {department: Store}, assignments: {require: [SPE_F1]}}\n"
MOVED = """- id: moved
  severity: low
  users: {department: Moved}
  assignments: {of: [SPE_E3, SPE_F1], allow: [SPE_F1], require: [SPE_F1]}
"""
CHOICE = "- {id: store, severity: low, users: {department: Store}, assignments: {require: [suite]}}\n"
OVERLAP = "- {id: one, severity: low, assignments: {exclusive: [[SPE_F1, SPE_E3]]}}\n"
SUITE = "products: {suite: [SPE_F1, SPE_E3]}\n"
ELSEWHERE = (
    "There are not enough spare seats of Microsoft 365 F3 for everybody who should get it; another action shows how "
    "many are missing."
)


def actions_of(
    rules: str, seats: dict[str, tuple[int | None, int | None]], *people: tuple[int, str, str | None], **facts: Any
) -> list[Action]:
    """Return the actions of a tenant; `people` are numbers of people with a department and a product."""
    users = [
        person(f"{department}{number}", *filter(None, [part]), department=department, **facts)
        for count, department, part in people
        for number in range(count)
    ]
    for row in users:
        row["accountEnabled"] = row["department"] != "Leaver"
    state = state_of(users, [product(part, *units) for part, units in seats.items()], [])  # type: ignore[arg-type]
    return list(audited(state, f"{SUITE}policies:\n{rules}").tenants[0].actions)


def counts(actions: list[Action]) -> list[tuple[str, int, int]]:
    """Return kind, number of seats or people, and number of findings of each action, by kind."""
    return sorted((action.kind, action.count, len(action.findings)) for action in actions)


REMOVE = "remove-seats-at-renewal"


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (POOL, [(REMOVE, 10, 1)]),
        (POOL + IDLE.replace("[SPE_F1], spare: {max: 0", "[SPE_E3], spare: {min: 4"), [(REMOVE, 10, 1)]),
        (POOL + IDLE, [(REMOVE, 7, 1), ("seats-settled", 1, 1)]),
        (POOL.replace(E3, VISIO) + IDLE.replace(F3, VISIO), [(REMOVE, 9, 1), ("seats-settled", 1, 1)]),
        (POOL + IDLE.replace(F3, VISIO), [(REMOVE, 9, 1), (REMOVE, 10, 1)]),
        (
            POOL + POOL.replace("pool,", "larger,").replace("[SPE_F1", "[SPE_E5, SPE_F1"),
            [(REMOVE, 10, 1), ("seats-settled", 1, 1)],
        ),
    ],
)
def test_seats_of_a_pool_are_those_of_one_action(rules: str, expected: list[tuple[str, int, int]]) -> None:
    seats: dict[str, tuple[int | None, int | None]] = {F3: (10, 3), E3: (5, 0), VISIO: (9, 0)}
    actions = actions_of(rules, seats, (3, "Office", F3))
    assert counts(actions) == expected
    for action in actions:
        assert (action.seats is None) == (" + " in action.title), "only a single product has its seats with the action"
        if action.kind == "seats-settled":
            assert action.title.startswith("Check the seats of Microsoft 365 ")
            assert not any("Seats afterwards" in text for text in action.prerequisites), "others change them"


def test_contradicting_limits_of_two_policies_are_one_action() -> None:
    rules = ENOUGH.replace("min: 0", "min: 5") + IDLE.replace("max: 0", "max: 2")
    assert counts(actions_of(rules, {F3: (10, 7)}, (7, "Office", F3))) == [("bounds", 1, 2)]


@pytest.mark.parametrize(("waived", "bought"), [("others", 7), ("five", 2)])
def test_waived_limit_does_not_count(waived: str, bought: int) -> None:
    """Two seats are missing, or seven to have five spare."""
    waiver = f"waivers: [{{id: w, policies: [{waived}], reason: r, owner: o, expires: 2027-01-31}}]\n"
    others = STORE.replace("id: store", "id: others") + ENOUGH.replace("id: enough", "id: five").replace("0", "5")
    actions = actions_of(f"{ENOUGH}{others}{waiver}", {F3: (5, 7)}, (7, "Office", F3))
    assert counts(actions) == [("buy", bought, 2 if waived == "others" else 1)]


@pytest.mark.parametrize(("leavers", "left", "resolving"), [(3, 1, "leavers"), (1, 3, "left"), (1, 1, "left")])
def test_action_that_frees_most_seats_resolves_the_missing_ones(leavers: int, left: int, resolving: str) -> None:
    """Seats are missing for the first three people; if two actions free as many, the worst finding decides."""
    rules = LEAVERS + LEFT.replace("severity: low", "severity: medium") + ENOUGH
    held = 3 + leavers + left
    actions = actions_of(rules, {F3: (held - 1, held)}, (3, "Office", F3), (leavers, "Leaver", F3), (left, "Left", F3))
    assert {action.concern.policies[-1]: len(action.findings) for action in actions if action.concern} == {
        "leavers": leavers + (resolving == "leavers"),
        "left": left + (resolving == "left"),
    }


@pytest.mark.parametrize(("store", "moved", "kind"), [(3, 1, "assign"), (1, 3, "move")])
def test_action_that_fills_most_seats_resolves_the_idle_ones(store: int, moved: int, kind: str) -> None:
    seats: dict[str, tuple[int | None, int | None]] = {F3: (4, 0), E3: (moved, moved)}
    actions = {a.kind: a for a in actions_of(STORE + MOVED + IDLE, seats, (store, "Store", None), (moved, "Moved", E3))}
    assert {
        name: "idle" in (action.concern.policies if action.concern else ()) for name, action in actions.items()
    } == {
        "assign": kind == "assign",
        "move": kind == "move",
    }


@pytest.mark.parametrize(
    ("seats", "moved", "leavers", "short"),
    [
        ((2, 0), 0, 0, 0),
        ((1, 0), 0, 0, 1),
        ((9, 0), 3, 0, 0),
        ((3, None), 0, 0, 0),
        ((None, 0), 0, 0, 0),
        ((1, 0), 3, 0, 4),
        ((1, 0), 1, 0, 2),
        ((4, 2), 3, 2, 1),
        ((3, 2), 3, 2, 2),
    ],
)
def test_missing_seats_are_named_by_the_action_about_most_people(
    seats: tuple[int | None, int | None], moved: int, leavers: int, short: int
) -> None:
    """Two people get a seat, up to three move to the product, and up to two lose it."""
    people = (2, "Store", None), (moved, "Moved", E3), (leavers, "Leaver", F3)
    actions = actions_of(STORE + MOVED + LEAVERS, {F3: seats, E3: (moved, moved)}, *people)
    texts = {action.kind: "\n".join(action.prerequisites) for action in actions if action.kind != "unassign"}
    naming = "move" if moved > 2 else "assign"
    sentence = f"{short} seat{'s' * (short > 1)} of Microsoft 365 F3 {'are' if short > 1 else 'is'} missing"
    assert {kind: sentence in text for kind, text in texts.items()} == {
        kind: bool(short) and kind == naming for kind in texts
    }
    assert {kind: ELSEWHERE in text for kind, text in texts.items()} == {
        kind: bool(short) and kind != naming for kind in texts
    }


def waiting(holders: int, limit: str, group: str | None) -> dict[str, Action]:
    """Return the actions by kind; three people wait for one of three seats, which others hold."""
    error = path(F3, group, state="Error", error="CountViolation")
    users = [person(f"w{number}", paths=[error]) for number in range(3)]
    users += [person(f"h{number}", F3) for number in range(holders)]
    rules = f"policies:\n- {{id: errors, severity: high, health: {{errors: deny}}}}\n{limit}"
    (tenant,) = audited(state_of(users, [product(F3, 3, holders)], []), rules).tenants
    return {action.kind: action for action in tenant.actions}


@pytest.mark.parametrize("group", ["g1", None])
def test_people_whose_licence_waits_for_a_seat_need_one(group: str | None) -> None:
    assert waiting(4, ENOUGH, group)["buy"].count == 4, "one seat is missing today, and three people wait for one"
    if group:
        notes = waiting(2, "", group)["reprocess"].prerequisites
        assert any(text.startswith("2 seats of Microsoft 365 F3 are missing") for text in notes)


@pytest.mark.parametrize(("units", "known"), [((5, 3), True), ((None, 3), False), ((5, None), False)])
def test_action_has_no_seats_of_a_product_without_numbers(units: tuple[int | None, int | None], *, known: bool) -> None:
    (action,) = actions_of(LEFT, {F3: units}, (3, "Left", F3))
    assert (action.kind, action.seats is not None) == ("unassign", known)


def test_seats_of_locked_subscriptions_can_be_brought_back() -> None:
    state = "- {id: state, severity: low, subscriptions: {of: paid, states: {deny: [LockedOut]}}}\n"
    row = bought(F3, 0, 3, lockedOut=3)
    users = [person(f"p{number}", F3) for number in range(3)]
    locked = subscription(F3, 3, "2027-01-01", "LockedOut")
    (tenant,) = audited(state_of(users, [row], [locked]), f"policies:\n{ENOUGH}{state}").tenants
    assert counts(list(tenant.actions)) == [("subscription-state", 1, 2)]


@pytest.mark.parametrize(
    ("held", "old", "expected", "recent"),
    [
        (5, 0, ("buy", 2), None),
        (2, 0, ("remove-seats", 1), "1 of these seats was bought"),
        (5, 4, ("remove-seats", 2), "2 of these seats were bought"),
        (1, 4, (REMOVE, 6), "3 of these seats were bought"),
    ],
)
def test_only_seats_to_remove_are_compared_with_recent_purchases(
    held: int, old: int, expected: tuple[str, int], recent: str | None
) -> None:
    """Three seats were bought two days ago, and perhaps others earlier."""
    rows = [{**subscription(F3, 3, "2027-01-01"), "createdDateTime": "2026-11-18T00:00:00Z"}]
    rows += [subscription(F3, old, "2027-02-01")] if old else []
    users = [person(f"p{number}", F3) for number in range(held)]
    state = state_of(users, [product(F3, 3 + old, held)], rows)
    (action,) = audited(state, f"policies:\n{ENOUGH}{IDLE}").tenants[0].actions
    assert (action.kind, action.count) == expected
    notes = [text for text in action.prerequisites if "less than 7 days ago" in text]
    assert [text.startswith(recent or "") for text in notes] == [True] * (recent is not None)


@pytest.mark.parametrize(
    ("rules", "held", "undecided"),
    [(STORE, None, None), (CHOICE, None, 2), (OVERLAP, "both", 2), (MOVED.replace("Moved", "Store"), E3, None)],
)
def test_open_decisions_about_products_are_counted(rules: str, held: str | None, undecided: int | None) -> None:
    """Two people get one of two products, keep one of two, or get this one."""
    users = [
        person(f"p{n}", *([F3, E3] if held == "both" else filter(None, [held])), department="Store") for n in (1, 2)
    ]
    consumed = 2 if held == "both" else 0
    rows = [product(F3, 9, consumed), product(E3, 9, 0 if held is None else 2)]
    (tenant,) = audited(state_of(users, rows, []), f"{SUITE}policies:\n{rules}{IDLE}").tenants
    (removal,) = [action for action in tenant.actions if action.kind == REMOVE and action.sku_id == sku_id(F3)]
    assert removal.seats is not None
    assert removal.seats.undecided == undecided
    for sentence in ("Not counted: 2 open decisions", "While decisions are open, auditor plan can propose"):
        assert any(sentence in text for text in removal.prerequisites) is (undecided is not None)
