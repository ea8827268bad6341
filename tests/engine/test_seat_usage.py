"""Seats by product, department and usage agree with a naive count, for any batch size."""

from collections import Counter
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.domain.enums import Source, SourceStatus
from auditor.domain.result.model import TenantResult
from auditor.domain.result.seat_usage import DepartmentReport, UsageReport
from auditor.result.seats import whole
from auditor.snapshot.model import Snapshot
from auditor.snapshot.schema import ACTIVITY_COLUMNS
from tests.builders.tenant.tenants import audited, bought, judged, policy_file, tenant, user

UNITS = ("department", "costCenter", "division")
BLOCK = "assignments: {deny: [VISIOCLIENT]}"
PRICES = "{SPE_E5: 54.75, Microsoft_365_Copilot: 28.10}"
PRODUCTS = ("SPE_E5", "Microsoft_365_Copilot", "VISIOCLIENT", "FLOW_FREE")
SUITE = ("exchange", "onedrive", "sharepoint", "yammer", "teams")
REFRESHED = date(2026, 11, 18)
REPORTS = {Source.USAGE: REFRESHED, Source.COPILOT_USAGE: REFRESHED}
SERVICES = {"SPE_E5": SUITE, "Microsoft_365_Copilot": ("copilot",), "VISIOCLIENT": ()}


def days(ago: int) -> date:
    return REFRESHED - timedelta(days=ago)


people = st.fixed_dictionaries(
    {
        "held": st.lists(st.sampled_from(PRODUCTS), unique=True),
        "department": st.sampled_from([None, "", "Sales", " sales", "SALES", "Ærø"]),
        "costCenter": st.sampled_from([None, " ", "4711", "4712 "]),
        "division": st.sampled_from([None, "Retail"]),
        "activity": st.none()
        | st.dictionaries(st.sampled_from(tuple(ACTIVITY_COLUMNS)), st.integers(0, 100).map(days)),
    }
)


def activity(dates: dict[str, date] | None) -> dict[str, Any]:
    """The usage facts of a user with these dates in the reports, or without a row (None)."""
    if dates is None:
        return {"notCollected": ["usage", "copilotUsage"]}
    return {column: dates.get(service) for service, column in ACTIVITY_COLUMNS.items()}


def naive_state(part: str, activity: dict[str, date] | None) -> str:
    if not SERVICES[part] or activity is None:
        return "unknown"
    ages = [(REFRESHED - activity[service]).days for service in SERVICES[part] if service in activity]
    if not ages or min(ages) > 90:
        return "idle"
    return "used 30" if min(ages) <= 30 else "used 90"


def naive_unit(person: dict[str, Any], name: str = "department") -> str | None:
    name = (person[name] or "").strip().casefold()
    return name or None


def reports(result: TenantResult) -> tuple[UsageReport, DepartmentReport]:
    assert result.usage is not None
    assert result.departments is not None
    return result.usage, result.departments


def euros(price: str, seats: int) -> Decimal:
    return Decimal(price) * seats


