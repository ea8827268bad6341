"""Seat numbers: at most one action per product names seats to buy or remove, and it accounts for all other actions."""

from collections.abc import Sequence
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.cli.terminal.result import terminal_text
from auditor.domain.actions.action import Action
from auditor.domain.enums import Severity
from auditor.localization import localization
from auditor.render.text.labels import Labels
from auditor.render.view.content import PageContent
from auditor.render.view.page import page
from tests.builders.result import seat_numbers as numbers
from tests.builders.tenant.crowded_tenant import POLICIES, audited, crowded, planned, product, state_of, subscription
from tests.builders.tenant.tenants import bought, person, sku_id, tenant, user

SEATS = ("SPE_E3", "SPE_F1", "PROJECTPREMIUM", "VISIOCLIENT")


@pytest.mark.slow
def test_crowded_tenant_has_one_seat_number_per_product() -> None:
    result, plan = audited(crowded()), planned(crowded())
    expected = {"Office 365 E3": {-1_087}, "Microsoft 365 F3": {27}}
    assert numbers.of_result(result) == expected
    assert numbers.of_plan(plan) == expected
    assert numbers.of_page(result) == expected
    assert numbers.of_mail(result).items() <= expected.items()
    screen = terminal_text(PageContent(result, "en"), paths=()).decode()
    assert all(expected[product] == {number} for product, number in numbers.of_text(screen) if product)


def test_no_seats_are_bought_if_reactivated_seats_suffice() -> None:
    (tenant,) = audited(crowded()).tenants
    product_actions = [action for action in tenant.actions if "Project Online Premium" in action.title]
    assert [action.kind for action in product_actions] == ["subscription-state"]
    assert len(product_actions[0].findings) == 2, "the same action fixes the finding about missing seats"


def test_several_bounds_on_one_product_lead_to_one_seat_number() -> None:
    text = """
policies:
  - {id: none-short, severity: high, seats: {of: [SPE_F1], spare: {min: 0}}}
  - {id: one-spare, severity: low, seats: {of: [SPE_F1], spare: {min: 1}}}
"""
    state = state_of([person(f"p{n}", "SPE_F1") for n in range(8)], [product("SPE_F1", 5, 8)], [])
    result = audited(state, text)
    assert [action.title for action in result.tenants[0].actions] == ["Free or buy 4 seats of Microsoft 365 F3"]
    (row,) = page(result, Labels("en")).sections[0].seats
    assert row.advice == "buy 4 seats"


def test_title_about_a_named_pool_names_its_products() -> None:
    text = """
products: {field: [SPE_F1, SPE_E3]}
policies:
  - {id: none-short, severity: high, seats: {of: field, pool: true, spare: {min: 2}}}
"""
    state = state_of([person("p", "SPE_F1")], [product("SPE_F1", 1, 1), product("SPE_E3", 0, 0)], [])
    (action,) = audited(state, text).tenants[0].actions
    assert action.title.startswith("Free or buy 2 seats of ")
    assert ("Microsoft 365 F3" in action.title, "field" in action.title) == (True, False), action.title
    assert [plan_action.title for plan_action in planned(state, text).tenants[0].actions] == [action.title]


def test_no_seats_are_bought_if_unassigned_seats_suffice() -> None:
    text = """
policies:
  - {id: short, severity: high, seats: {of: [SPE_F1], spare: {min: 0}}}
  - {id: guests, severity: low, users: {department: Left}, assignments: {of: [SPE_F1], allow: []}}
"""
    people = [person(f"p{n}", "SPE_F1", department="Left" if n < 3 else "Store") for n in range(8)]
    result = audited(state_of(people, [product("SPE_F1", 5, 8)], []), text)
    (action,) = result.tenants[0].actions
    assert (action.kind, action.title) == ("unassign", "Unassign Microsoft 365 F3 from 3 people")
    assert len(action.findings) == 4, "the finding about seats and those about three people"
    assert action.why == "Severity: high.", "the severity of the finding about seats"
    assert action.next[0].startswith("Once this and the other actions for Microsoft 365 F3")
    report_page = page(result, Labels("en"))
    assert [row.severity for row in report_page.sections[0].seats] == [Severity.HIGH]
    assert [highlight.why for highlight in report_page.highlights] == ["Microsoft 365 F3: over-assigned"]
    assert numbers.of_page(result) == {}


