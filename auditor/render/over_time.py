"""Subscriptions with a date into a line of time, and the runs so far into small curves."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from auditor.domain.result import Finding, FleetResult, Result, TenantResult
from auditor.domain.words import Severity
from auditor.render.facts import product_name
from auditor.render.fleet import spare_seats
from auditor.render.members import OPEN
from auditor.render.past import TALL, Past, Spark
from auditor.render.rows import Context, anchored, checked, shortened
from auditor.render.totals import money, summarise
from auditor.render.view import Renewal, Timeline, Trend
from auditor.render.words import Words

LINE: Final = 600
"""Units of the line of time; what is drawn lies between 0 and LINE."""
_SUBSCRIPTIONS: Final = "subscription."
_CURVE: Final = (120, 32)
_SHORTEST: Final = timedelta(days=60)
_MONTHS: Final = 6
"""Marks of a month that fit on the line."""


def timeline(tenant: TenantResult, context: Context) -> Timeline | None:
    """Return the tenant's renewals, each subscription once; None where no finding tells a date."""
    found: dict[str, tuple[datetime, Finding]] = {}
    for finding in checked(tenant.findings, _SUBSCRIPTIONS):
        moment = next_date(finding)
        if moment is not None and finding.status is OPEN:
            known = found.get(finding.subject.id)
            if known is None or finding.severity.rank < known[1].severity.rank:
                found[finding.subject.id] = (moment, finding)
    if not found:
        return None
    ordered = sorted(found.values(), key=lambda item: (item[0], item[1].subject.name, item[1].fingerprint))
    start = tenant.as_of.astimezone(UTC)
    end = max(ordered[-1][0], start + _SHORTEST)
    spare = {seats.sku_id.casefold(): seats.spare for seats in tenant.seats}
    words = context.words

    def at(moment: datetime) -> int:
        return round(min(max((moment - start) / (end - start), 0), 1) * LINE)

    renewals = tuple(
        Renewal(
            name=shortened(product_name(finding, context.names) or finding.subject.name),
            date=words.date(moment),
            said=words.joined(_said(finding, spare, words)),
            severity=finding.severity,
            anchor=anchored("f", finding.fingerprint),
            place=at(moment),
        )
        for moment, finding in ordered
    )
    marks = list(_months(start, end))
    step = -(-len(marks) // _MONTHS)
    ticks = tuple((at(month), words.date(month)) for month in marks[::step] if LINE * 0.12 < at(month) < LINE * 0.88)
    return Timeline(
        renewals=renewals, start=words.date(start), ticks=ticks, whole=f"{words.date(start)} – {words.date(end)}"
    )


def next_date(finding: Finding) -> datetime | None:
    """Return the next date of the subscription that a finding is about, in UTC."""
    if not finding.check.startswith(_SUBSCRIPTIONS):
        return None
    written = finding.evidence.get("nextLifecycleDateTime")
    if not isinstance(written, str):
        return None
    try:
        moment = datetime.fromisoformat(written)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def trends(result: Result, history: Sequence[Past], words: Words) -> tuple[Trend, ...]:
    """Return the curves of open findings, of the worst two severities, and of money; none without an earlier run."""
    return tuple(_trend(series, words) for series in _series(result, history, words))


def sparks(result: Result, history: Sequence[Past], words: Words) -> tuple[Spark, ...]:
    """Return the same curves for a line of text and for a mail."""
    return tuple(_spark(series, words) for series in _series(result, history, words))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Series:
    """One number over the runs in which it is known, this run last."""

    label: str
    runs: Sequence[Past]
    values: Sequence[Decimal]
    currency: str = ""


def _series(result: Result, history: Sequence[Past], words: Words) -> Iterator[_Series]:
    if not history:
        return
    if not all(run.whole for run in history):
        # What earlier runs did not count is not counted now: a curve compares like with like.
        result = replace(result, fleet=FleetResult(), summary=summarise(result.tenants))
    now = Past(as_of=result.run.as_of, open=result.summary.open, money=money(result), spare=spare_seats(result))
    runs = [*history, now]
    worst = (Severity.CRITICAL, Severity.HIGH)
    total = [Decimal(sum(run.open.values())) for run in runs]
    yield _Series(label=words.gettext("open findings"), runs=runs, values=total)
    high = [Decimal(sum(run.open.get(severity, 0) for severity in worst)) for run in runs]
    yield _Series(label=words.gettext("critical and high"), runs=runs, values=high)
    known = [(run, Decimal(run.spare)) for run in runs if run.spare is not None]
    if now.spare is not None and len(known) > 1:
        yield _Series(label=words.gettext("spare seats"), runs=[r for r, _ in known], values=[v for _, v in known])
    for currency in sorted({currency for run in runs for currency in run.money}):
        values = [run.money.get(currency, Decimal(0)) for run in runs]
        yield _Series(label=words.gettext("a month in open findings"), runs=runs, values=values, currency=currency)


def _spark(series: _Series, words: Words) -> Spark:
    from auditor.render.history_words import sampled, sparkline  # noqa: PLC0415 - only where there are earlier runs

    *_, said = _told(series, words)
    values = sampled([float(value) for value in series.values])
    most = max(*(abs(value) for value in values), 1.0)
    bars = tuple(max(1, round(max(value, 0.0) / most * TALL)) for value in values)
    return Spark(label=series.label, text=sparkline(values), bars=bars, said=said)


def _trend(series: _Series, words: Words) -> Trend:
    runs, values = series.runs, series.values
    wide, high = _CURVE
    most = max(*values, Decimal(1))
    span = (runs[-1].as_of - runs[0].as_of) or timedelta(seconds=1)
    points = (
        f"{round((run.as_of - runs[0].as_of) / span * wide, 1)},{round(high - float(value / most) * high, 1)}"
        for run, value in zip(runs, values, strict=True)
    )
    first, last, said = _told(series, words)
    return Trend(label=series.label, first=first, last=last, points=" ".join(points), said=said)


def _told(series: _Series, words: Words) -> tuple[str, str, str]:
    ends = (series.values[0], series.values[-1])
    first, last = (words.money(v, series.currency) if series.currency else words.number(int(v)) for v in ends)
    said = words.gettext("{first} on {day}, {last} now")
    said = said.replace("{first}", first).replace("{day}", words.date(series.runs[0].as_of)).replace("{last}", last)
    return first, last, said


def _said(finding: Finding, spare: Mapping[str, int | None], words: Words) -> Iterator[str]:
    facts = finding.evidence
    if facts.get("isTrial") is True:
        yield words.gettext("trial")
    if type(facts.get("totalLicenses")) is int:
        yield words.ngettext("{count} seat bought", "{count} seats bought", facts["totalLicenses"])
    sku = finding.product.sku_id if finding.product is not None else None
    left = spare.get(sku.casefold()) if sku is not None else None
    if left is not None:
        yield words.gettext("{seats} spare today").replace("{seats}", words.number(left))


def _months(start: datetime, end: datetime) -> Iterator[datetime]:
    year, month = start.year, start.month
    while True:
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        first = datetime(year, month, 1, tzinfo=UTC)
        if first >= end:
            return
        yield first
