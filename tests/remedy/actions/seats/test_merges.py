"""Purchases of seats that people need in number: seats that come with larger products are bought once, and enough."""

from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.domain.result.model import TenantResult
from tests.builders.tenant.crowded_tenant import audited, product, state_of
from tests.builders.tenant.tenants import bought, person, tenant, user

PARTS = {
    "Microsoft 365 F3": "SPE_F1",
    "Microsoft 365 E3": "SPE_E3",
    "Microsoft 365 E5": "SPE_E5",
    "Visio Plan 2": "VISIOCLIENT",
}
PRICES = f"prices: {{currency: EUR, perSeatPerMonth: {{{', '.join(f'{part}: 1' for part in PARTS.values())}}}}}\n"
Sets = Mapping[str, str]
"""Policy → the products that it counts, as it writes them."""


def result_of(sets: Sets, people: Mapping[str, int], owned: Mapping[str, int], more: str = "") -> TenantResult:
    """Audit a tenant in which some people of each policy need a seat of its products."""
    rules = [
        f"- {{id: {name}, severity: low, users: {{department: {name}}}, seats: {{of: [{of}], covers: users}}}}\n"
        for name, of in sets.items()
    ]
    users = [user(f"{name}{number}", department=name) for name, count in people.items() for number in range(count)]
    products = [bought(part, seats, 0) for part, seats in owned.items()]
    (result,) = audited(tenant(*users, subscribedSkus=products), "".join(["policies:\n", *rules, more, PRICES])).tenants
    return result


def purchases(result: TenantResult) -> dict[str, tuple[int, int]]:
    """Return the missing seats that each action names, and those that it buys for 1 EUR each, by part number."""
    seats: dict[str, tuple[int, int]] = {}
    for action in result.actions:
        assert action.title_arguments is not None
        cost = 0 if action.costs is None else int(action.costs.per_month)
        seats[PARTS[action.title_arguments.old]] = action.count, cost
    return seats


F3_SUITES = {"a": "SPE_F1, SPE_E3, SPE_E5", "b": "SPE_E3, SPE_E5", "c": "SPE_E5"}
"""Each policy also counts the products of the following ones."""
NEXT_ONLY = {"a": "SPE_F1, SPE_E3", "b": "SPE_E3, SPE_E5", "c": "SPE_E5"}
"""Each policy also counts the first product of the next one."""
ONE_LARGER = {"a": "SPE_F1, SPE_E3, SPE_E5", "b": "SPE_E3", "c": "SPE_E5"}
SAME_PRODUCT = {"a": "SPE_F1, SPE_E5", "b": "SPE_F1", "c": "SPE_E5"}
MUTUAL = {"a": "SPE_F1, SPE_E3", "b": "SPE_E3, SPE_F1"}


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    ("sets", "people", "expected"),
    [
        (F3_SUITES, (5, 3, 2), {"SPE_F1": (5, 2), "SPE_E3": (3, 1), "SPE_E5": (2, 2)}),
        (F3_SUITES, (3, 3, 2), {"SPE_E3": (3, 1), "SPE_E5": (2, 2)}),
        (F3_SUITES, (2, 2, 2), {"SPE_E5": (2, 2)}),
        (F3_SUITES, (4, 2, 2), {"SPE_F1": (4, 2), "SPE_E5": (2, 2)}),
        (NEXT_ONLY, (1, 2, 3), {"SPE_F1": (1, 1), "SPE_E5": (3, 3)}),
        (NEXT_ONLY, (3, 4, 3), {"SPE_F1": (3, 2), "SPE_E3": (4, 1), "SPE_E5": (3, 3)}),
        (ONE_LARGER, (4, 2, 5), {"SPE_E3": (2, 2), "SPE_E5": (5, 5)}),
        (ONE_LARGER, (6, 2, 5), {"SPE_F1": (6, 0), "SPE_E3": (2, 2), "SPE_E5": (5, 5)}),
        (SAME_PRODUCT, (1, 5, 6), {"SPE_F1": (5, 5), "SPE_E5": (6, 6)}),
        (MUTUAL, (3, 2, 0), {"SPE_F1": (3, 3), "SPE_E3": (2, 2)}),
    ],
)
def test_seats_of_larger_products_are_counted_once(
    sets: Sets, people: tuple[int, int, int], expected: dict[str, tuple[int, int]], *, reverse: bool
) -> None:
    """The order of the policies, and so their ids, does not matter."""
    names = {name: f"{'cba'.index(name) if reverse else 'abc'.index(name)}-{name}" for name in sets}
    renamed = {names[name]: of for name, of in sorted(sets.items(), reverse=reverse)}
    result = result_of(renamed, {names[name]: count for name, count in zip("abc", people, strict=True) if count}, {})
    assert purchases(result) == expected
    listed = [fingerprint for action in result.actions for fingerprint in action.findings]
    assert sorted(listed) == sorted(finding.fingerprint for finding in result.findings)