def test_title_about_a_pool_names_only_its_purchased_products() -> None:
    text = """
products: {suite: [SPE_E3, SPE_E5, SPE_F1]}
policies: [{id: short, severity: high, seats: {of: suite, pool: true, spare: {min: 10}}}]
"""
    people = [person(f"p{n}", "SPE_E3") for n in range(5)]
    result = audited(state_of(people, [product("SPE_E3", 6, 5), product("SPE_E5", 2, 0)], []), text)
    (action,) = result.tenants[0].actions
    assert action.title == "Free or buy 7 seats of Microsoft 365 E3 + Microsoft 365 E5"


@pytest.mark.parametrize("other", ["paid", "'*'", "trial", "paid, trial"])
def test_pool_with_a_built_in_set_is_removed_as_a_whole(other: str) -> None:
    """The finding is about 22 seats: 13 of Microsoft 365 E3 and 11 of Office 365 E3, of which 2 may be spare.

    The 11 seats of a trial end by themselves.
    """
    text = f"""
policies: [{{id: idle, severity: high, seats: {{of: [SPE_E3, {other}], pool: true, spare: {{max: 2}}}}}}]
"""
    products = [product("SPE_E3", 14, 1), product("ENTERPRISEPACK", 11, 0)]
    trial = {**subscription("ENTERPRISEPACK", 11, "2027-01-31"), "isTrial": True}
    result = audited(state_of([person("p", "SPE_E3")], products, [trial] if "trial" in other else []), text)
    (action,) = result.tenants[0].actions
    count = 11 if "trial" in other else 22
    assert (action.count, action.title) == (
        count, f"Remove {count} seats of Microsoft 365 E3 + Office 365 E3 at the renewal"
    )  # fmt: skip


def test_pool_of_free_products_has_those_that_policies_declare_free() -> None:
    text = """
products: {free: [VISIOCLIENT]}
policies: [{id: idle, severity: high, seats: {of: [SPE_E3, free], pool: true, spare: {max: 2}}}]
"""
    products = [product("SPE_E3", 14, 1), product("VISIOCLIENT", 11, 0), product("SPE_F1", 5, 0)]
    result = audited(state_of([person("p", "SPE_E3")], products, []), text)
    (action,) = result.tenants[0].actions
    assert action.count == 22


def test_purchase_for_missing_and_moved_people_is_one_number_without_a_seats_policy() -> None:
    text = """
policies:
  - {id: store, severity: high, users: {department: Store}, assignments: {require: [SPE_F1]}}
  - {id: moved, severity: high, users: {department: Moved},
     assignments: {of: [SPE_E3, SPE_F1], allow: [SPE_F1], require: [SPE_F1]}}
"""
    people = [person(f"s{n}", department="Store") for n in range(4)]
    people += [person(f"m{n}", "SPE_E3", department="Moved") for n in range(3)]
    result = audited(state_of(people, [product("SPE_F1", 2, 0), product("SPE_E3", 3, 3)], []), text)
    assert numbers.of_result(result) == {"Microsoft 365 F3": {5}}


def test_ignored_grace_seats_are_reported() -> None:
    text = "policies: [{id: a, severity: high, seats: {of: [SPE_F1], spare: {min: 0}, graceUnits: ignore}}]"
    state = state_of([person(f"p{n}", "SPE_F1") for n in range(16)], [product("SPE_F1", 0, 16, warning=1_100)], [])
    section = page(audited(state, text), Labels("en")).sections[0]
    assert section.seats[0].state == "over-assigned (seats in grace period not counted)"
    assert "1,100 seats in their grace period are not counted" in section.groups[0].rows[0].evidence


@st.composite
def tenants(draw: st.DrawFn) -> tuple[Any, str]:
    people = [
        person(
            f"p{number}",
            *draw(st.lists(st.sampled_from(SEATS), unique=True, max_size=3)),
            department=draw(st.sampled_from(["Store", "Office", "Left"])),
        )
        for number in range(draw(st.integers(0, 7)))
    ]
    held = [row["skuId"] for person_row in people for row in person_row["assignedLicenses"]]
    amounts = st.integers(0, 9)
    products = [
        product(
            part,
            draw(amounts),
            held.count(sku_id(part)),
            warning=draw(st.sampled_from([0, 0, 4])),
            suspended=draw(st.sampled_from([0, 0, 9])),
        )
        for part in SEATS
    ]
    dates = [
        subscription(part, 5, "2026-12-20", draw(st.sampled_from(["Enabled", "Suspended", "Warning"])))
        for part in SEATS
    ]
    return state_of(people, products, dates), draw(rules())


