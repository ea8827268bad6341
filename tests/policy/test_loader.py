"""Loading of policy files: parsed values, defaults, errors, and independence of file names and order."""

from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import permutations
from math import ceil
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.domain.errors import Diagnostic, InputError, Level
from auditor.domain.policy.model import (
    Assignments,
    Attributes,
    Balance,
    Bound,
    Budget,
    Health,
    Policy,
    PolicySet,
    Purchases,
    Seats,
    Subscriptions,
)
from auditor.domain.policy.prices import seat_prices
from auditor.domain.policy.product_set import EVERY_PRODUCT, PAID_PRODUCTS
from auditor.domain.policy.selector import EVERYBODY, Licensed, Not, OneOf, Population, atoms
from auditor.policy.loader import load

POPULATIONS = "version: 1\npopulations: {staff: {userType: Member}, outside: {not: staff}}\n"
POLICIES = "version: 1\npolicies:\n- {id: b, severity: low, users: staff, assignments: {allow: [set]}}\n- {id: a, severity: high, users: outside, assignments: {deny: paid}}\n"
PRODUCTS = "version: 1\nproducts: {set: [SPE_E3, free], free: [MY_FREE]}\nwaivers: [{id: w, policies: '*', reason: r, owner: o, expires: 2027-01-01}]\n"
PRICES = "version: 1\nprices: {currency: EUR, perSeatPerMonth: {SPE_E3: 35.70}}\n"
FILES = [("a.yaml", POPULATIONS), ("b.yaml", POLICIES), ("c.yaml", PRODUCTS), ("d.yaml", PRICES)]


def loaded(text: str) -> PolicySet:
    return load([("p.yaml", f"version: 1\n{text}".encode())]).policies


def block(text: str) -> Any:
    return policy(text).constraint


def policy(text: str) -> Policy:
    (parsed,) = loaded(f"policies: [{{id: a, severity: high, {text}}}]").policies
    return parsed


def slugs(*texts: str, **options: Any) -> list[str]:
    with pytest.raises(InputError) as caught:
        load([(f"{number}.yaml", f"version: 1\n{text}".encode()) for number, text in enumerate(texts)], **options)
    return [item.slug for item in caught.value.diagnostics]


def test_names_are_resolved_across_files_in_any_order() -> None:
    sets = [load([(name, text.encode()) for name, text in order]).policies for order in permutations(FILES)]
    assert len({policy_set.digest for policy_set in sets}) == 1
    assert all(policy_set == sets[0] for policy_set in sets)
    policies = sets[0].policies
    assert [item.id for item in policies] == ["a", "b"]
    staff = OneOf(property="userType", values=("Member",))
    selectors = [item.users.selector for item in policies if isinstance(item.users, Population)]
    assert selectors == [Not(part=Population(name="staff", selector=staff)), staff]
    assert [atoms(item.users) for item in policies] == [(staff,), (staff,)]


@pytest.mark.slow
def test_digest_depends_on_content_and_not_on_layout() -> None:
    spaced = POLICIES.replace("- {id: b, severity: low", "# a comment\n\n- {severity:   low, id:   b")
    moved = [("zzz/other.yml", spaced), *FILES[2:], FILES[0]]
    assert (
        load([(n, t.encode()) for n, t in moved]).policies.digest
        == load([(n, t.encode()) for n, t in FILES]).policies.digest
    )
    changed = [(name, text.replace("35.70", "35.71")) for name, text in FILES]
    assert (
        load([(n, t.encode()) for n, t in changed]).policies.digest
        != load([(n, t.encode()) for n, t in FILES]).policies.digest
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("seats: {spare: {min: 5}}", Seats(minimum=Bound(seats=5, written="5"))),
        ("seats: {spare: {max: 2.5%}}", Seats(maximum=Bound(percent=Fraction(5, 2), written="2.5%"))),
        (
            "seats: {spare: {max: {percent: 5, seats: 10}}}",
            Seats(maximum=Bound(percent=Fraction(5), seats=10, written="{percent: 5, seats: 10}")),
        ),
        ("seats: {assigned: {max: 50}, pool: true, graceUnits: ignore}", Seats(quota=Bound(seats=50, written="50"), pool=True, count_grace_units=False)),
        ("seats: {assigned: {max: 10%}}", Seats(quota=Bound(percent=Fraction(10), written="10%"))),
        ("seats: {purchased: {max: 300}}", Seats(purchased=300)),
        ("seats: {covers: users}", Seats(covers=True, pool=True)),
        ("seats: {covers: users, pool: true}", Seats(covers=True, pool=True)),
        ("purchases: {trials: deny, unknown: deny}", Purchases(trials=True, unknown=True)),
        ("health: {errors: deny, groups: deny}", Health(errors=True, groups=True)),
        ("budget: {limit: 25000.50}", Budget(limit=Decimal("25000.5"))),
        ("balance: {spare: {min: 1, max: 9}}", Balance(minimum=Bound(seats=1, written="1"), maximum=Bound(seats=9, written="9"))),
        ("attributes: {require: [city], allow: {usageLocation: NO, accountEnabled: [true]}}", Attributes(require=("city",), allow=(("usageLocation", ("NO",)), ("accountEnabled", (True,))))),
        ("subscriptions: {states: {deny: [Warning]}}", Subscriptions(states=("Warning",))),
        ("assignments: {redundant: deny, duplicates: deny, via: group}", Assignments(redundant=True, duplicates=True, via="group")),
    ],
)  # fmt: skip
def test_blocks_are_parsed(text: str, expected: object) -> None:
    assert block(text) == expected


