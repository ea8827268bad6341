"""Tests report.xlsx as read by openpyxl: cell types, tables, filters, and no text that Excel evaluates."""

from datetime import date
from decimal import Decimal
from io import BytesIO
from re import findall
from typing import Any
from zipfile import ZipFile

import pytest
from msgspec.structs import replace
from openpyxl import load_workbook  # type: ignore[import-untyped, unused-ignore]

from auditor.domain.enums import Outcome, SubjectType
from auditor.domain.message import Message
from auditor.domain.money import Money
from auditor.domain.result.finding import Subject
from auditor.domain.result.model import ContractTerm, FleetResult, Result
from auditor.domain.result.seat_usage import SeatCoverage
from auditor.findings.table import FindingTable
from auditor.render.tables import xlsx
from auditor.render.tables.flat_rows import COLUMNS
from auditor.render.tables.xlsx_rows import plain
from auditor.result.aggregate import action_amounts, money
from tests.builders.result.hostile_texts import HOSTILE, holding
from tests.builders.result.rendered import rendered_bytes
from tests.builders.result.results import compared, result
from tests.localization.catalogue_messages import LANGUAGES
from tests.render.tables.naive import rows

pytestmark = pytest.mark.slow


def book(of: Result, locale: str = "en") -> Any:
    return load_workbook(BytesIO(rendered_bytes(of, "xlsx", locale=locale)))


def waived(*, expires: str = "2027-01-31") -> Result:
    waiver = {
        "id": "W-1",
        "policies": ["leavers"],
        "owner": "hr@contoso.example",
        "reason": "=leave",
        "expires": expires,
    }
    audit = compared()
    return replace(audit, run=replace(audit.run, definitions={**audit.run.definitions, "waivers": [waiver]}))


def test_sheets_are_tables_with_filters_and_a_frozen_header() -> None:
    workbook = book(waived())
    seats = ("Seats", "Use and cost", "Departments, cost centres")
    assert workbook.sheetnames == ["Summary", "Findings", "Actions", *seats, "Waivers", "Policies", "Sources"]
    for name in workbook.sheetnames[1:]:
        sheet = workbook[name]
        (table,) = sheet.tables.values()
        assert sheet.freeze_panes == "A2"
        assert table.autoFilter.ref == table.ref == sheet.dimensions
        assert [cell.value for cell in sheet[1]] == [column.name for column in table.tableColumns]
        assert all(cell.data_type in {"s", "n", "d", "inlineStr"} for row in sheet.iter_rows() for cell in row)
        assert all(4 < sheet.column_dimensions[letter].width < 60 for letter in ("A", "B", "C"))


def test_reasons_are_translated() -> None:
    reason = Message("{path} cannot be read: {strerror}", path="s", strerror="e")
    base = result()
    tenant = base.tenants[0]
    outcomes = (replace(tenant.policies[0], reason=reason), *tenant.policies[1:])
    sources = (replace(tenant.sources[0], reason=reason), *tenant.sources[1:])
    of = replace(base, tenants=(replace(tenant, policies=outcomes, sources=sources), *base.tenants[1:]))
    workbook = book(of, "nl")
    cells = [cell.value for name in workbook.sheetnames[-2:] for row in workbook[name].iter_rows() for cell in row]
    assert cells.count("s kan niet worden gelezen: e") == 2


def test_findings_of_a_policy_that_was_not_evaluated_are_not_known() -> None:
    base = result()
    tenant = base.tenants[0]
    unknown = replace(tenant.policies[0], status=Outcome.NOT_EVALUATED, findings=0)
    passed = replace(tenant.policies[1], status=Outcome.PASS, findings=0)
    workbook = book(replace(base, tenants=(replace(tenant, policies=(unknown, passed)),)))
    header, *lines = workbook["Policies"].iter_rows(values_only=True)
    assert [line[header.index("findings")] for line in lines[:2]] == [None, 0]


def test_numbers_are_numeric_cells_and_money_has_two_decimals() -> None:
    sheet = book(compared())["Findings"]
    cells = [tuple(cell.value for cell in row) for row in sheet.iter_rows(min_row=2)]
    expected = [
        tuple(float(cell) if isinstance(cell, Decimal) else plain(cell) or None if isinstance(cell, str) else cell for cell in row)
        for row in rows(compared())
    ]  # fmt: skip
    assert cells == expected
    priced = [row[COLUMNS.index("perMonth")] for row in sheet.iter_rows(min_row=2)]
    assert {cell.number_format for cell in priced if cell.value is not None} == {"#,##0.00"}


