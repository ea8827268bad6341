"""What many nights say together: seats, findings and money over time, who kept a licence, when seats run out."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from auditor.domain.enums import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """When the spare seats of a SKU run out if people go on as they did; or why nobody can say."""

    method: str
    silent: str | None = None
    """Why there is no forecast; then everything below is None."""
    per_week: tuple[float, float, float] | None = None
    """Seats taken a week: the low end of the interval, the estimate, the high end."""
    expected: date | None = None
    """None: not within the horizon."""
    earliest: date | None = None
    latest: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohorts:
    """What became of the holders of a SKU, summed over the nights that could be compared."""

    nights: int
    """How many nights could be compared with the one before."""
    kept: int
    """Holders who kept it through the last of these nights."""
    new: int
    reclaimed: int
    """The account is there, the licence is not."""
    lapsed: int
    """The account is gone, and the licence with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatTrend:
    """The seats of one SKU, from the first night that told it on; what a night did not know, or not have, is None."""

    sku_id: str
    sku: str
    at: tuple[datetime, ...]
    usable: tuple[int | None, ...]
    consumed: tuple[int | None, ...]
    spare: tuple[int | None, ...]
    cohorts: Cohorts | None
    forecast: Forecast


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyTrend:
    """The findings of one policy, result by result."""

    policy: str
    severity: Severity | None
    at: tuple[datetime, ...]
    open: tuple[int, ...]
    waived: tuple[int, ...]
    opened: int
    """Findings that came in the time looked at."""
    closed: int
    """Findings that went."""
    ages: tuple[int, int, int, int]
    """Open findings of the last result that are under 7, 30 and 90 days old, and older."""
    repaired: int
    """Findings that were open and are mended."""
    repair_days: float | None
    """Median days from the first result that told such a finding to the first that did not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trends:
    """A tenant over time."""

    tenant: str
    nights: int
    results: int
    since: datetime
    until: datetime
    seats: tuple[SeatTrend, ...]
    policies: tuple[PolicyTrend, ...]
    people: tuple[tuple[datetime, int | None, int | None, int | None], ...]
    """(night, accounts, blocked ones, those with a licence)."""
    open: tuple[tuple[datetime, Mapping[Severity, int], int, int], ...]
    """(result, open findings by severity, waived, policies that could not be evaluated)."""
    money: Mapping[str, tuple[tuple[datetime, Decimal], ...]]
    """By currency: what open findings stood for a month."""
    unknown: tuple[str, ...] = ()
    """What these figures do not know, in sentences."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One stretch of time in which a finding stood."""

    fingerprint: str
    policy: str
    severity: str
    subject: str
    product: str | None
    detail: str | None
    since: datetime
    """The first result that told it."""
    until: datetime | None
    """The first result that did not; None while it stands."""
    ended: str | None
    """`closed`: mended; `dropped`: its policy left the set, or leaves the tenant out."""
    status: str
    waiver: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeatsBetween:
    """The seats of one SKU at two instants; None where it was not there, or its numbers are not known."""

    sku_id: str
    sku: str
    usable: tuple[int | None, int | None]
    consumed: tuple[int | None, int | None]
    spare: tuple[int | None, int | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingBetween:
    """A finding that is at one of two instants only, or that changed."""

    kind: str
    """`new`, `gone` or `changed`: waived or no longer, or of another severity or worth."""
    fingerprint: str
    policy: str
    severity: str
    subject: str
    product: str | None
    detail: str | None
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyBetween:
    """The findings of one policy at two instants."""

    policy: str
    severity: Severity | None
    open: tuple[int, int]
    waived: tuple[int, int]
    new: int | None
    """None where the findings themselves are no longer kept."""
    gone: int | None
    changed: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """A tenant at two instants: each stands for the latest night, and the latest result, not after it."""

    tenant: str
    nights: tuple[datetime | None, datetime | None]
    results: tuple[datetime | None, datetime | None]
    seats: tuple[SeatsBetween, ...]
    """Of the SKUs of which a number differs."""
    policies: tuple[PolicyBetween, ...]
    """Those of which anything differs."""
    money: Mapping[str, tuple[Decimal, Decimal]]
    """By currency: what open findings stood for a month."""
    findings: tuple[FindingBetween, ...]
    unknown: tuple[str, ...] = ()
