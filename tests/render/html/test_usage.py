"""Use beside cost on the page: what stands where, what is folded, and what is not known."""

from dataclasses import replace

from auditor.render.html.usage import idle_lines, unit_tables, usage_table
from auditor.render.text.labels import Labels
from tests.builders.results import contoso, fabrikam

WORDS = Labels("en")


def test_money_of_idle_seats_comes_first() -> None:
    table = usage_table(contoso(), WORDS)
    assert table is not None
    assert table.headline == "€3,254.25 of €34,014.15 a month is paid for seats that were idle for 90 days."
    assert table.days == "17 Nov 2026 / 18 Nov 2026"
    first, *_, last = table.rows
    assert (first.idle_cost, first.idle, first.assigned, first.unknown) == ("€1,697.25", "31", "177", "7 not known")
    assert first.bar == (163, 188, 231)
    assert (last.idle_cost, last.idle, last.used_90, last.bar, last.unknown) == ("", "–", "–", None, "")


def test_one_line_names_a_product_with_idle_seats() -> None:
    told = contoso()
    lines = idle_lines(usage_table(told, WORDS))
    assert lines[0] == "Microsoft 365 E5: 177 assigned, 31 idle for 90 days, €1,697.25 a month"
    assert len(lines) == 3
    assert told.usage is not None
    bare = replace(told.usage, products=tuple(replace(row, idle_cost=None) for row in told.usage.products))
    table = usage_table(replace(told, usage=bare), WORDS)
    assert idle_lines(table)[0] == "Microsoft 365 E5: 177 assigned, 31 idle for 90 days"
    assert table is not None
    assert table.headline == ""
    assert idle_lines(None) == ()


def test_people_without_a_department_and_unassigned_seats_are_never_folded() -> None:
    departments, companies = unit_tables(contoso(), WORDS)
    assert [row.name for row in departments.rows][:2] == ["Sales", "Finance"]
    assert [(row.name, row.assigned) for row in departments.others] == [
        ("12 small ones", "44"), ("No department", "5"), ("Assigned to nobody", "137"),
    ]  # fmt: skip
    assert [row.name for row in companies.others] == ["No company", "Assigned to nobody"]
    assert departments.lower_bound
    assert departments.used


def test_what_was_not_read_is_a_dash() -> None:
    assert usage_table(fabrikam(), WORDS) is None
    (departments,) = unit_tables(fabrikam(), WORDS)
    assert not departments.used
    assert [(row.cost, row.idle, row.used) for row in departments.rows] == [("€285.00", "–", "–")]


def test_a_long_list_says_how_many_are_missing() -> None:
    tenant = contoso()
    assert tenant.departments is not None
    many = tuple(replace(tenant.departments.departments[0], name=f"D{number}") for number in range(30))
    tables = unit_tables(replace(tenant, departments=replace(tenant.departments, departments=many)), WORDS)
    assert (len(tables[0].rows), tables[0].more) == (25, 5)