def test_defaults_are_as_documented() -> None:
    assert block("seats: {spare: {min: 1}}").of == PAID_PRODUCTS
    assert block("balance: {spare: {min: 1, max: 9}}").of == PAID_PRODUCTS
    assert block("assignments: {allow: []}").of == EVERY_PRODUCT
    assert block("subscriptions: {states: {deny: [Warning]}}").of == EVERY_PRODUCT
    assert policy("assignments: {allow: []}").users == EVERYBODY
    assert policy("users: {}, attributes: {require: [city]}").users == EVERYBODY
    assert policy("attributes: {require: [city]}").users == Licensed()
    assert policy("assignments: {allow: []}").tenants is None


def test_empty_set_differs_from_a_missing_key() -> None:
    assert block("assignments: {allow: []}").allow is not None
    assert block("assignments: {deny: [SPE_E3]}").allow is None


def test_prices_are_exact_and_names_ignore_case() -> None:
    listed = loaded("prices: {currency: EUR, perSeatPerMonth: {Spe_E3: 35.70, SPE_E5: 0.1}}").prices
    prices = seat_prices(listed, "EUR", date(2026, 11, 20), {})
    assert prices is not None
    assert prices.of(sku_id="x", part_number="spe_e3") == Decimal("35.7")
    assert prices.of(sku_id="x", part_number="SPE_E5") == Decimal("0.1")
    assert prices.of(sku_id="x", part_number=None) is None


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["prices: {currency: EUR, perSeatPerMonth: {A: 1}}", "prices: {currency: USD, perSeatPerMonth: {B: 1}}"], ["prices-two-currencies"]),
        (["prices: {currency: EUR, perSeatPerMonth: {A: 1}}", "prices: {currency: USD, perSeatPerMonth: {A: 1}}"], ["prices-two-currencies"]),
        (["prices: {currency: EUR, perSeatPerMonth: {A: 1, a: 1}}"], ["prices-duplicate"]),
        (["policies: [{id: a, severity: low, budget: {limit: 1}}, {id: a, severity: low, budget: {limit: 1}}]"], ["policy-duplicate-id"]),
        (["policies: [{id: a, severity: low, seats: {covers: users, spare: {min: 1}}}]"], ["policy-covers-alone"]),
        (["policies: [{id: a, severity: low, seats: {covers: users, pool: false}}]"], ["policy-covers-alone"]),
        (
            ["policies: [{id: a, severity: low, seats: {covers: users, purchased: {max: 1}, assigned: {max: 1}}}]"],
            ["policy-covers-alone", "policy-covers-alone"],
        ),
        (["policies: [{id: a, severity: low, balance: {spare: {min: 9, max: 1}}}]"], ["policy-min-above-max"]),
        (["populations: {x: {}}", "populations: {x: {}}"], ["policy-duplicate-name"]),
        (["populations: {x: {createdDateTime: {before: 2026-02-30}}}"], ["policy-bad-date"]),
        (["populations: {x: {createdDateTime: '0001-01-01T00:00:00+14:00'}}"], ["policy-bad-date"]),
        # Sums of unrealistic prices would have more digits than the decimal arithmetic for money.
        (["prices: {currency: EUR, perSeatPerMonth: {A: 1e27}}"], ["policy-out-of-range"]),
        (["policies: [{id: a, severity: low, budget: {limit: 1e30}}]"], ["policy-out-of-range"]),
    ],
)  # fmt: skip
def test_contradicting_or_impossible_entries_are_errors(texts: list[str], expected: list[str]) -> None:
    assert slugs(*texts) == expected


