"""Tests the usage and cost tables of the page: order, summarised rows, and unknown values."""

import re
from decimal import Decimal

import pytest
from msgspec.structs import replace

from auditor.domain.enums import Severity
from auditor.domain.money import Money
from auditor.domain.result.seat_usage import SeatCoverage, SmallerProductCount
from auditor.render.text.labels import Labels
from auditor.render.view.usage import coverage_lines, idle_lines, smaller_products, unit_tables, usage_table
from tests.builders.result.rendered import rendered_text
from tests.builders.result.results import contoso, fabrikam, header, result

EN = Labels("en")
UNTITLED = header("p", Severity.LOW, "", "", 1)


def test_products_are_sorted_by_the_cost_of_idle_seats() -> None:
    table = usage_table(contoso(), EN)
    assert table is not None
    assert table.headline == "€3,254.25 of €34,014.15 a month is paid for seats that were idle for 90 days."
    assert table.days == "17 Nov 2026 / 18 Nov 2026"
    first, *_, last = table.rows
    assert (EN.amount(first.product.idle_cost), first.product.idle, first.unknown) == ("€1,697.25", 31, "7 not known")
    assert first.product.assigned == 177
    assert first.bar == (163, 188, 231)
    assert (last.product.idle_cost, last.product.idle, last.product.used_in_90_days) == (None, None, None)
    assert (last.bar, last.unknown) == (None, "")


def test_product_without_assigned_seats_has_no_bar() -> None:
    tenant = contoso()
    assert tenant.usage is not None
    unassigned = replace(tenant.usage.products[0], assigned=0, used_in_30_days=0, used_in_90_days=0, idle=0)
    table = usage_table(replace(tenant, usage=replace(tenant.usage, products=(unassigned,))), EN)
    assert table is not None
    assert table.rows[0].bar is None


def test_each_product_with_idle_seats_has_one_line() -> None:
    tenant = contoso()
    lines = idle_lines(usage_table(tenant, EN))
    assert lines[0] == "Microsoft 365 E5: 177 assigned, 31 idle for 90 days (€1,697.25 a month)"
    assert len(lines) == 3
    assert tenant.usage is not None
    unpriced = replace(tenant.usage, products=tuple(replace(row, idle_cost=None) for row in tenant.usage.products))
    table = usage_table(replace(tenant, usage=unpriced), EN)
    assert idle_lines(table)[0] == "Microsoft 365 E5: 177 assigned, 31 idle for 90 days"
    assert table is not None
    assert table.headline == ""
    assert idle_lines(None) == ()


def test_rows_without_department_or_user_are_not_merged_into_small_ones() -> None:
    departments, companies = unit_tables(contoso(), EN)
    assert [row.name for row in departments.rows][:2] == ["Sales", "Finance"]
    assert [(row.name, row.unit.assigned) for row in departments.others] == [
        ("12 smaller units", 44), ("No department", 5), ("Spare", 137), ("All seats", 901),
    ]  # fmt: skip
    assert [row.name for row in companies.others] == ["No company", "Spare", "All seats"]
    assert departments.lower_bound
    assert departments.excess == "2 more seats are assigned than usable (€26.20 a month)"
    assert departments.used


def test_cost_centres_come_first_and_single_division_has_no_table() -> None:
    tenant = contoso()
    assert tenant.departments is not None
    company = tenant.departments.companies[0]
    centres = (replace(company, name="4711"), replace(company, name="=4712"), replace(company, name=None, people=3))
    departments = replace(
        tenant.departments, cost_centers=centres, divisions=(company, replace(company, name=None)), companies=()
    )
    tables = unit_tables(replace(tenant, departments=departments), EN)
    assert [(table.key, table.title, table.head) for table in tables] == [
        ("cost-centers", "By cost centre", "Cost centre"), ("departments", "By department", "Department"),
    ]  # fmt: skip
    assert [row.name for row in (*tables[0].rows, *tables[0].others)] == [
        "4711", "=4712", "No cost centre", "Spare", "All seats",
    ]  # fmt: skip
    assert tables[0].others[-1].people == 1603


def test_single_company_has_no_table() -> None:
    """The table would only repeat the totals of the tenant."""
    tenant = contoso()
    assert tenant.departments is not None
    one_company = (tenant.departments.companies[0], tenant.departments.companies[-1])
    (table,) = unit_tables(replace(tenant, departments=replace(tenant.departments, companies=one_company)), EN)
    assert table.key == "departments"


def test_usage_that_was_not_collected_is_a_dash() -> None:
    assert usage_table(fabrikam(), EN) is None
    (departments,) = unit_tables(fabrikam(), EN)
    assert not departments.used
    assert [(EN.amount(row.unit.cost), row.unit.idle, row.unit.used) for row in departments.rows] == [
        ("€285.00", None, None),
    ]