def test_the_summary_has_each_amount_of_the_page_as_a_number_with_its_currency() -> None:
    audit = compared()
    sheet = book(audit)["Summary"]
    amounts = [row for row in sheet.iter_rows() if str(row[0].value).startswith("Per month: ")]
    freed = action_amounts(*(tenant.actions for tenant in audit.tenants)).reassign
    sums = {"in open findings": money(audit), "in freed seats to reassign": freed}
    expected = [(label, float(amount), currency) for label, each in sums.items() for currency, amount in each.items()]
    values = [tuple(cell.value for cell in row) for row in amounts]
    assert [(str(label)[11:].partition(" (")[0], *others) for label, *others in values] == expected
    assert len(expected) == 2
    assert {row[1].number_format for row in amounts} == {"#,##0.00"}


def test_actions_have_validated_columns_for_tracking() -> None:
    sheet = book(compared())["Actions"]
    header = [cell.value for cell in sheet[1]]
    assert "owner" in header
    assert header[-3:] == ["state", "due", "justification"]
    state_rule, date_rule = sheet.data_validations.dataValidation
    assert (state_rule.type, state_rule.formula1) == ("list", '"to do,in progress,done,declined"')
    assert date_rule.type == "date"
    for column, rule in (("state", state_rule), ("due", date_rule)):
        letter = sheet.cell(1, header.index(column) + 1).column_letter
        assert str(rule.sqref) == f"{letter}2:{letter}3"
    assert {sheet.cell(row, header.index("due") + 1).number_format for row in (2, 3)} == {"yyyy-mm-dd"}
    assert [row[2].value for row in sheet.iter_rows(min_row=2)] == [a.title for a in compared().tenants[0].actions]
    assert "action" not in header, "approvals.csv and plan.ps1 use this name for the number of an action in a plan"


def test_actions_are_in_the_order_of_their_rank_with_the_last_day_to_decide() -> None:
    audit, day = compared(), date(2026, 12, 7)
    first, second = audit.tenants[0].actions[:2]
    actions = (replace(first, rank=2, due=day), replace(second, rank=1, due=day, due_included=True))
    titles = {policy.title for policy in audit.run.policies}
    tenant = replace(audit.tenants[0], actions=actions)
    head, *found = book(replace(audit, tenants=(tenant,)))["Actions"].iter_rows(values_only=True)
    named = [dict(zip(head, row, strict=True)) for row in found]
    assert [(row["title"], row["decideBy"].date()) for row in named] == [
        (second.title, day),
        (first.title, date(2026, 12, 6)),  # before the day of the event
    ]
    assert all(row["policies"] and set(row["policies"].split("; ")) <= titles for row in named)


def test_amounts_have_no_more_digits_than_cents() -> None:
    audit = compared()
    (tenant, *others), money_of_action = audit.tenants, Money(currency="EUR", per_month=Decimal("86.65"))
    actions = tuple(replace(action, money=money_of_action) for action in tenant.actions)
    data = rendered_bytes(replace(audit, tenants=(replace(tenant, actions=actions), *others)), "xlsx")
    sheet = ZipFile(BytesIO(data)).read("xl/worksheets/sheet3.xml").decode()
    assert findall(r"<v>86[^<]*</v>", sheet) == ["<v>86.65</v>"] * len(actions) != []


def test_policy_that_applies_to_nothing_says_so() -> None:
    audit = compared()
    (tenant, *others) = audit.tenants
    outcomes = tuple(replace(outcome, judged=0, reason=None) for outcome in tenant.policies)
    sheet = book(replace(audit, tenants=(replace(tenant, policies=outcomes), *others)))["Policies"]
    head, *found = sheet.iter_rows(values_only=True)
    reasons = {row[head.index("reason")] for row in found if row[0] == tenant.name}
    assert reasons == {"It does not apply to anything here."}


def test_actions_of_the_fleet_are_last_and_have_no_tenant() -> None:
    audit = compared()
    fleet_action = replace(audit.tenants[0].actions[0], id="move", title="Move seats")
    sheet = book(replace(audit, fleet=replace(audit.fleet, actions=(fleet_action,))))["Actions"]
    *others, last = sheet.iter_rows(min_row=2, values_only=True)
    assert (last[0], last[2]) == (None, "Move seats")
    assert len(others) == sum(len(tenant.actions) for tenant in audit.tenants)
    assert str(sheet.data_validations.dataValidation[0].sqref).endswith(str(sheet.max_row))


