"""The workbook's sheets about seats: SKUs, people who need one, usage, smaller products, contracts, cost centres.

The sheet of cost centres is also a format of its own.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Final

from auditor.domain.money import Money, rounded
from auditor.domain.result.model import Result
from auditor.render.formats import RenderOptions
from auditor.render.tables.csv import spreadsheet
from auditor.render.tables.flat_rows import Cell
from auditor.render.text.labels import Labels
from auditor.result.seats import spare_of

SheetRow = tuple[Cell | date, ...]
"""A row of a sheet; days become dates of the workbook."""

SEATS: Final = (
    *("tenant", "skuId", "skuPartNumber", "name", "appliesTo", "capabilityStatus"),
    *("enabled", "warning", "suspended", "lockedOut", "consumed", "usable", "spare"),
)
USAGE: Final = (
    *("tenant", "skuId", "skuPartNumber", "name", "services", "currency", "price", "idlePerMonth", "perMonth"),
    *("idle", "usedIn90Days", "usedIn30Days", "unknown", "assigned", "refreshDate", "copilotRefreshDate"),
)
SMALLER: Final = (
    *("tenant", "skuPartNumber", "name", "smallerSkuPartNumber", "smallerName", "people", "currency", "savesPerMonth"),
)
CONTRACTS: Final = ("tenant", "contract", "name", "skuId", "seats", "notice", "ends", "renews")
COVERAGE: Final = ("tenant", "policy", "people", "unknown", "usable", "missing", "currency", "missingPerMonth")
DEPARTMENTS: Final = (
    *("tenant", "by", "name", "merged", "currency", "perMonth", "idlePerMonth"),
    *("assigned", "used", "idle", "unknown", "people", "unpriced"),
)


def render(result: Result, options: RenderOptions) -> Iterable[bytes]:
    """Render departments.csv: the sheet of departments and cost centres, with the CSV conventions of findings.csv."""
    return (spreadsheet((DEPARTMENTS, *department_rows(result)), byte_order_mark=options.byte_order_mark),)


def seat_sheets(result: Result, l10n: Labels) -> Iterator[tuple[str, Sequence[str], Sequence[SheetRow]]]:
    """Yield title, columns and rows of each sheet; sheets without rows are left out, except the one of seats."""
    yield l10n.gettext("Seats"), SEATS, list(seat_rows(result))
    for title, columns, rows in (
        (l10n.gettext("Who needs a seat"), COVERAGE, list(coverage_rows(result))),
        (l10n.gettext("Use and cost"), USAGE, list(usage_rows(result))),
        (l10n.gettext("Smaller products"), SMALLER, list(smaller_rows(result))),
        (l10n.gettext("Contracts"), CONTRACTS, list(contract_rows(result))),
        (l10n.gettext("Departments, cost centres"), DEPARTMENTS, list(department_rows(result))),
    ):
        if rows:
            yield title, columns, rows


def seat_rows(result: Result) -> Iterator[SheetRow]:
    """Yield a row for each SKU of each tenant."""
    for tenant in result.tenants:
        for row in tenant.seats:
            yield (
                *(tenant.name, row.sku_id, row.sku_part_number, row.name, row.applies_to, row.capability_status),
                *(row.enabled, row.warning, row.suspended, row.locked_out, row.consumed, row.usable, spare_of(row)),
            )


def usage_rows(result: Result) -> Iterator[SheetRow]:
    """Yield a row for each product whose usage was read."""
    for tenant in result.tenants:
        if tenant.usage is None:
            continue
        days = (tenant.usage.refresh_date, tenant.usage.copilot_refresh_date)
        for row in tenant.usage.products:
            currency, price, idle, cost = _amounts(row.price, row.idle_cost, row.cost)
            yield (
                *(tenant.name, row.sku_id, row.sku_part_number, row.name, ", ".join(row.services)),
                *(currency, price, idle, cost),
                *(row.idle, row.used_in_90_days, row.used_in_30_days, row.unknown, row.assigned),
                *days,
            )


def smaller_rows(result: Result) -> Iterator[SheetRow]:
    """Yield a row for each pair of a product and the smaller one that is sufficient."""
    for tenant in result.tenants:
        for row in tenant.smaller_products or ():
            names = (row.sku_part_number, row.name, row.smaller_sku_part_number, row.smaller_name)
            yield (tenant.name, *names, row.people, *_amounts(row.saves))


def contract_rows(result: Result) -> Iterator[SheetRow]:
    """Yield a row for each contract of each tenant; `notice` is the last day to give notice."""
    for tenant in result.tenants:
        for row in tenant.contracts or ():
            skus = ", ".join(row.sku_ids)
            yield (tenant.name, row.id, row.name, skus, row.seats, row.notice, row.ends, row.renews)


def coverage_rows(result: Result) -> Iterator[SheetRow]:
    """Yield a row for each policy about people who need a seat."""
    for tenant in result.tenants:
        for row in tenant.coverage or ():
            amounts = _amounts(row.missing_cost)
            yield (tenant.name, row.policy, row.people, row.unknown, row.usable, row.missing, *amounts)


def department_rows(result: Result) -> Iterator[SheetRow]:
    """Yield a row for each department, cost centre and so on, and one for spare seats."""
    for tenant in result.tenants:
        report = tenant.departments
        if report is None:
            continue
        for by, units in report.by_property.items():
            for row in units:
                yield (
                    *(tenant.name, by, row.name, row.merged or None, *_amounts(row.cost, row.idle_cost)),
                    *(row.assigned, row.used, row.idle, row.unknown, row.people, row.unpriced),
                )
        unassigned = report.unassigned
        if unassigned.seats and any(report.by_property.values()):
            amounts = _amounts(unassigned.cost, None)
            numbers = (unassigned.seats, None, None, None, None, unassigned.unpriced)
            yield (tenant.name, "unassigned", None, None, *amounts, *numbers)


def _amounts(*amounts: Money | None) -> tuple[Cell, ...]:
    """Return the currency of the amounts, followed by each amount rounded to cents."""
    priced = [amount for amount in amounts if amount is not None]
    currency = priced[0].currency if priced else None
    return (currency, *(None if amount is None else rounded(amount.per_month) for amount in amounts))