@pytest.mark.slow
@given(st.lists(people, min_size=1, max_size=12), st.integers(1, 5))
def test_seat_counts_agree_with_a_naive_count(persons: list[dict[str, Any]], rows: int) -> None:
    users = [
        user(f"{n:02}", *person["held"], **{name: person[name] for name in UNITS}, **activity(person["activity"]))
        for n, person in enumerate(persons)
    ]
    owned = [bought(part, 20, sum(part in person["held"] for person in persons)) for part in PRODUCTS]
    result = judged(BLOCK, tenant(*users, subscribedSkus=owned, rows=rows, reports=REPORTS), prices=PRICES)
    usage, departments = reports(result)
    seats = Counter(
        (part, naive_unit(person), naive_state(part, person["activity"]))
        for person in persons
        for part in person["held"]
        if part != "FLOW_FREE"
    )
    for part, services in SERVICES.items():
        expected = Counter(dict.fromkeys(("used 30", "used 90", "idle", "unknown"), 0))
        for (unit_counts, _, kind), count in seats.items():
            expected[kind] += count if unit_counts == part else 0
        usage_row = next((product for product in usage.products if product.sku_part_number == part), None)
        assert (usage_row is None) is (expected.total() == 0)
        if usage_row is None:
            continue
        assert (usage_row.assigned, usage_row.unknown) == (expected.total(), expected["unknown"])
        counts = (usage_row.used_in_30_days, usage_row.used_in_90_days, usage_row.idle)
        used = expected["used 30"] + expected["used 90"]
        assert counts == ((expected["used 30"], used, expected["idle"]) if services else (None, None, None))
    assert_sums(departments, [person for person in persons if {*person["held"]} - {"FLOW_FREE"}], 20 * 3)
    units = {None if unit.name is None else unit.name.strip().casefold(): unit for unit in departments.departments}
    named = {unit for _, unit, _ in seats if unit is not None}
    assert set(units) == ({unit for _, unit, _ in seats} if named else set())
    for name, unit in units.items():
        unit_counts = [(part, kind, count) for (part, unit_name, kind), count in seats.items() if unit_name == name]
        assert unit.assigned == sum(count for _, _, count in unit_counts)
        assert unit.idle == sum(count for _, kind, count in unit_counts if kind == "idle")
        assert unit.used == sum(count for _, kind, count in unit_counts if kind.startswith("used"))
        assert unit.unknown == sum(count for _, kind, count in unit_counts if kind == "unknown")
        assert unit.people == sum(
            naive_unit(person) == name and bool({*person["held"]} - {"FLOW_FREE"}) for person in persons
        )
        suites, copilots = (sum(count for part, _, count in unit_counts if part == name) for name in PRODUCTS[:2])
        assert unit.unpriced == unit.assigned - suites - copilots
        cost = euros("54.75", suites) + euros("28.10", copilots)
        assert (None if unit.cost is None else unit.cost.per_month) == (cost if suites + copilots else None)


def assert_sums(report: DepartmentReport, holders: list[dict[str, Any]], usable: int) -> None:
    """Assert that each property has the expected people, and that its rows and the spare seats add up to all seats."""
    for name in UNITS:
        units = report.by_property[name]
        people = Counter(naive_unit(person, name) for person in holders)
        named = any(key is not None for key in people)
        assert {unit.name and unit.name.strip().casefold(): unit.people for unit in units} == (people if named else {})
        total = whole(units, report.unassigned)
        if not units:
            continue
        assert (total.assigned, total.people) == (usable, len(holders))
        assert total.cost is not None
        assert total.cost.per_month == euros("54.75", 20) + euros("28.10", 20)
        assert total.used is not None
        assert total.idle is not None
        assert total.used + total.idle + total.unknown + report.unassigned.seats == usable


OWNED = [bought("SPE_E5", 10, 4), bought("Microsoft_365_Copilot", 3, 1), bought("VISIOCLIENT", 2, 0)]
ACTIVE: tuple[dict[str, date], ...] = ({"teams": days(30)}, {"exchange": days(31)}, {"onedrive": days(91)}, {})


def contoso(*active: dict[str, date] | None, **more: Any) -> Snapshot:
    """Three people of Sales and one of IT, with the given activity."""
    sales = [
        user(f"s{n}", "SPE_E5", department="Sales", companyName="Contoso NL", **activity(dates))
        for n, dates in enumerate(active[:3])
    ]
    it = user("it", "SPE_E5", "Microsoft_365_Copilot", department="IT", **activity(active[3]))
    return tenant(*sales, it, subscribedSkus=OWNED, **{"reports": REPORTS, **more})