def test_purchase_names_the_missing_seats_that_it_also_covers_with_their_price() -> None:
    (action,) = result_of(F3_SUITES, {"a": 2, "b": 1, "c": 2}, {}).actions
    assert [text for text in action.prerequisites if "also cover" in text] == [
        "Missing seats of Microsoft 365 F3 that these seats also cover: 2 (€2.00 a month).",
        "Missing seats of Microsoft 365 E3 that these seats also cover: 1 (€1.00 a month).",
    ]


def test_larger_purchase_for_spare_seats_is_not_increased_by_seats_of_larger_products() -> None:
    """Five people need E3 or E5: two seats of E5 are bought, and four of E3 to have them spare."""
    spare = "- {id: spare, severity: low, seats: {of: [SPE_E3], spare: {min: 4}}}\n"
    result = result_of({"b": "SPE_E3, SPE_E5", "c": "SPE_E5"}, {"b": 5, "c": 2}, {"SPE_E3": 0}, spare)
    assert purchases(result) == {"SPE_E3": (4, 4), "SPE_E5": (2, 2)}
    action = next(action for action in result.actions if action.kind == "buy")
    assert (action.count, action.seats and action.seats.added, len(action.findings)) == (4, 4, 2)


@pytest.mark.parametrize("severity", ["low", "high"])
def test_limit_on_purchased_seats_joins_the_removal_and_not_the_action_about_people(severity: str) -> None:
    more = f"""- {{id: idle, severity: medium, seats: {{of: [SPE_E3], spare: {{max: 0}}}}}}
- {{id: cap, severity: {severity}, seats: {{of: [SPE_E3], purchased: {{max: 1}}}}}}
- {{id: nobody, severity: medium, users: {{department: Left}}, assignments: {{of: [SPE_E3], allow: []}}}}
"""
    people = [person(f"p{number}", "SPE_E3", department="Left" if number else "Office") for number in range(3)]
    (result,) = audited(state_of(people, [product("SPE_E3", 10, 3)], []), f"policies:\n{more}").tenants
    assert {action.kind: (action.count, len(action.findings)) for action in result.actions} == {
        "unassign": (2, 2),
        "remove-seats-at-renewal": (9, 2),
    }


@st.composite
def needs(draw: st.DrawFn) -> tuple[dict[str, str], dict[str, int], dict[str, int]]:
    """Draw the products of policies, of which the first one is bought, the people of each, and the seats owned."""
    parts, sets = [*PARTS.values()] * 2, {}
    for name in draw(st.sampled_from(["ab", "ba", "abc", "cba", "abcd", "dcba"])):
        first = draw(st.integers(0, len(PARTS) - 1))
        sets[name] = ", ".join(parts[first : first + draw(st.integers(1, 3))])
    counts = st.integers(0, 4)
    return sets, {name: draw(counts) for name in sets}, {part: draw(st.integers(0, 1)) for part in PARTS.values()}


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(needs())
def test_buying_the_seats_leaves_nobody_without_one(
    case: tuple[dict[str, str], dict[str, int], dict[str, int]],
) -> None:
    sets, people, owned = case
    seats = {part: bought_seats for part, (_, bought_seats) in purchases(result_of(sets, people, owned)).items()}
    after = result_of(sets, people, {part: count + seats.get(part, 0) for part, count in owned.items()})
    assert not after.findings
