"""Removals and purchases of seats that people need in number: together, they leave enough seats to everybody."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct
from msgspec.structs import replace

from auditor.domain.actions.kind import REMOVING
from auditor.domain.result.model import TenantResult
from tests.builders.tenant.crowded_tenant import audited, product, state_of
from tests.builders.tenant.tenants import person

PARTS = {
    "Microsoft 365 F3": "SPE_F1",
    "Microsoft 365 E3": "SPE_E3",
    "Microsoft 365 E5": "SPE_E5",
}


class Case(Struct, frozen=True):
    """The products of each policy and its people, the seats and holders of each product, and its limits."""

    sets: dict[str, str]
    people: dict[str, int]
    seats: dict[str, tuple[int, int]]
    limits: dict[str, str]
    prices: dict[str, int]


def result_of(case: Case) -> TenantResult:
    covers = [
        f"- {{id: {name}, severity: low, users: {{department: {name}}}, seats: {{of: [{of}], covers: users}}}}\n"
        for name, of in case.sets.items()
    ]
    limits = [
        f"- {{id: limit-{part[4:].lower()}, severity: low, seats: {{of: [{part}], spare: {limit}}}}}\n"
        for part, limit in case.limits.items()
    ]
    prices = ", ".join(f"{part}: {price}" for part, price in case.prices.items())
    text = "".join(["policies:\n", *covers, *limits, f"prices: {{currency: EUR, perSeatPerMonth: {{{prices}}}}}\n"])
    users = [person(f"{name}{n}", department=name) for name, count in case.people.items() for n in range(count)]
    users += [
        person(f"{part}{n}", part, department="Other") for part, (_, count) in case.seats.items() for n in range(count)
    ]
    return audited(state_of(users, [product(part, *units) for part, units in case.seats.items()], []), text).tenants[0]


def changes(case: Case, result: TenantResult) -> dict[str, int]:
    """Return the seats that the actions buy (+) or remove (−), by part number."""
    change = dict.fromkeys(case.seats, 0)
    for action in result.actions:
        assert action.title_arguments is not None
        part = PARTS[action.title_arguments.old]
        if action.kind in REMOVING:
            change[part] -= action.count
        elif action.kind == "buy":
            change[part] += action.count
        elif action.kind == "cover" and action.costs is not None:
            change[part] += int(action.costs.per_month) // case.prices[part]
    return change


@st.composite
def cases(draw: st.DrawFn) -> Case:
    parts = [*PARTS.values()]
    sets = {}
    for name in draw(st.sampled_from(["a", "ab", "ba", "abc"])):
        first = draw(st.integers(0, len(parts) - 1))
        sets[name] = ", ".join([*parts, *parts][first : first + draw(st.integers(1, 3))])
    people = {name: draw(st.integers(0, 8)) for name in sets}
    seats = {part: (draw(st.integers(0, 9)), draw(st.integers(0, 2))) for part in parts}
    limits = st.sampled_from(["{max: 0}", "{max: 0}", "{max: 2}", "{min: 1}", "{min: 1, max: 3}"])
    chosen = {part: draw(limits) for part in draw(st.lists(st.sampled_from(parts), unique=True))}
    return Case(sets, people, seats, chosen, {part: draw(st.integers(1, 3)) for part in parts})


@pytest.mark.slow
@settings(max_examples=30, deadline=None)
@given(cases())
def test_removals_and_purchases_leave_enough_seats(case: Case) -> None:
    result = result_of(case)
    change = changes(case, result)
    after = {part: (enabled + change[part], consumed) for part, (enabled, consumed) in case.seats.items()}
    remaining = result_of(replace(case, seats=after)).findings
    assert not [finding for finding in remaining if finding.check == "seats.not-covered"], change