@pytest.mark.parametrize(
    "spare",
    [
        "{min: 5, max: 3%}",
        "{min: 5%, max: 3}",
        "{min: 5, max: 5}",
        "{min: 0%, max: 0%}",
        "{min: {percent: 9, seats: 1}, max: {percent: 1, seats: 9}}",
        "{min: 5, max: {percent: 1, seats: 0}}",
        "{min: {percent: 10, seats: 5}, max: 5}",
        "{min: {percent: 10, seats: 9}, max: {percent: 10, seats: 1}}",
        "{min: 100%, max: 1}",
    ],
)
def test_bounds_of_different_kinds_are_accepted(spare: str) -> None:
    """A number and a percentage cannot be compared before the number of seats is known."""
    assert block(f"seats: {{spare: {spare}}}").minimum is not None


@pytest.mark.parametrize(
    "spare",
    [
        "{min: 5, max: 0%}",
        "{min: 1, max: {percent: 0, seats: 0}}",
        "{min: {percent: 10, seats: 5}, max: 4}",
        "{min: {percent: 10, seats: 0}, max: 5%}",
        "{min: 10%, max: 0}",
    ],
)
def test_minimum_above_the_maximum_is_an_error_however_it_is_written(spare: str) -> None:
    assert slugs(f"policies: [{{id: a, severity: low, seats: {{spare: {spare}}}}}]") == ["policy-min-above-max"]


_SPARE = st.fixed_dictionaries({"percent": st.sampled_from((0, 1, 5, 10, 50, 100)), "seats": st.integers(0, 4)})


@pytest.mark.slow
@given(_SPARE, _SPARE)
def test_bounds_are_accepted_if_some_number_of_seats_satisfies_both(low: dict[str, int], high: dict[str, int]) -> None:
    def limit(bound: dict[str, int], usable: int) -> Fraction:
        return max(Fraction(bound["percent"] * usable, 100), Fraction(bound["seats"]))

    satisfied = any(ceil(limit(low, usable)) <= min(limit(high, usable), Fraction(usable)) for usable in range(1, 401))
    spare = f"{{min: {{percent: {low['percent']}, seats: {low['seats']}}}, max: {{percent: {high['percent']}, seats: {high['seats']}}}}}"
    text = f"policies: [{{id: a, severity: low, seats: {{spare: {spare}}}}}]"
    if satisfied:
        load([("p.yaml", f"version: 1\n{text}".encode())])
    else:
        assert slugs(text) == ["policy-min-above-max"]


@pytest.mark.parametrize(("days", "valid"), [(30, True), (29, False)])
def test_maximum_length_of_waivers_counts_from_waivers_from(days: int, *, valid: bool) -> None:
    text = "waivers: [{id: w, policies: '*', reason: r, owner: o, expires: 2026-12-20}]\ndefaults: {waiverMaxDays: {}}"
    text = text.replace("{}", str(days))
    files = [("p.yaml", f"version: 1\n{text}".encode())]
    load(files)
    if valid:
        load(files, waivers_from=date(2026, 11, 20))
    else:
        assert slugs(text, waivers_from=date(2026, 11, 20)) == ["waiver-too-long"]


@pytest.mark.parametrize(
    ("waiver", "expected"),
    [
        ("policies: [fleet], tenants: [a]", ["[a]"]),
        ("policies: [fleet, people], tenants: [a]", []),
        ("policies: [seats, fleet], users: {userType: Guest}", ["{userType: Guest}"]),
        ("policies: [seats, people], users: {userType: Guest}", []),
        ("policies: '*', users: {userType: Guest}", []),
    ],
)
def test_waiver_that_can_match_no_finding_is_a_warning(waiver: str, expected: list[str]) -> None:
    blocks = {
        "fleet": "balance: {spare: {min: 1, max: 5}}",
        "seats": "seats: {spare: {max: 5}}",
        "people": "assignments: {allow: []}",
    }
    policies = ", ".join(f"{{id: {name}, severity: low, users: {{}}, {block}}}" for name, block in blocks.items())
    text = f"version: 1\npolicies: [{policies}]\nwaivers: [{{id: w, {waiver}, reason: r, owner: o, expires: 2027-01-01}}]\n"
    warnings = load([("p.yaml", text.replace("users: {}, balance", "balance").encode())]).warnings
    spans = [item.span for item in warnings if item.slug == "waiver-no-effect" and item.span is not None]
    assert [span.text[span.column - 1 : (span.end_column or 0) - 1] for span in spans] == expected


