"""Places the dates of subscriptions and contracts on a line of time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

from msgspec import Struct

from auditor.domain.enums import Status
from auditor.domain.result.finding import Finding
from auditor.domain.result.model import TenantResult
from auditor.render.html.rows import Context, anchor, of_checks
from auditor.render.html.view import Renewal, Timeline
from auditor.render.text.end_of_term import happens
from auditor.render.text.evidence.contracts import contract_dates, contract_seats, purchase
from auditor.render.text.evidence.facts import product_name
from auditor.render.text.labels import Labels
from auditor.render.text.sanitize import shortened

LINE: Final = 600
"""Units of the line of time; what is drawn lies between 0 and LINE."""
_SUBSCRIPTIONS: Final = "subscription."
_CONTRACTS: Final = "contract."
_SHORTEST: Final = timedelta(days=60)
_YEAR: Final = timedelta(days=366)
"""How far ahead subscriptions without a finding are drawn: most are bought for a year."""
_FARTHEST: Final = timedelta(days=3660)
"""The end of every line: what comes later, as the 9999-12-31 that stands for never, stands at its end."""
_END: Final = datetime(9999, 1, 1, tzinfo=UTC)
_QUIET: Final = 24
"""Subscriptions without a finding that the page holds; the rest are in result.json."""
_MONTHS: Final = 6
"""Marks of a month that fit on the line."""


def timeline(tenant: TenantResult, context: Context, findings: Iterable[Finding], moment: datetime) -> Timeline | None:
    """Return the dates of the tenant's subscriptions and contracts, those of open findings first to be kept, or None.

    The line begins at `moment`, the audit's. A subscription stands there once, a contract with its end and the last day
    to give notice. Those without a finding stand there up to a year ahead, or as far as findings reach.
    """
    start, listed = moment.astimezone(UTC), list(findings)
    agreed = list(_agreed(tenant, context.l10n, listed, start.date()))
    reported = _found(tenant, context, listed) | {each.key: each for each in agreed if each.finding is not None}
    last = min(start + _FARTHEST, _END)
    horizon = max([min(start + _YEAR, last), *(min(each.moment, last) for each in reported.values())])
    others = [each for each in agreed if each.finding is None and each.moment.date() >= start.date()]
    quiet = [each for each in (*_quiet(tenant, context, start), *others) if each.key not in reported]
    near = sorted(each for each in quiet if each.moment <= horizon)[:_QUIET]
    ordered = sorted([*reported.values(), *near])
    if not ordered:
        return None
    end = max(min(ordered[-1].moment, last), start + _SHORTEST)
    l10n = context.l10n

    def at(moment: datetime) -> int:
        return round(min(max((moment - start) / (end - start), 0), 1) * LINE)

    renewals = tuple(
        Renewal(
            name=shortened(each.name),
            date=l10n.date(each.moment),
            state=each.label or shortened(l10n.subscription(each.status)),
            summary=l10n.joined(each.summary),
            happens=_happens(each, tenant, start.date(), l10n),
            severity=None if each.finding is None else each.finding.severity,
            anchor=None if each.finding is None else anchor("f", each.finding.fingerprint),
            offset=at(each.moment),
        )
        for each in ordered
    )
    marks = list(_months(start, end))
    step = -(-len(marks) // _MONTHS)
    ticks = tuple((at(month), l10n.date(month)) for month in marks[::step] if LINE * 0.12 < at(month) < LINE * 0.88)
    whole = f"{l10n.date(start)} – {l10n.date(end)}"
    return Timeline(renewals=renewals, more=len(quiet) - len(near), start=l10n.date(start), ticks=ticks, whole=whole)


class _Dated(Struct, frozen=True, kw_only=True):
    """A subscription or contract with a date; they stand in the order of their dates."""

    moment: datetime
    order: tuple[str, str]
    """What tells those of the same instant apart, the same in every run."""
    key: str
    """The id of the subscription, or of the contract with what its date is."""
    name: str
    status: object
    """The state as Graph calls it; None where it did not say."""
    summary: Sequence[str]
    trial: bool
    finding: Finding | None
    label: str = ""
    """What the date is, where it is none of a subscription."""
    happens: str = ""
    """What happens on the date, where it is none of a subscription."""

    def __lt__(self, other: "_Dated") -> bool:
        return (self.moment, self.order) < (other.moment, other.order)


def _found(tenant: TenantResult, context: Context, findings: Iterable[Finding]) -> dict[str, _Dated]:
    """Return the subscriptions of open findings by id, each with its worst."""
    spare = _spare(tenant)
    by_id: dict[str, _Dated] = {}
    for finding in of_checks(findings, _SUBSCRIPTIONS):
        moment = next_date(finding)
        if moment is None or finding.status is not Status.OPEN:
            continue
        previous = by_id.get(finding.subject.id)
        if previous is None or previous.finding is None or finding.severity.rank < previous.finding.severity.rank:
            by_id[finding.subject.id] = _Dated(
                moment=moment,
                order=(finding.subject.name, finding.fingerprint),
                key=finding.subject.id,
                name=product_name(finding.product, context.names) or finding.subject.name,
                status=finding.evidence.get("status"),
                summary=list(_seat_facts(finding, spare, context.l10n)),
                trial=finding.evidence.get("isTrial") is True,
                finding=finding,
            )
    return by_id


def _quiet(tenant: TenantResult, context: Context, start: datetime) -> Iterator[_Dated]:
    """Yield every subscription whose date is not past; on its very day it is not."""
    spare, l10n = _spare(tenant), context.l10n
    for each in tenant.subscriptions:
        moment = _in_utc(each.next_lifecycle_date_time)
        if moment is None or moment.date() < start.date():
            continue
        name = context.names.get(each.sku_id.casefold())
        yield _Dated(
            moment=moment,
            order=(each.name, each.id),
            key=each.id,
            name=name or each.name or each.sku_part_number or each.sku_id or each.id,
            status=each.status,
            summary=list(_bought(each.is_trial, each.total_licenses, each.sku_id, spare, l10n)),
            trial=each.is_trial is True,
            finding=None,
        )


def _agreed(tenant: TenantResult, l10n: Labels, findings: Iterable[Finding], today: date) -> Iterator[_Dated]:
    """Yield the dates of the tenant's contracts, each with its worst open finding."""
    worst: dict[tuple[str, str | None], Finding] = {}
    for finding in sorted(of_checks(findings, _CONTRACTS), key=lambda each: each.severity.rank):
        if finding.status is Status.OPEN:
            worst.setdefault((finding.check, finding.detail), finding)
    for contract in tenant.contracts or ():
        summary = [] if contract.seats is None else [contract_seats(contract.seats, l10n)]
        for each in contract_dates(contract, today, l10n):
            yield _Dated(
                moment=each.moment,
                order=(contract.name, contract.id),
                key=f"{each.check} {contract.id}",
                name=f"{contract.name} ({contract.id})",
                status=None,
                summary=summary,
                trial=False,
                finding=worst.get((each.check, contract.id)),
                label=each.label,
                happens=each.happens,
            )


