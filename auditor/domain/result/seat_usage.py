"""Seats that people hold and their activity in usage reports, smaller products, and people who need a seat."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated

from msgspec import Struct

from auditor.domain.money import Money
from auditor.domain.saved_field import Label, SavedField


class ProductUsage(Struct, frozen=True, kw_only=True):
    """The people who hold one product that is not free; `assigned` = used in 90 days + `idle` + `unknown`."""

    sku_id: str
    sku_part_number: Label
    name: Label
    services: tuple[str, ...]
    """Services of the product whose activity is in usage reports; empty if there are none."""
    assigned: int
    used_in_30_days: int | None
    """People with activity in one of the services; None if `services` is empty."""
    used_in_90_days: int | None
    """People with activity in 90 days, including those of `used_in_30_days`."""
    idle: int | None
    """People without activity in any of the services for 90 days, according to the reports."""
    unknown: int
    """People whose activity is unknown: they have no row, or a report was not read."""
    price: Money | None
    """Per seat."""
    cost: Money | None
    """Cost of all assigned seats."""
    idle_cost: Money | None


class UsageReport(Struct, frozen=True, kw_only=True):
    """Usage and cost by product."""

    refresh_date: date | None
    """The last day that the report of active users covers; None if it was not read."""
    copilot_refresh_date: date | None
    products: tuple[ProductUsage, ...]
    """The highest cost of idle seats first, then the highest cost."""


class UnitUsage(Struct, frozen=True, kw_only=True):
    """The paid seats of the people of one department, company, cost centre or division."""

    name: str | None
    """None for people without one, and for a row that merges several small units."""
    merged: int = 0
    """Number of small units that the row merges; 0 for the row of a single unit."""
    people: int
    """People who hold a seat."""
    assigned: int
    """Seats that they hold."""
    used: int | None
    """Seats of products in which they were active in 90 days; None if no usage report was read."""
    idle: int | None
    unknown: int
    cost: Money | None
    """Cost of the seats whose price is known; None if no price is known."""
    idle_cost: Money | None
    unpriced: int
    """Seats whose price is unknown."""


class UnassignedSeats(Struct, frozen=True, kw_only=True):
    """Usable seats of paid products that nobody holds."""

    seats: int
    cost: Money | None
    unpriced: int


class DepartmentReport(Struct, frozen=True, kw_only=True):
    """Paid seats by each user property that identifies who pays: the highest cost first, people without a value last.

    The rows of each property and `unassigned` add up to all usable seats, unless more seats are assigned.
    """

    departments: tuple[UnitUsage, ...]
    """Empty if no user has a department."""
    companies: tuple[UnitUsage, ...]
    """Empty if no user has a company, or `companyName` was not read; the same applies to the next two fields."""
    cost_centers: tuple[UnitUsage, ...] = ()
    divisions: tuple[UnitUsage, ...] = ()
    unassigned: UnassignedSeats

    @property
    def by_property(self) -> Mapping[str, tuple[UnitUsage, ...]]:
        """The rows by the name of the user property in Graph."""
        return {
            "costCenter": self.cost_centers,
            "department": self.departments,
            "division": self.divisions,
            "companyName": self.companies,
        }


class SmallerProductCount(Struct, frozen=True, kw_only=True):
    """People for whom open findings propose a cheaper product of the tenant that contains what they use."""

    sku_part_number: Label
    """Of the product that they hold; the skuId if it has no part number. The same applies to the smaller product."""
    name: Label
    smaller_sku_part_number: Label
    smaller_name: Label
    people: int
    saves: Money
    """Saving for all of these people together."""


class SeatCoverage(Struct, frozen=True, kw_only=True):
    """The people who need a seat of a pool by a policy with `covers: users`, and the available seats."""

    policy: str
    people: int
    """People who certainly need a seat."""
    unknown: int
    """People for whom it is unknown whether they need one."""
    usable: int
    missing: int
    """Seats that are missing for the people who certainly need one."""
    missing_cost: Annotated[Money | None, SavedField.OPTIONAL] = None
    """Cost of the missing seats, in the product of the set with the fewest service plans."""