def test_usage_and_department_sheets_have_numbers() -> None:
    workbook = book(result())
    head, first, *_, last = workbook["Use and cost"].iter_rows(values_only=True)
    values = dict(zip(head, first, strict=True))
    assert (values["skuPartNumber"], values["price"], values["idle"], values["idlePerMonth"]) == (
        "SPE_E5",
        54.75,
        31,
        1697.25,
    )
    assert (values["usedIn30Days"], values["usedIn90Days"], values["assigned"]) == (120, 139, 177)
    assert isinstance(values["refreshDate"], date)
    assert dict(zip(head, last, strict=True))["idle"] is None
    head, *rows = workbook["Departments, cost centres"].iter_rows(values_only=True)
    positions = [head.index(name) for name in ("tenant", "by", "name", "merged", "assigned", "idle")]
    cells = [tuple(row[position] for position in positions) for row in rows]
    assert cells[1] == ("contoso", "department", "Finance", None, 69, 1)
    assert cells[11:17] == [
        ("contoso", "department", None, 12, 44, 9), ("contoso", "department", None, None, 5, 1),
        ("contoso", "companyName", "Contoso Retail B.V.", None, 902, 50),
        ("contoso", "companyName", "Contoso Logistics B.V.", None, 100, 10),
        ("contoso", "companyName", None, None, 227, 21), ("contoso", "unassigned", None, None, 137, None),
    ]  # fmt: skip
    assert cells[17:] == [("fabrikam", "department", "Lager", None, 38, None)]
    assert workbook["Departments, cost centres"]["F2"].number_format == "#,##0.00"


def test_spare_seats_are_blank_for_products_that_nobody_can_be_assigned() -> None:
    head, *found = book(result())["Seats"].iter_rows(values_only=True)
    applies_to, spare = head.index("appliesTo"), head.index("spare")
    assert {row[applies_to] for row in found if row[spare] is None} == {"Company"}
    assert {row[applies_to] for row in found if row[spare] is not None} == {"User"}


def test_contracts_sheet_has_the_dates_of_contracts() -> None:
    sample = result()
    first, *others = sample.tenants
    contract = ContractTerm(
        id="EA-1",
        name="=E5",
        sku_ids=("06ebc4ee",),
        ends=date(2027, 3, 31),
        notice=date(2027, 3, 1),
        renews="by-decision",
        seats=7,
    )
    sheet = book(replace(sample, tenants=(replace(first, contracts=(contract,)), *others)))["Contracts"]
    head, row = sheet.iter_rows()
    assert [cell.value for cell in head] == ["tenant", "contract", "name", "skuId", "seats", "notice", "ends", "renews"]
    values = [cell.value.date() if cell.is_date else cell.value for cell in row]
    assert values == [first.name, "EA-1", "=E5", "06ebc4ee", 7, date(2027, 3, 1), date(2027, 3, 31), "by-decision"]


def test_waivers_sheet_has_the_last_day_as_a_date() -> None:
    sheet = book(waived())["Waivers"]
    head, (row,) = [cell.value for cell in sheet[1]], list(sheet.iter_rows(min_row=2))
    assert head == ["waiver", "state", "expires", "policies", "owner", "reason", "findings"]
    values = [cell.value.date() if cell.is_date else cell.value for cell in row]
    assert values == ["W-1", "in force", date(2027, 1, 31), "leavers", "hr@contoso.example", "=leave", 0]
    assert row[2].number_format == "yyyy-mm-dd"
    assert row[5].data_type == "s"
    sheet = book(waived(expires="0001-01-01"))["Waivers"]
    assert sheet["C2"].value == "0001-01-01"


