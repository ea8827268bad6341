"""Builds the timeline of subscription and contract dates."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

from msgspec import Struct

from auditor.domain.enums import Status
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import TenantResult
from auditor.findings.display_names import product_name
from auditor.render.text.end_of_term import consequence_text
from auditor.render.text.evidence.contracts import contract_dates, contract_seats, purchase, spare_by_sku, spare_today
from auditor.render.text.labels import Labels
from auditor.render.text.sanitize import shortened
from auditor.render.view.model import Timeline, TimelineDate
from auditor.render.view.rows import Context, anchor, of_checks

WIDTH: Final = 600
"""Width of the timeline, in units of its view box."""
_SUBSCRIPTION_CHECKS: Final = "subscription."
_CONTRACT_CHECKS: Final = "contract."
_MIN_SPAN: Final = timedelta(days=60)
"""The shortest time that the axis covers."""
_YEAR: Final = timedelta(days=366)
"""How far ahead subscriptions without a finding are shown; most are bought for a year."""
_MAX_SPAN: Final = timedelta(days=3660)
"""The longest time that the axis covers; later dates, such as 9999-12-31 for never, are shown at its end."""
_LATEST: Final = datetime(9999, 1, 1, tzinfo=UTC)
_MAX_OTHERS: Final = 24
"""Dates without a finding that are shown; result.json has all of them."""
_MAX_TICKS: Final = 6
"""Month labels that fit on the axis."""


def timeline(tenant: TenantResult, context: Context, findings: Iterable[Finding], as_of: datetime) -> Timeline | None:
    """Return the dates of the tenant's subscriptions and contracts; None if there are none.

    The axis begins at `as_of`, the instant of the audit. A subscription has one date; a contract has two, its end and
    the last day to give notice. Dates with an open finding are always shown; the number of others is limited, and they
    are shown up to a year ahead, or up to the last date with a finding.
    """
    start, all_findings = as_of.astimezone(UTC), list(findings)
    contracts = list(_contract_dates(tenant, context.l10n, all_findings, start.date()))
    reported = _reported(tenant, context, all_findings, start.date()) | {
        entry.key: entry for entry in contracts if entry.finding is not None
    }
    last = min(start + _MAX_SPAN, _LATEST)
    horizon = max([min(start + _YEAR, last), *(min(entry.occurs_at, last) for entry in reported.values())])
    upcoming = [entry for entry in contracts if entry.finding is None and entry.occurs_at.date() >= start.date()]
    others = [entry for entry in (*_subscriptions(tenant, context, start), *upcoming) if entry.key not in reported]
    near = sorted(entry for entry in others if entry.occurs_at <= horizon)[:_MAX_OTHERS]
    ordered = sorted([*reported.values(), *near])
    if not ordered:
        return None
    end = max(min(ordered[-1].occurs_at, last), start + _MIN_SPAN)
    l10n = context.l10n

    def offset(instant: datetime) -> int:
        return round(min(max((instant - start) / (end - start), 0), 1) * WIDTH)

    renewals = tuple(
        TimelineDate(
            name=shortened(entry.name),
            date=l10n.date(entry.occurs_at),
            state=entry.label or shortened(l10n.subscription(entry.status)),
            summary=l10n.joined(entry.summary),
            consequence=entry.consequence,
            severity=None if entry.finding is None else entry.finding.severity,
            anchor=None if entry.finding is None else anchor("f", entry.finding.fingerprint),
            offset=offset(entry.occurs_at),
        )
        for entry in ordered
    )
    months = list(_months(start, end))
    step = -(-len(months) // _MAX_TICKS)
    ticks = tuple(
        (offset(month), l10n.date(month)) for month in months[::step] if WIDTH * 0.12 < offset(month) < WIDTH * 0.88
    )
    return Timeline(
        renewals=renewals,
        more=len(others) - len(near),
        start=l10n.date(start),
        ticks=ticks,
        date_range=f"{l10n.date(start)} – {l10n.date(end)}",
    )


class _Date(Struct, frozen=True, kw_only=True):
    """A date of a subscription or contract; instances sort chronologically."""

    occurs_at: datetime
    order: tuple[str, str]
    """Tie-breaker for entries with the same instant; stable between runs."""
    key: str
    """The id of the subscription, or the check and the id of the contract."""
    name: str
    status: object
    """The state as Graph names it; None if unknown."""
    summary: Sequence[str]
    finding: Finding | None
    label: str = ""
    """The kind of date, if it belongs to a contract."""
    consequence: str = ""
    """What happens on the date; empty without a finding, as for nearly all subscriptions."""

    def __lt__(self, other: "_Date") -> bool:
        return (self.occurs_at, self.order) < (other.occurs_at, other.order)


def _reported(tenant: TenantResult, context: Context, findings: Iterable[Finding], today: date) -> dict[str, _Date]:
    """Return the dates of subscriptions with open findings by subscription id, each with its worst finding."""
    spare = spare_by_sku(tenant)
    by_id: dict[str, _Date] = {}
    for finding in of_checks(findings, _SUBSCRIPTION_CHECKS):
        occurs_at = next_date(finding)
        if occurs_at is None or finding.status is not Status.OPEN:
            continue
        facts, sku = finding.evidence, finding.product.sku_id if finding.product is not None else None
        previous = by_id.get(finding.subject.id)
        if previous is None or previous.finding is None or finding.severity.rank < previous.finding.severity.rank:
            by_id[finding.subject.id] = _Date(
                occurs_at=occurs_at,
                order=(finding.subject.name, finding.fingerprint),
                key=finding.subject.id,
                name=product_name(finding.product, context.names) or finding.subject.name,
                status=facts.get("status"),
                summary=list(_bought(facts.get("isTrial"), facts.get("totalLicenses"), sku, spare, context.l10n)),
                finding=finding,
                consequence=consequence_text(
                    facts.get("status"), tenant.agreement, today, context.l10n, trial=facts.get("isTrial") is True
                ),
            )
    return by_id


def _subscriptions(tenant: TenantResult, context: Context, start: datetime) -> Iterator[_Date]:
    """Yield the dates of all subscriptions, from the day of `start` on."""
    spare, l10n = spare_by_sku(tenant), context.l10n
    for subscription in tenant.subscriptions:
        occurs_at = _in_utc(subscription.next_lifecycle_date_time)
        if occurs_at is None or occurs_at.date() < start.date():
            continue
        name = context.names.get(subscription.sku_id.casefold())
        yield _Date(
            occurs_at=occurs_at,
            order=(subscription.name, subscription.id),
            key=subscription.id,
            name=name or subscription.name or subscription.sku_part_number or subscription.sku_id or subscription.id,
            status=subscription.status,
            summary=list(_bought(subscription.is_trial, subscription.total_licenses, subscription.sku_id, spare, l10n)),
            finding=None,
        )


def _contract_dates(tenant: TenantResult, l10n: Labels, findings: Iterable[Finding], today: date) -> Iterator[_Date]:
    """Yield the dates of the tenant's contracts, each with its worst open finding."""
    worst: dict[tuple[str, str | None], Finding] = {}
    for finding in sorted(of_checks(findings, _CONTRACT_CHECKS), key=lambda finding: finding.severity.rank):
        if finding.status is Status.OPEN:
            worst.setdefault((finding.check, finding.detail), finding)
    for contract in tenant.contracts or ():
        summary = [] if contract.seats is None else [contract_seats(contract.seats, l10n)]
        for contract_date in contract_dates(contract, today, l10n):
            reported = worst.get((contract_date.check, contract.id))
            yield _Date(
                occurs_at=contract_date.occurs_at,
                order=(contract.name, contract.id),
                key=f"{contract_date.check} {contract.id}",
                name=f"{contract.name} ({contract.id})",
                status=None,
                summary=summary,
                finding=reported,
                label=contract_date.label,
                consequence="" if reported is None else contract_date.consequence,
            )


def next_date(finding: Finding) -> datetime | None:
    """Return the next date, in UTC, of the subscription in a finding of its check; None if it has none."""
    text = finding.evidence.get("nextLifecycleDateTime")
    if not isinstance(text, str):
        return None
    try:
        return _in_utc(datetime.fromisoformat(text))
    except ValueError:
        return None


def _in_utc(instant: datetime) -> datetime | None:
    """Return an instant in UTC; None if that is outside of the range of `datetime`."""
    try:
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except OverflowError:
        return None


def _bought(
    trial: object, seats: object, sku: str | None, spare: Mapping[str, int | None], l10n: Labels
) -> Iterator[str]:
    yield from purchase(trial, seats, l10n)
    seats_left = spare.get(sku.casefold()) if sku is not None else None
    if seats_left is not None:
        yield spare_today(seats_left, l10n)


def _months(start: datetime, end: datetime) -> Iterator[datetime]:
    year, month = start.year, start.month
    while True:
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        first = datetime(year, month, 1, tzinfo=UTC)
        if first >= end:
            return
        yield first