@st.composite
def rules(draw: st.DrawFn) -> str:
    lines = ["policies:"]
    for number in range(draw(st.integers(1, 4))):
        of = draw(st.lists(st.sampled_from(SEATS), min_size=1, unique=True))
        low, high = draw(st.sampled_from([(0, None), (2, None), (None, 1), (1, 3), (3, 4), ("10%", "20%"), (5, 9)]))
        spare = ", ".join(f"{key}: {value}" for key, value in (("min", low), ("max", high)) if value is not None)
        pool = draw(st.sampled_from(["", "", ", pool: true"]))
        grace = draw(st.sampled_from(["", ", graceUnits: ignore"]))
        lines.append(
            f"  - {{id: s{number}, severity: high, seats: {{of: [{', '.join(of)}], spare: {{{spare}}}{pool}{grace}}}}}"
        )
    for number, department in enumerate(["Store", "Office", "Left"]):
        allow = draw(st.sampled_from(SEATS))
        require = f", require: [{allow}]" if draw(st.booleans()) else ""
        if draw(st.booleans()):
            lines.append(
                f"  - {{id: a{number}, severity: low, users: {{department: {department}}}, "
                f"assignments: {{of: [{', '.join(SEATS)}], allow: [{allow}]{require}}}}}"
            )
    if draw(st.booleans()):
        lines.append(
            f"  - {{id: d, severity: low, subscriptions: {{of: [{', '.join(SEATS)}], states: {{deny: [Suspended]}}}}}}"
        )
    return "\n".join(lines)


def people_seat_change(actions: Sequence[Action], title: str) -> int:
    """Return the change in assigned seats of a product by the actions about people, read from their titles."""
    change = 0
    for action in actions:
        if action.kind == "assign" and action.title.startswith(f"Assign {title} to"):
            change += action.count
        elif action.kind == "move":
            change += action.count if f" to {title}" in action.title else 0
            change -= action.count if f"from {title} to" in action.title else 0
        elif action.kind == "unassign" and action.title.startswith(f"Unassign {title} from"):
            change -= action.count
    return change


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(tenants())
def test_generated_tenants_have_one_seat_number_per_product(case: tuple[Any, str]) -> None:
    state, text = case
    result = audited(state, text)
    counts = numbers.of_result(result)
    assert all(len(values) == 1 for values in counts.values()), counts
    page_numbers = numbers.of_page(result)
    assert all(counts.get(name) == values for name, values in page_numbers.items()), (counts, page_numbers)
    plan = numbers.of_plan(planned(state, text))
    assert all(len(values) == 1 for values in plan.values()), plan
    (tenant,) = result.tenants
    for seat in tenant.seats:
        numbered = [a for a in tenant.actions if a.kind == "buy" and a.title.endswith(f" of {seat.name}")]
        if not numbered or not seat.bounds:
            continue
        assert seat.consumed is not None
        used = seat.consumed + people_seat_change(tenant.actions, seat.name)
        reactivated = (
            (seat.suspended or 0) if any("Bring" in a.title and seat.name in a.title for a in tenant.actions) else 0
        )
        usable = min(bound.usable for bound in seat.bounds)
        assert usable + reactivated + numbered[0].count >= used, "the purchased seats are enough"


@pytest.mark.slow
@pytest.mark.parametrize("language", ["nl", "de"])
def test_seat_numbers_are_the_same_in_other_languages(language: str) -> None:
    localized, english = audited(crowded(), POLICIES, l10n=localization(language)), audited(crowded())
    assert [(a.kind, a.count) for a in localized.tenants[0].actions] == [
        (a.kind, a.count) for a in english.tenants[0].actions
    ]