@pytest.mark.parametrize("locale", LANGUAGES)
def test_sheet_names_are_translated_and_valid(locale: str) -> None:
    audit = compared()
    coverage = (SeatCoverage(policy="p", people=2, unknown=0, usable=1, missing=1, missing_cost=None),)
    first, *others = audit.tenants
    names = book(replace(audit, tenants=(replace(first, coverage=coverage), *others)), locale).sheetnames
    assert len(set(names)) == 10
    assert "Findings" not in names
    assert all(0 < len(name) <= 31 and not set(name) & set("[]:*?/\\") for name in names)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_is_no_formula_and_no_link(text: str) -> None:
    audit = holding(text)
    workbook = book(audit)
    for sheet in workbook:
        for row in sheet.iter_rows():
            for cell in row:
                assert cell.data_type != "f"
                assert cell.hyperlink is None
                if isinstance(cell.value, str):
                    assert len(cell.value.encode("utf-16-le")) // 2 <= 32_767
    name = workbook["Findings"].cell(2, COLUMNS.index("subjectName") + 1).value
    assert name.replace("_x005F_", "_") == plain(text)


@pytest.mark.parametrize(("rows_per_sheet", "sheets"), [(40, 2), (33, 3), (10_000, 1)])
def test_findings_above_the_sheet_limit_continue_on_the_next_sheet(
    rows_per_sheet: int, sheets: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(xlsx, "SHEET_ROWS", rows_per_sheet)
    workbook = book(compared())
    names = [name for name in workbook.sheetnames if name.startswith("Findings")]
    assert names == ["Findings", *(f"Findings {number}" for number in range(2, sheets + 1))]
    fingerprints = [
        row[COLUMNS.index("fingerprint")].value for name in names for row in workbook[name].iter_rows(min_row=2)
    ]
    assert fingerprints == [row[COLUMNS.index("fingerprint")] for row in rows(compared())]
    for name in names:
        (table,) = workbook[name].tables.values()
        assert table.ref == workbook[name].dimensions
        assert workbook[name].freeze_panes == "A2"


def test_sheet_above_the_size_limit_refers_to_findings_csv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xlsx, "SHEET_BYTES", 50_000)
    tenant = result().tenants[0]
    large = replace(tenant, findings=FindingTable.of(tuple(tenant.findings) * 200))
    sheet = book(replace(result(), tenants=(large,)))["Findings"]
    assert sheet.cell(sheet.max_row, 1).value == "There are more rows in findings.csv."
    assert sheet.max_row < len(large.findings)


def test_declared_dimension_of_a_sheet_covers_all_cells() -> None:
    body = rendered_bytes(waived(), "xlsx")
    workbook = load_workbook(BytesIO(body), read_only=True)
    for sheet in workbook.worksheets[1:]:
        assert sheet.calculate_dimension(force=False) == book(waived())[sheet.title].dimensions


def test_rows_and_cells_have_explicit_references() -> None:
    with ZipFile(BytesIO(rendered_bytes(compared(), "xlsx"))) as archive:
        xml = archive.read("xl/worksheets/sheet2.xml").decode()
    references = findall(r'<row r="([0-9]+)"><c r="A([0-9]+)"', xml)
    assert [int(number) for number, _ in references] == list(range(2, 2 + len(list(rows(compared())))))
    assert all(number == cell for number, cell in references)
    assert "<c/>" not in xml
    assert '<c s="0"/>' not in xml


def test_workbook_of_an_empty_result_is_valid() -> None:
    workbook = book(replace(result(), tenants=(), fleet=FleetResult()))
    assert [cell.value for cell in workbook["Findings"][1]] == list(COLUMNS)
    assert workbook["Findings"].max_row == 1


def test_long_text_is_cut_at_the_cell_limit_but_not_within_a_character() -> None:
    astral = "\U0001d538" * 20_000
    subject = Subject(type=SubjectType.USER, id="u", name=f"x{astral}")
    tenant = result().tenants[0]
    changed = replace(tenant, findings=FindingTable.of((replace(tenant.findings[0], subject=subject, detail=astral),)))
    sheet = book(replace(result(), tenants=(changed,)))["Findings"]
    name, detail = (sheet.cell(2, COLUMNS.index(column) + 1).value for column in ("subjectName", "detail"))
    assert (name, detail) == ("x" + astral[:15_999], astral[:16_000])


def test_long_text_with_markup_is_escaped_only_once() -> None:
    sample = result()
    (first, *_), *_ = (tenant.findings for tenant in sample.tenants)
    name = "<b> & Sons " + "x" * 20_000
    finding = replace(first, subject=replace(first.subject, name=name))
    sheet = book(
        replace(
            sample, tenants=(replace(sample.tenants[0], findings=FindingTable.of((finding,))),), fleet=FleetResult()
        )
    )["Findings"]
    assert sheet.cell(row=2, column=COLUMNS.index("subjectName") + 1).value == plain(name)
