"""Rows of the workbook's sheets about seats: subscribed SKUs, use by product, seats by department and company."""

from collections.abc import Iterator
from typing import Final

from auditor.domain.actions.money import rounded
from auditor.domain.result import Money, Result
from auditor.render.tables.flat import Cell

SEATS: Final = (
    *("tenant", "skuId", "skuPartNumber", "name", "appliesTo", "capabilityStatus"),
    *("enabled", "warning", "suspended", "lockedOut", "consumed", "usable", "spare"),
)
USAGE: Final = (
    *("tenant", "skuId", "skuPartNumber", "name", "services", "currency", "price", "idlePerMonth", "perMonth"),
    *("idle", "usedIn90Days", "usedIn30Days", "unknown", "assigned", "refreshDate", "copilotRefreshDate"),
)
DEPARTMENTS: Final = (
    *("tenant", "by", "name", "merged", "currency", "perMonth", "idlePerMonth"),
    *("assigned", "used", "idle", "unknown", "people", "unpriced"),
)


def seat_rows(result: Result) -> Iterator[tuple[Cell, ...]]:
    """Yield a row for each SKU of each tenant."""
    for tenant in result.tenants:
        for row in tenant.seats:
            yield (
                *(tenant.name, row.sku_id, row.sku_part_number, row.name, row.applies_to, row.capability_status),
                *(row.enabled, row.warning, row.suspended, row.locked_out, row.consumed, row.usable, row.spare),
            )


def usage_rows(result: Result) -> Iterator[tuple[Cell, ...]]:
    """Yield a row for each product whose use was read."""
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
                *(None if day is None else day.isoformat() for day in days),
            )


def department_rows(result: Result) -> Iterator[tuple[Cell, ...]]:
    """Yield a row for each department and company, and one for the seats that nobody holds."""
    for tenant in result.tenants:
        report = tenant.departments
        if report is None:
            continue
        for by, units in (("department", report.departments), ("companyName", report.companies)):
            for row in units:
                yield (
                    *(tenant.name, by, row.name, row.merged or None, *_amounts(row.cost, row.idle_cost)),
                    *(row.assigned, row.used, row.idle, row.unknown, row.people, row.unpriced),
                )
        spare = report.unassigned
        if spare.seats and report.departments:
            amounts = _amounts(spare.cost, None)
            yield (tenant.name, "unassigned", None, None, *amounts, spare.seats, None, None, None, None, spare.unpriced)


def _amounts(*amounts: Money | None) -> tuple[Cell, ...]:
    """Return the currency of some amounts, and each rounded to cents."""
    known = [amount for amount in amounts if amount is not None]
    currency = known[0].currency if known else None
    return (currency, *(None if amount is None else rounded(amount.per_month) for amount in amounts))