def _happens(each: _Dated, tenant: TenantResult, today: date, l10n: Labels) -> str:
    """Return what happens on a date; what is in order needs no words: nearly every subscription is."""
    if each.finding is None or each.label:
        return "" if each.finding is None else each.happens
    return happens(each.status, tenant.agreement, today, l10n, trial=each.trial)


def _spare(tenant: TenantResult) -> dict[str, int | None]:
    return {seats.sku_id.casefold(): seats.spare for seats in tenant.seats}


def next_date(finding: Finding) -> datetime | None:
    """Return the next date of the subscription that a finding is about, in UTC."""
    if not finding.check.startswith(_SUBSCRIPTIONS):
        return None
    written = finding.evidence.get("nextLifecycleDateTime")
    if not isinstance(written, str):
        return None
    try:
        return _in_utc(datetime.fromisoformat(written))
    except ValueError:
        return None


def _in_utc(moment: datetime) -> datetime | None:
    """Return an instant in UTC; None for the first or last day of all, somewhere else."""
    try:
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except OverflowError:
        return None


def _seat_facts(finding: Finding, spare: Mapping[str, int | None], l10n: Labels) -> Iterator[str]:
    facts = finding.evidence
    sku = finding.product.sku_id if finding.product is not None else None
    yield from _bought(facts.get("isTrial"), facts.get("totalLicenses"), sku, spare, l10n)


def _bought(
    trial: object, seats: object, sku: str | None, spare: Mapping[str, int | None], l10n: Labels
) -> Iterator[str]:
    yield from purchase(trial, seats, l10n)
    seats_left = spare.get(sku.casefold()) if sku is not None else None
    if seats_left is not None:
        yield l10n.gettext("{seats} spare today").replace("{seats}", l10n.number(seats_left))


def _months(start: datetime, end: datetime) -> Iterator[datetime]:
    year, month = start.year, start.month
    while True:
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        first = datetime(year, month, 1, tzinfo=UTC)
        if first >= end:
            return
        yield first