@pytest.mark.parametrize(("today", "expected"), [(None, []), (date(2026, 12, 20), []), (date(2026, 12, 21), [3])])
def test_waiver_or_decision_that_has_ended_is_a_warning_at_its_end(today: date | None, expected: list[int]) -> None:
    waiver = "version: 1\nwaivers:\n- {id: w, policies: '*', reason: r, owner: o, expires: 2026-12-20}\n"
    decision = "version: 1\ndecisions:\n- {id: d, question: 7f3813a9ef57, answer: {release: true}, by: b, on: 2026-11-20, until: 2026-12-20}\n"
    files = [("p.yaml", waiver.encode())]
    warnings = load(files, waivers_from=today, decisions=[("d.yaml", decision.encode())]).warnings
    assert [item.span and item.span.line for item in warnings] == expected * 2
    for item, slug in zip(warnings, ("decision-expired", "waiver-expired"), strict=False):
        assert (item.slug, item.level) == (slug, Level.WARNING)
        assert item.span is not None
        assert item.span.text[item.span.column - 1 :].startswith("2026-12-20")


@pytest.mark.parametrize(
    ("expires", "hint"),
    [
        ("2027-02-30", "2027-02 has 28 days"),
        ("2028-02-30", "2028-02 has 29 days"),
        ("0000-01-01", "write a date as 2027-01-31"),
    ],
)
def test_impossible_date_has_the_length_of_the_month(expires: str, hint: str) -> None:
    waiver = f"waivers: [{{id: w, policies: ['*'], reason: r, owner: o, expires: {expires}}}]"
    with pytest.raises(InputError) as caught:
        load([("p.yaml", f"version: 1\n{waiver}\n".encode())])
    assert [(item.slug, str(item.hint)) for item in caught.value.diagnostics] == [("policy-bad-date", hint)]


def test_shortest_of_several_waiver_limits_applies() -> None:
    waiver = (
        "waivers: [{id: w, policies: '*', reason: r, owner: o, expires: 2026-12-20}]\ndefaults: {waiverMaxDays: 365}"
    )
    assert slugs(waiver, "defaults: {waiverMaxDays: 7}", waivers_from=date(2026, 11, 20)) == ["waiver-too-long"]


def test_waiver_of_a_policy_in_a_broken_file_is_not_reported() -> None:
    waiver = "waivers: [{id: w, policies: [a], reason: r, owner: o, expires: 2026-12-20}]"
    assert slugs(waiver, "policies: [") == ["yaml-syntax"]
    assert slugs(waiver) == ["waiver-unknown-policy"]


def test_definitions_of_all_files_are_merged() -> None:
    definitions = load([(name, text.encode()) for name, text in FILES]).policies.definitions
    assert definitions["products"]["set"] == ["SPE_E3", "free"]
    assert definitions["prices"] == {"currency": "EUR", "perSeatPerMonth": {"SPE_E3": 35.7}}
    assert [waiver["id"] for waiver in definitions["waivers"]] == ["w"]


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=200) | st.text(max_size=200).map(lambda text: f"version: 1\n{text}".encode("utf-8", "replace"))
)
def test_any_bytes_are_policies_or_an_error_with_a_location(body: bytes) -> None:
    diagnostics: tuple[Diagnostic, ...] = ()
    try:
        load([("p.yaml", body)])
    except InputError as error:
        diagnostics = error.diagnostics
    assert all(item.span is not None and item.span.line >= 1 for item in diagnostics)


def test_errors_in_one_place_have_a_fixed_order() -> None:
    waivers = "".join(f"- {{id: w{number}, policies: '*'}}\n" for number in range(4))
    with pytest.raises(InputError) as caught:
        load([("a.yaml", f"version: 1\nwaivers:\n{waivers}".encode())])
    messages = [diagnostic.message for diagnostic in caught.value.diagnostics]
    assert messages == [f"waiver 'w{n}' lacks '{key}'" for n in range(4) for key in ("expires", "owner", "reason")]