def test_usage_and_departments_have_cost() -> None:
    usage, departments = reports(judged(BLOCK, contoso(*ACTIVE), prices=PRICES))
    assert (usage.refresh_date, usage.copilot_refresh_date) == (REFRESHED, REFRESHED)
    suite, copilot = usage.products
    assert (suite.assigned, suite.used_in_30_days, suite.used_in_90_days, suite.idle) == (4, 1, 2, 2)
    assert suite.services == SUITE
    assert [None if money is None else money.per_month for money in (suite.price, suite.cost, suite.idle_cost)] == [
        Decimal("54.75"), euros("54.75", 4), euros("54.75", 2),
    ]  # fmt: skip
    assert (copilot.assigned, copilot.idle) == (1, 1)
    assert [(unit.name, unit.people, unit.assigned, unit.idle) for unit in departments.departments] == [
        ("Sales", 3, 3, 1), ("IT", 1, 2, 2),
    ]  # fmt: skip
    assert [(unit.name, unit.assigned) for unit in departments.companies] == [("Contoso NL", 3), (None, 2)]
    spare = departments.unassigned
    assert (spare.seats, spare.unpriced) == (10, 2)
    assert spare.cost is not None
    assert spare.cost.per_month == euros("54.75", 6) + euros("28.10", 2)


def test_contract_price_in_force_is_used() -> None:
    contract = """contracts:
- {id: EA, products: [SPE_E5], term: P1Y, ends: 2027-03-31, renews: automatically,
   perSeatPerMonth: {amount: 50, currency: EUR, from: 2026-04-01}}
"""
    usage, departments = reports(audited(policy_file(BLOCK, prices=PRICES) + contract, contoso(*ACTIVE)).tenants[0])
    suite, _ = usage.products
    assert [money and money.per_month for money in (suite.price, suite.idle_cost)] == [50, 100]
    cost = departments.departments[0].cost
    assert cost is not None
    assert cost.per_month == 150


@pytest.mark.parametrize(
    ("changes", "idle", "unknown"),
    [
        ({"reports": {Source.COPILOT_USAGE: REFRESHED}}, None, 4),
        ({"reports": {Source.USAGE: date(2026, 11, 10)}}, 2, 0),  # ten days before the audit
        ({"unasked": ("teamsLastActivityDate",)}, 0, 3),
        ({"unread": {Source.USAGE: SourceStatus.UNAVAILABLE}}, None, 4),
    ],
)
def test_seats_are_not_idle_if_the_report_was_not_read(changes: dict[str, Any], idle: int | None, unknown: int) -> None:
    state = contoso({"yammer": days(31)}, {}, *ACTIVE[2:], **changes)
    usage, _ = reports(judged(BLOCK, state, prices=PRICES))
    suite = next(product for product in usage.products if product.sku_part_number == "SPE_E5")
    assert (suite.idle, suite.unknown) == (idle, unknown)


@pytest.mark.parametrize("dates", [{}, {Source.USAGE: date(2026, 11, 9)}])
def test_departments_have_only_seats_and_cost_without_a_fresh_report(dates: dict[Source, date]) -> None:
    result = judged(BLOCK, contoso(*ACTIVE, reports=dates), prices=PRICES)
    assert result.usage is None
    assert result.departments is not None
    sales = result.departments.departments[0]
    assert (sales.used, sales.idle, sales.idle_cost, sales.unknown) == (None, None, None, 3)
    assert sales.cost is not None
    assert sales.cost.per_month == euros("54.75", 3)


def test_departments_are_left_out_if_they_were_not_collected() -> None:
    result = judged(BLOCK, contoso(*ACTIVE, unasked=("department", "companyName", "employeeOrgData")))
    assert result.usage is not None
    assert result.usage.products[0].cost is None
    assert result.departments is None


def test_departments_beyond_a_thousand_are_merged() -> None:
    persons = [user(f"{number:04}", "SPE_E5", department=f"D{number:04}") for number in range(1003)]
    departments = judged(BLOCK, tenant(*persons, user("x", "SPE_E5")), prices=PRICES).departments
    assert departments is not None
    units = departments.departments
    assert [unit.name for unit in units[:1000]] == [f"D{number:04}" for number in range(1000)]
    assert [(unit.name, unit.merged, unit.assigned) for unit in units[1000:]] == [(None, 3, 3), (None, 0, 1)]
