"""Seats that people hold beside what usage reports show of them, what they could hold instead, and who needs one."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated

from msgspec import Struct

from auditor.domain.actions.money import Money
from auditor.domain.saved_field import Label, SavedField


class ProductUsage(Struct, frozen=True, kw_only=True):
    """The people who hold one product that is not free; `assigned` = used in 90 days + `idle` + `unknown`."""

    sku_id: str
    sku_part_number: Label
    name: Label
    services: tuple[str, ...]
    """Services of the product whose activity the reports of usage show; empty where they show nothing of it."""
    assigned: int
    used_in_30_days: int | None
    """People with activity in one of the services; None where the reports show nothing of the product."""
    used_in_90_days: int | None
    """The same, those of 30 days included."""
    idle: int | None
    """People of whom the reports know no activity in any of the services for 90 days."""
    unknown: int
    """People of whom that is not known: they have no row, or a report was not read."""
    price: Money | None
    """Of one seat."""
    cost: Money | None
    """Of the seats of those who hold it."""
    idle_cost: Money | None


class UsageReport(Struct, frozen=True, kw_only=True):
    """Use beside money, by product."""

    refresh_date: date | None
    """The day up to which the report of active users knows activity; None where it was not read."""
    copilot_refresh_date: date | None
    products: tuple[ProductUsage, ...]
    """The highest cost of idle seats first, then the highest cost."""


class UnitUsage(Struct, frozen=True, kw_only=True):
    """The paid seats of the people of one department, company, cost centre or division."""

    name: str | None
    """None for people without one, and for several small ones in one row."""
    merged: int = 0
    """How many small ones the row stands for; 0 where it stands for one."""
    people: int
    """People who hold a seat."""
    assigned: int
    """Seats that they hold."""
    used: int | None
    """Seats of products in which they were active in 90 days; None where no report of usage was read."""
    idle: int | None
    unknown: int
    cost: Money | None
    """Of the seats whose price is known; None where that is known of none."""
    idle_cost: Money | None
    unpriced: int
    """Seats whose price is not known."""


class UnassignedSeats(Struct, frozen=True, kw_only=True):
    """Usable seats of paid products that nobody holds."""

    seats: int
    cost: Money | None
    unpriced: int


class DepartmentReport(Struct, frozen=True, kw_only=True):
    """Paid seats by each property of users that stands for who pays: the highest cost first, people without one last.

    The rows of each property, and `unassigned`, add up to all usable seats, except where more are assigned.
    """

    departments: tuple[UnitUsage, ...]
    """Empty where nobody has a department."""
    companies: tuple[UnitUsage, ...]
    """Empty where nobody has a company, or `companyName` was not read; the same holds for the next two."""
    cost_centers: tuple[UnitUsage, ...] = ()
    divisions: tuple[UnitUsage, ...] = ()
    unassigned: UnassignedSeats

    @property
    def by_property(self) -> Mapping[str, tuple[UnitUsage, ...]]:
        """The rows by the name of the property of users, as Graph has it."""
        return {
            "costCenter": self.cost_centers,
            "department": self.departments,
            "division": self.divisions,
            "companyName": self.companies,
        }


class SmallerProductCount(Struct, frozen=True, kw_only=True):
    """People of whom open findings say that a cheaper product of the tenant contains what they use: proposals."""

    sku_part_number: Label
    """Of the product that they hold; the skuId where it has none, as for the smaller one."""
    name: Label
    smaller_sku_part_number: Label
    smaller_name: Label
    people: int
    saves: Money
    """For all of them together."""


class SeatCoverage(Struct, frozen=True, kw_only=True):
    """The people who need a seat of a pool by a policy with `covers: users`, and the seats that there are."""

    policy: str
    people: int
    """Who certainly needs one."""
    unknown: int
    """Others of whom that is not known."""
    usable: int
    missing: int
    """Seats that are too few for the people who certainly need one."""
    missing_cost: Annotated[Money | None, SavedField.OPTIONAL] = None
    """Of these seats, in the product of the set that contains the least beside it."""
