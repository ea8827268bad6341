"""Trends over many nights: seats, findings, money, licence cohorts and forecasts."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated

from msgspec import Struct, field

from auditor.domain.enums import Severity
from auditor.domain.message import Message
from auditor.domain.saved_field import SavedField


class Forecast(Struct, frozen=True, kw_only=True):
    """When the spare seats of a SKU run out if the trend continues, or why there is no forecast."""

    method: Message
    silent: Message | None = None
    """Why there is no forecast; all following fields are then None."""
    per_week: tuple[float, float, float] | None = None
    """Additional seats per week: lower bound, estimate, upper bound."""
    expected: date | None = None
    """None if it is beyond the horizon."""
    earliest: date | None = None
    latest: date | None = None


class Cohorts(Struct, frozen=True, kw_only=True):
    """Changes among the holders of a SKU, summed over the nights that could be compared."""

    nights: int
    """Number of nights that could be compared with the previous one."""
    kept: int
    """Holders who kept it through the last of these nights."""
    new: int
    reclaimed: int
    """The account exists, but no longer has the licence."""
    lapsed: int
    """The account no longer exists."""


class SeatTrend(Struct, frozen=True, kw_only=True):
    """The seats of one SKU since its first night; None for a night without a value."""

    sku_id: str
    sku: str
    instants: tuple[datetime, ...]
    usable: tuple[int | None, ...]
    consumed: tuple[int | None, ...]
    spare: tuple[int | None, ...]
    for_people: Annotated[bool, SavedField.UNSAVED] = True
    """Whether it is assigned to people; the units of storage, for example, are no spare seats."""
    cohorts: Cohorts | None
    forecast: Forecast


class PolicyTrend(Struct, frozen=True, kw_only=True):
    """The findings of one policy, result by result."""

    policy: str
    title: str | None
    """None in results of older versions."""
    severity: Severity | None
    instants: tuple[datetime, ...]
    open: tuple[int, ...]
    waived: tuple[int, ...]
    opened: int
    """Findings that appeared in the period, after its first result."""
    closed: int
    """Findings that disappeared in the period, after its first result."""
    ages: tuple[int, int, int, int]
    """Open findings of the last result that are under 7, 30 and 90 days old, and older."""
    repaired: int
    """Findings that were open and were fixed."""
    repair_days: float | None
    """Median days from the first result with such a finding to the first without it."""


class Trends(Struct, frozen=True, kw_only=True):
    """A tenant over time."""

    tenant: str
    display_name: str = ""
    """The last known one; empty if there is none."""
    nights: int
    results: int
    since: datetime
    until: datetime
    seats: tuple[SeatTrend, ...]
    policies: tuple[PolicyTrend, ...]
    people: tuple[tuple[datetime, int | None, int | None, int | None], ...]
    """(night, accounts, blocked accounts, accounts with a licence)."""
    open: tuple[tuple[datetime, Mapping[Severity, int], int, int], ...]
    """(result, open findings by severity, waived, policies that could not be evaluated)."""
    money: Mapping[str, tuple[tuple[datetime, Decimal], ...]]
    """Monthly cost of the open findings, by currency."""
    unknown: tuple[Message, ...] = ()
    """Messages about data that is missing from these figures."""
    not_evaluated: Annotated[frozenset[str], SavedField.UNSAVED] = frozenset()
    """Ids of policies that could not be evaluated in the latest result."""

    @property
    def title(self) -> str:
        """Its display name; its name if there is none."""
        return self.display_name or self.tenant


class Episode(Struct, frozen=True, kw_only=True):
    """A period during which a finding existed."""

    fingerprint: str
    policy: str
    severity: str
    subject: str
    subject_id: Annotated[str, SavedField.UNSAVED]
    product: str | None
    detail: str | None
    since: datetime
    """The first result with it."""
    until: datetime | None
    """The first result without it; None while it exists."""
    ended: str | None
    """`closed`: fixed; `dropped`: its policy was removed or no longer covers the tenant."""
    status: str
    waiver: str | None


class SeatsBetween(Struct, frozen=True, kw_only=True):
    """The seats of one SKU at two instants; None if it did not exist or its numbers are unknown."""

    sku_id: str
    sku: str
    usable: tuple[int | None, int | None]
    consumed: tuple[int | None, int | None]
    spare: tuple[int | None, int | None]
    for_people: Annotated[bool, SavedField.UNSAVED] = True
    """As in `SeatTrend`."""


class FindingBetween(Struct, frozen=True, kw_only=True):
    """A finding that exists at one of two instants only, or that changed."""

    kind: str
    """`new`, `gone` or `changed` (waived or no longer, another severity or amount)."""
    fingerprint: str
    policy: str
    severity: str
    subject: str
    subject_id: Annotated[str, SavedField.UNSAVED]
    product: str | None
    detail: str | None
    status: str


class PolicyBetween(Struct, frozen=True, kw_only=True):
    """The findings of one policy at two instants."""

    policy: str
    severity: Severity | None
    open: tuple[int, int]
    waived: tuple[int, int]
    new: int | None
    """None if the findings are no longer stored."""
    gone: int | None
    changed: int | None


class Between(Struct, frozen=True, kw_only=True):
    """A tenant at two instants; each selects the latest night and result at or before it."""

    tenant: str
    nights: tuple[datetime | None, datetime | None]
    results: tuple[datetime | None, datetime | None]
    seats: tuple[SeatsBetween, ...]
    """SKUs with different numbers only."""
    policies: tuple[PolicyBetween, ...]
    """Policies with differences only."""
    money: Mapping[str, tuple[Decimal, Decimal]]
    """Monthly cost of the open findings, by currency."""
    findings: tuple[FindingBetween, ...]
    unknown: tuple[Message, ...] = ()
    removed: frozenset[str] = frozenset()
    """Ids of policies that the second result no longer has for the tenant: their findings are gone, but not fixed."""
    policy_titles: Annotated[Mapping[str, str], SavedField.UNSAVED] = field(default_factory=dict)
    """Titles of policies by id, as far as they are known."""
