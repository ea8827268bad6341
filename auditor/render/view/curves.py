"""Computes charts of the totals of this run and earlier runs: as lines, bars and block characters."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from decimal import Decimal
from itertools import groupby
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from auditor.domain.enums import Severity
from auditor.domain.result.model import FleetResult, Result
from auditor.render.text.earlier_run import EarlierRun
from auditor.render.text.labels import Labels
from auditor.render.text.sparkline import last_of_groups, sparkline
from auditor.result.aggregate import money, summarise
from auditor.result.seats import spare_seats

_SIZE: Final = (120, 32)
"""Width and height of a line chart, in units of its view box."""
BAR_HEIGHT: Final = 20
"""Height of the highest bar in a mail, in pixels."""


class Trend(Struct, frozen=True, kw_only=True, eq=False):
    """A number over the runs so far."""

    label: str
    last: str
    points: str
    """Points of an SVG polyline in a view box of 120 by 32."""
    axis: float
    """Vertical position of zero: the bottom, unless a number is negative."""
    text: str
    """Block characters, one per run; if there are many runs, one per group of runs, for the last of them."""
    bars: tuple[tuple[int, int], ...]
    """The same values as heights from 1 to `BAR_HEIGHT`, each with the number of consecutive values that have it."""
    first: str
    """The first value, with its day."""
    summary: str
    """The first value, with its day, and the last one."""


def trends(result: Result, history: Sequence[EarlierRun], l10n: Labels) -> tuple[Trend, ...]:
    """Return charts of open findings, the two worst severities, spare seats and money; none without earlier runs."""
    return tuple(_trend(series, l10n) for series in _series(result, history, l10n))


class _Series(Struct, frozen=True, kw_only=True):
    """A number over the runs in which it is known, this run last."""

    label: str
    runs: Sequence[EarlierRun]
    values: Sequence[Decimal]
    currency: str = ""
    bounded: bool = False
    """Whether the number of this run is a lower bound, because the audit is incomplete."""


def _series(result: Result, history: Sequence[EarlierRun], l10n: Labels) -> Iterator[_Series]:
    if not history:
        return
    label = l10n.gettext("open findings")
    if not all(run.includes_fleet for run in history):
        if result.fleet.findings:
            label = l10n.gettext("open findings within tenants")
        # Earlier runs did not count findings across tenants: leave them out here, so that the numbers are comparable.
        result = replace(result, fleet=FleetResult(), summary=summarise(result.tenants))
    now = EarlierRun(as_of=result.run.as_of, open=result.summary.open, money=money(result), spare=spare_seats(result))
    runs = [*history, now]
    worst = (Severity.CRITICAL, Severity.HIGH)
    bounded = not result.complete
    total = [Decimal(sum(run.open.values())) for run in runs]
    yield _Series(label=label, runs=runs, values=total, bounded=bounded)
    high = [Decimal(sum(run.open.get(severity, 0) for severity in worst)) for run in runs]
    yield _Series(label=l10n.gettext("critical and high"), runs=runs, values=high, bounded=bounded)
    counted = [(run, Decimal(run.spare)) for run in runs if run.spare is not None]
    if now.spare is not None and len(counted) > 1:
        yield _Series(label=l10n.gettext("spare seats"), runs=[r for r, _ in counted], values=[v for _, v in counted])
    for currency in sorted({currency for run in runs for currency in run.money}):
        values = [run.money.get(currency, Decimal(0)) for run in runs]
        label = l10n.gettext("monthly cost of open findings")
        yield _Series(label=label, runs=runs, values=values, currency=currency, bounded=bounded)


def _trend(series: _Series, l10n: Labels) -> Trend:
    runs, values = series.runs, series.values
    width, height = _SIZE
    lowest, highest = min(*values, Decimal(0)), max(*values, Decimal(1))
    span = (runs[-1].as_of - runs[0].as_of) or timedelta(seconds=1)

    def vertical(value: Decimal) -> float:
        return round(height - float((value - lowest) / (highest - lowest)) * height, 1)

    points = (
        f"{round((run.as_of - runs[0].as_of) / span * width, 1)},{vertical(value)}"
        for run, value in zip(runs, values, strict=True)
    )
    first, last = (
        l10n.money(value, series.currency) if series.currency else l10n.number(int(value))
        for value in (values[0], values[-1])
    )
    if series.bounded:
        last = f"{last} ({l10n.gettext('at least')})"
    day = l10n.date(runs[0].as_of)
    samples = last_of_groups([float(value) for value in values])
    largest = max(*map(abs, samples), 1.0)
    heights = (max(1, round(max(sample, 0.0) / largest * BAR_HEIGHT)) for sample in samples)
    return Trend(
        label=series.label,
        last=last,
        points=" ".join(points),
        axis=vertical(Decimal(0)),
        text=sparkline(samples),
        bars=tuple((height, len(list(equal))) for height, equal in groupby(heights)),
        first=l10n.gettext("{first} on {day}", first=first, day=day),
        summary=l10n.gettext("{first} on {day}, {last} now", first=first, day=day, last=last),
    )
