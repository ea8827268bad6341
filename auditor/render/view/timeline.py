"""Builds the timeline of subscription and contract dates."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final

from msgspec import Struct

from auditor.domain.enums import Status
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import TenantResult
from auditor.findings.display_names import product_name
from auditor.render.text.evidence.contracts import (
    consequence_text,
    contract_consequence,
    contract_seats,
    purchase,
    spare_by_sku,
    spare_today,
)
from auditor.render.text.labels import Labels
from auditor.render.text.sanitize import shortened
from auditor.render.view.model import Timeline, TimelineDate
from auditor.render.view.rows import Context, anchor, of_checks

WIDTH: Final = 600
"""Width of the timeline, in units of its view box."""
_SUBSCRIPTION_CHECKS: Final = "subscription."
_CONTRACT_CHECKS: Final = "contract."
NOTICE: Final = "contract.notice"
"""The check about the last day to give notice."""
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
    start, all_findings, l10n = as_of.astimezone(UTC), list(findings), context.l10n
    contracts = list(contract_dates(tenant, all_findings, start.date(), l10n))
    found = of_checks(all_findings, _SUBSCRIPTION_CHECKS)
    reported = reported_dates(tenant, found, context.names, start.date(), l10n) | {
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

    def offset(instant: datetime) -> int:
        return round(min(max((instant - start) / (end - start), 0), 1) * WIDTH)

    renewals = tuple(
        TimelineDate(
            name=shortened(entry.name),
            date=l10n.date(entry.occurs_at),
            state=entry.label or shortened(l10n.subscription(entry.status)),
            summary=l10n.joined((*entry.seats, *([] if entry.spare is None else [spare_today(entry.spare, l10n)]))),
            consequence="" if entry.finding is None else entry.consequence,
            severity=None if entry.finding is None else entry.finding.severity,
            anchor=None if entry.finding is None else anchor("f", entry.finding.fingerprint),
            offset=offset(entry.occurs_at),
        )
        for entry in ordered
    )
    months = list(_months(start, end))
    step = -(-len(months) // _MAX_TICKS)
    ticks = tuple(
        (offset(month), l10n.date(month)) for month in months[::step] if WIDTH * 0.12 < offset(month) < WIDTH * 0.74
    )
    return Timeline(
        renewals=renewals,
        more=len(others) - len(near),
        start=l10n.date(start),
        end=l10n.date(end),
        ticks=ticks,
        date_range=f"{l10n.date(start)} – {l10n.date(end)}",
    )


class TermDate(Struct, frozen=True, kw_only=True):
    """A date of a subscription or contract; instances sort chronologically."""

    occurs_at: datetime
    order: tuple[str, str]
    """Tie-breaker for entries with the same instant; stable between runs."""
    key: tuple[str, str]
    """The check that is about this date of a contract, empty for a subscription; and the id."""
    name: str
    label: str = ""
    """The kind of date, if it belongs to a contract."""
    status: object = None
    """The state of the subscription as Graph names it; None if unknown."""
    seats: tuple[str, ...]
    """What was bought, in words."""
    spare: int | None = None
    """Seats of the subscription that are spare today; None if not known."""
    consequence: str = ""
    """What happens on the date; empty for subscriptions without a finding."""
    finding: Finding | None = None
    """The worst open finding about the date."""

    def __lt__(self, other: "TermDate") -> bool:
        return (self.occurs_at, self.order) < (other.occurs_at, other.order)


def reported_dates(
    tenant: TenantResult, findings: Iterable[Finding], names: Mapping[str, str], today: date, l10n: Labels
) -> dict[tuple[str, str], TermDate]:
    """Return the dates of subscriptions with open findings, which are `findings`, by their keys.

    `names` are those of products, `today` is the day of the audit in UTC.
    """
    spare = spare_by_sku(tenant)
    by_key: dict[tuple[str, str], TermDate] = {}
    for finding in findings:
        occurs_at, key = next_date(finding), ("", finding.subject.id)
        if occurs_at is None or finding.status is not Status.OPEN:
            continue
        facts, sku = finding.evidence, finding.product.sku_id if finding.product is not None else None
        previous = by_key.get(key)
        if previous is None or previous.finding is None or finding.severity.rank < previous.finding.severity.rank:
            by_key[key] = TermDate(
                occurs_at=occurs_at,
                order=(finding.subject.name, finding.fingerprint),
                key=key,
                name=product_name(finding.product, names) or finding.subject.name,
                status=facts.get("status"),
                seats=tuple(purchase(facts.get("isTrial"), facts.get("totalLicenses"), l10n)),
                spare=None if sku is None else spare.get(sku.casefold()),
                consequence=consequence_text(
                    facts.get("status"), tenant.agreement, today, l10n, trial=facts.get("isTrial") is True
                ),
                finding=finding,
            )
    return by_key


def _subscriptions(tenant: TenantResult, context: Context, start: datetime) -> Iterator[TermDate]:
    """Yield the dates of all subscriptions, from the day of `start` on."""
    spare = spare_by_sku(tenant)
    for subscription in tenant.subscriptions:
        occurs_at = _in_utc(subscription.next_lifecycle_date_time)
        if occurs_at is None or occurs_at.date() < start.date():
            continue
        name = context.names.get(subscription.sku_id.casefold())
        yield TermDate(
            occurs_at=occurs_at,
            order=(subscription.name, subscription.id),
            key=("", subscription.id),
            name=name or subscription.name or subscription.sku_part_number or subscription.sku_id or subscription.id,
            status=subscription.status,
            seats=tuple(purchase(subscription.is_trial, subscription.total_licenses, context.l10n)),
            spare=spare.get(subscription.sku_id.casefold()),
        )


def contract_dates(tenant: TenantResult, findings: Iterable[Finding], today: date, l10n: Labels) -> Iterator[TermDate]:
    """Yield the known dates of the tenant's contracts, past ones too, each with the worst of its open findings."""
    worst: dict[tuple[str, str | None], Finding] = {}
    for finding in sorted(of_checks(findings, _CONTRACT_CHECKS), key=lambda finding: finding.severity.rank):
        if finding.status is Status.OPEN:
            worst.setdefault((finding.check, finding.detail), finding)
    for contract in tenant.contracts or ():
        for check, day, label in (
            (NOTICE, contract.notice, l10n.gettext("last day to give notice")),
            ("contract.ending", contract.ends, l10n.gettext("end of the contract")),
        ):
            if day is not None:
                yield TermDate(
                    occurs_at=datetime(day.year, day.month, day.day, tzinfo=UTC),
                    order=(contract.name, contract.id),
                    key=(check, contract.id),
                    name=f"{contract.name} ({contract.id})",
                    label=label,
                    seats=() if contract.seats is None else (contract_seats(contract.seats, l10n),),
                    consequence=contract_consequence(contract.renews, l10n, notice=check == NOTICE, past=day < today),
                    finding=worst.get((check, contract.id)),
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


def _months(start: datetime, end: datetime) -> Iterator[datetime]:
    year, month = start.year, start.month
    while True:
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        first = datetime(year, month, 1, tzinfo=UTC)
        if first >= end:
            return
        yield first