def test_long_table_counts_the_rows_that_are_left_out() -> None:
    tenant = contoso()
    assert tenant.departments is not None
    departments = tuple(replace(tenant.departments.departments[0], name=f"D{number}") for number in range(30))
    tables = unit_tables(replace(tenant, departments=replace(tenant.departments, departments=departments)), EN)
    assert (len(tables[0].rows), tables[0].more) == (25, 5)


def test_rows_that_are_left_out_are_counted_with_the_folded_ones() -> None:
    tenant = contoso()
    assert tenant.departments is not None
    departments = tuple(replace(tenant.departments.departments[0], name=f"D{number}") for number in range(30))
    long = replace(tenant, departments=replace(tenant.departments, departments=departments, cost_centers=()))
    audit = replace(result(), tenants=(long,))
    text = re.sub(
        r"<[^>]+>",
        " ",
        rendered_text(audit, "html").partition(">By department</h3>")[2],
    )
    row, folded, inner = re.findall(r"and (\d+) more", text)[:3]
    assert (row, folded, inner) == ("25", "25", "5"), "5 rows are shown, 20 are folded, and 5 are left out"


@pytest.mark.parametrize(("count", "unfolded", "name"), [(6, 6, None), (7, 5, "and 2 more"), (30, 5, "and 25 more")])
def test_rows_above_the_total_add_up_to_it(count: int, unfolded: int, name: str | None) -> None:
    tenant = contoso()
    assert tenant.departments is not None
    departments = tuple(replace(tenant.departments.departments[0], name=f"D{number}") for number in range(count))
    table, *_ = unit_tables(replace(tenant, departments=replace(tenant.departments, departments=departments)), EN)
    rest = [table.rest] if table.rest is not None else []
    assert (table.unfolded, [row.name for row in rest]) == (unfolded, [] if name is None else [name])
    *parts, total = (*table.rows[: table.unfolded], *rest, *table.others)
    assert sum(row.unit.assigned for row in parts) == total.unit.assigned
    costs = [row.unit.cost.per_month for row in parts if row.unit.cost is not None]
    assert total.unit.cost is not None
    assert sum(costs) == total.unit.cost.per_month


def test_smaller_products_are_summed_and_listed() -> None:
    assert smaller_products(fabrikam(), EN) is None
    counts = tuple(
        SmallerProductCount(
            sku_part_number="SPE_E5", name="Microsoft 365 E5", smaller_sku_part_number=part, smaller_name=name,
            people=people, saves=Money(currency="EUR", per_month=Decimal(saves)),
        )
        for part, name, people, saves in (("SPE_F1", "Microsoft 365 F3", 3, "141.75"), ("SPE_E3", "<b>E3", 1, "19.05"))
    )  # fmt: skip
    table = smaller_products(replace(contoso(), smaller_products=counts), EN)
    assert table is not None
    assert table.headline == "€160.80 a month could be saved with smaller products."
    assert table.lines == (
        "3 people: Microsoft 365 F3 may be enough instead of Microsoft 365 E5, saving: €141.75 a month",
        "1 person: <b>E3 may be enough instead of Microsoft 365 E5, saving: €19.05 a month",
    )


@pytest.mark.parametrize(
    ("missing", "unknown", "text"),
    [
        (304, 0, "p: 1,204 people need a seat, 900 usable, 304 seats are missing"),
        (0, 0, "p: 1,204 people need a seat, 900 usable"),
        (1, 2, "p: 1,204 people need a seat, 900 usable, 2 not known, 1 seat is missing"),
    ],
)
def test_coverage_of_a_policy_is_one_line(missing: int, unknown: int, text: str) -> None:
    row = SeatCoverage(policy="p", people=1204, unknown=unknown, usable=900, missing=missing)
    tenant = replace(contoso(), coverage=(row,))
    assert coverage_lines(tenant, {}, EN) == coverage_lines(tenant, {"p": UNTITLED}, EN) == (text,)


@pytest.mark.parametrize(
    ("locale", "seat", "seats", "person", "people"),
    [
        ("en", "seat", "seats", "person", "people"),
        ("tr", "lisans", "lisans", "kişi", "kişi"),
        ("de", "Lizenz", "Lizenzen", "Person", "Personen"),
    ],
)
def test_labels_after_numbers_agree_with_them(locale: str, seat: str, seats: str, person: str, people: str) -> None:
    tenant = contoso()
    assert tenant.departments is not None
    first, second, *others = tenant.departments.departments
    one, two = replace(first, people=1, assigned=1), replace(second, people=2, assigned=2)
    departments = replace(tenant.departments, departments=(one, two, *others), companies=(), cost_centers=())
    audit = replace(result(), tenants=(replace(tenant, departments=departments),))
    page = rendered_text(audit, "html", locale=locale)
    labels = re.findall(r'<td class="n">(\d+) <small class="lab">([^<]*)</small>', page)
    assert {label for number, label in labels if number == "1"} >= {seat, person}
    assert {label for number, label in labels if number == "2"} >= {seats, people}
    assert {label for number, label in labels if number not in {"0", "1"}} & {seat, person} <= {seats, people}
