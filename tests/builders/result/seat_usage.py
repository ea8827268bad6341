"""Usage and cost of the tenants of `tests.builders.result.results`."""

from datetime import date
from decimal import Decimal
from typing import Any

from auditor.domain.money import Money
from auditor.domain.result.seat_usage import DepartmentReport, ProductUsage, UnassignedSeats, UnitUsage, UsageReport

Sku = tuple[str, str, str, str | None]


def euros(price: str | None, seats: int | None) -> Money | None:
    return None if price is None or seats is None else Money(currency="EUR", per_month=Decimal(price) * seats)


def used(
    sku: Sku, services: str, month: int | None, quarter: int | None, idle: int | None, unknown: int
) -> ProductUsage:
    """Return the usage of a product: people active in 30 and in 90 days, idle people, people with unknown activity."""
    assigned = (quarter or 0) + (idle or 0) + unknown
    return ProductUsage(
        sku_id=sku[0], sku_part_number=sku[1], name=sku[2], services=tuple(services.split()), assigned=assigned,
        used_in_30_days=month, used_in_90_days=quarter, idle=idle, unknown=unknown, price=euros(sku[3], 1),
        cost=euros(sku[3], assigned), idle_cost=euros(sku[3], idle),
    )  # fmt: skip


SUITE = "exchange onedrive sharepoint yammer teams"


def contoso_usage(e5: Sku, copilot: Sku, e3: Sku, f3: Sku, visio: Sku) -> UsageReport:
    return UsageReport(
        refresh_date=date(2026, 11, 18), copilot_refresh_date=date(2026, 11, 17),
        products=(
            used(e5, SUITE, 120, 139, 31, 7), used(copilot, "copilot", 22, 30, 30, 0), used(e3, SUITE, 480, 521, 20, 0),
            used(f3, SUITE, 390, 396, 0, 0), used(visio, "", None, None, None, 27),
        ),
    )  # fmt: skip


def unit(
    name: str | None, people: int, assigned: int, price: str, *, idle: int | None = None, **more: Any
) -> UnitUsage:
    """Return the seats of a department at one price, all in use except the idle ones."""
    return UnitUsage(
        name=name, people=people, assigned=assigned, used=None if idle is None else assigned - idle, idle=idle,
        unknown=assigned if idle is None else 0, cost=euros(price, assigned), idle_cost=euros(price, idle),
        unpriced=more.pop("unpriced", 0), **more,
    )  # fmt: skip


CONTOSO_DEPARTMENTS = DepartmentReport(
    departments=(
        *(unit(f"{name}", 60 - n, 70 - n, "35.70", idle=n) for n, name in enumerate(
            ("Sales", "Finance", "Stores", "Warehouse", "IT", "Legal", "HR", "Marketing", "Support", "Café", "Board"))),
        unit(None, 40, 44, "7.50", idle=9, merged=12, unpriced=27), unit(None, 5, 5, "35.70", idle=1),
    ),
    companies=(
        unit("Contoso Retail B.V.", 800, 902, "30", idle=50), unit("Contoso Logistics B.V.", 100, 100, "30", idle=10),
        unit(None, 200, 227, "30", idle=21),
    ),
    unassigned=UnassignedSeats(seats=137, cost=euros("35.70", 79), unpriced=28),
)  # fmt: skip
FABRIKAM_DEPARTMENTS = DepartmentReport(
    departments=(unit("Lager", 38, 38, "7.50"),), companies=(), unassigned=UnassignedSeats(seats=0, cost=None, unpriced=0)
)  # fmt: skip