def test_seats_that_come_with_a_larger_product_are_not_bought_twice() -> None:
    rules = """policies:
- {id: p1, severity: medium, seats: {of: [{withService: AAD_PREMIUM}, {withService: AAD_PREMIUM_P2}], covers: users}}
- {id: p2, severity: medium, users: {department: IT}, seats: {of: [{withService: AAD_PREMIUM_P2}], covers: users}}
prices: {currency: EUR, perSeatPerMonth: {AAD_PREMIUM: 5.60, AAD_PREMIUM_P2: 8.40}}
"""
    people = [user(f"u{number}", department="IT" if number < 2 else "Sales") for number in range(5)]
    (tenants,) = audited(tenant(*people), rules).tenants
    actions = {action.title: action for action in tenants.actions}
    small, large = sorted(actions, key=lambda title: actions[title].count, reverse=True)
    assert small == "Buy 5 seats of Microsoft Entra ID P1, or reduce the number of people who need one"
    assert large == "Buy 2 seats of Microsoft Entra ID P2, or reduce the number of people who need one"
    amounts = [money and money.per_month for money in (actions[small].money, actions[large].money)]
    assert amounts == [Decimal("-16.80"), Decimal("-16.80")]
    needed, covered, *_ = actions[small].prerequisites
    assert needed == (
        "5 people need Microsoft Entra ID P1 or a product that contains it; 0 seats are usable, 5 are missing."
    )
    assert covered.startswith("2 of these seats come with larger products")


def test_seats_that_one_purchase_of_a_larger_product_covers_need_no_action_of_their_own() -> None:
    rules = """policies:
- {id: p1, severity: high, users: {department: IT}, seats: {of: [{withService: AAD_PREMIUM}, {withService: AAD_PREMIUM_P2}], covers: users}}
- {id: p2, severity: medium, seats: {of: [{withService: AAD_PREMIUM_P2}], covers: users}}
"""
    people = [user(f"u{number}", department="IT" if number < 2 else "Sales") for number in range(5)]
    (result,) = audited(tenant(*people), rules).tenants
    (action,) = result.actions
    assert action.title == "Buy 5 seats of Microsoft Entra ID P2, or reduce the number of people who need one"
    assert len(action.findings) == 2
    assert action.prerequisites[:2] == (
        "5 people need Microsoft Entra ID P2 or a product that contains it; 0 seats are usable, 5 are missing.",
        "Missing seats of Microsoft Entra ID P1 that these seats also cover: 2.",
    )


@pytest.mark.parametrize("order", list(permutations("abc")))
def test_findings_about_missing_seats_are_in_one_action_each_in_any_order_of_policies(order: tuple[str, ...]) -> None:
    """The set of each policy contains the first product of the next one, which needs more seats."""
    sets = {"a": "[SPE_F1, SPE_E3]", "b": "[SPE_E3, SPE_E5]", "c": "[SPE_E5]"}
    seats = {"a": 1, "b": 2, "c": 3}
    rules = "policies:\n" + "".join(
        f"- {{id: p{number}, severity: low, users: {{department: {name}}}, seats: {{of: {sets[name]}, covers: users}}}}\n"
        for number, name in enumerate(order)
    )
    people = [user(f"{name}{number}", department=name) for name, count in seats.items() for number in range(count)]
    (result,) = audited(tenant(*people), rules).tenants
    assert len(result.findings) == 3
    listed = [fingerprint for action in result.actions for fingerprint in action.findings]
    assert sorted(listed) == sorted(finding.fingerprint for finding in result.findings)


@pytest.mark.parametrize(
    ("maximum", "kinds"), [(95, {"remove-seats-at-renewal": 10}), (80, {"remove-seats-at-renewal": 10, "cap": 20})]
)
def test_limit_on_purchased_seats_needs_no_action_beside_a_sufficient_removal(
    maximum: int, kinds: dict[str, int]
) -> None:
    rules = f"""policies:
- {{id: idle, severity: low, seats: {{of: [SPE_E3], spare: {{max: 0}}}}}}
- {{id: cap, severity: high, seats: {{of: [SPE_E3], purchased: {{max: {maximum}}}}}}}
"""
    (result,) = audited(tenant(subscribedSkus=[bought("SPE_E3", 100, 90)]), rules).tenants
    assert {action.kind: action.count for action in result.actions} == kinds
