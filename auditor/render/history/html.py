"""Renders trends as one HTML page with charts, without external resources or scripts."""

from collections.abc import Iterable, Sequence
from typing import Final

from markupsafe import Markup

from auditor.domain.message import Message
from auditor.domain.translation import capitalized
from auditor.domain.trends import Between, PolicyTrend, SeatTrend, Trends
from auditor.render.history.labels import (
    between_grids,
    change,
    cohorts_text,
    compared_nights,
    in_reading_order,
    is_changed,
    is_notable,
    method,
    money_change,
    open_counts,
    period_text,
    policy_columns,
    policy_row,
    runs_out,
    seat_columns,
    spare_text,
    tenant_table,
    total_row,
)
from auditor.render.static_page import page, table, tag
from auditor.render.text.labels import Labels
from auditor.render.text.sanitize import visible

_WIDTH: Final = 160
_HEIGHT: Final = 40
_MAX_FINDINGS: Final = 200
"""Findings of a comparison that are listed; history.json has all of them."""


def render(trends: Sequence[Trends], between: Sequence[Between], l10n: Labels) -> Iterable[bytes]:
    """Render history.html; `between` contains the changes between two instants, if two were requested."""
    comparisons = {comparison.tenant: comparison for comparison in between}
    title = l10n.gettext("Licences over time")
    ordered = in_reading_order(trends)
    sections = [_tenant(tenant, f"t{n}", comparisons.get(tenant.tenant), l10n) for n, tenant in enumerate(ordered, 1)]
    columns, rows = tenant_table(ordered, l10n)
    link = Markup('<a href="#t{}">{}</a>')
    linked = [(link.format(number, visible(name)), *cells) for number, (name, *cells) in enumerate(rows, 1)]
    if linked:
        linked.append(total_row(ordered, l10n)[: len(columns)])
    return (page([table(columns, linked), *sections], title=title, heading=title, l10n=l10n),)


def curve(values: Sequence[float | None], label: str, l10n: Labels) -> Markup:
    """Return a small line chart as SVG, or a dash for a single value; unknown values are gaps in the line."""
    numbers = [value for value in values if value is not None]
    if not numbers:
        return tag("span", l10n.gettext("not known"))
    if len(values) == 1:
        return tag("span", l10n.number(None))
    low, high = min(0, *numbers), max(1, *numbers)
    segments: list[list[str]] = [[]]
    for number, value in enumerate(values):
        if value is None:
            segments.append([])
            continue
        x = round(number / max(1, len(values) - 1) * _WIDTH, 1)
        segments[-1].append(f"{x},{round(_HEIGHT - (value - low) / (high - low) * _HEIGHT, 1)}")
    lines = Markup("").join(Markup('<polyline points="{}"/>').format(" ".join(points)) for points in segments if points)
    return Markup('<svg role="img" aria-label="{}" viewBox="0 -2 {} {}" preserveAspectRatio="none">{}</svg>').format(
        visible(label), _WIDTH, _HEIGHT + 4, lines
    )


def _tenant(trends: Trends, anchor: str, comparison: Between | None, l10n: Labels) -> Markup:
    parts = [tag("h2", trends.title), tag("p", capitalized(period_text(trends, l10n), l10n.locale))]
    parts += [_warning(text, l10n) for text in trends.unknown]
    parts += [] if comparison is None else _comparison(comparison, l10n)
    reasons = [runs_out(seat.forecast, l10n) for seat in trends.seats if seat.forecast.silent is not None]
    shared = reasons[0] if len(reasons) > 1 and len(set(reasons)) == 1 else ""
    seats = [(is_notable(seat), _seat(seat, shared, l10n)) for seat in trends.seats]
    parts += [_overall(trends, l10n), *_folded(l10n.gettext("Seats"), seat_columns(l10n), seats, l10n)]
    parts += [tag("p", capitalized(shared, l10n.locale))] if shared else []
    parts += [tag("p", method(trends.seats[0].forecast, l10n))] if len(reasons) < len(trends.seats) else []
    policies = [(is_changed(policy), _policy(policy, l10n)) for policy in trends.policies]
    parts += _folded(l10n.gettext("Findings by policy"), policy_columns(l10n), policies, l10n)
    body = Markup("\n").join(part for part in parts if part)
    return Markup('<section class="tenant" id="{}">\n{}\n</section>').format(anchor, body)


def _folded(
    title: str, titles: Sequence[str], rows: Sequence[tuple[bool, Sequence[str]]], l10n: Labels
) -> list[Markup]:
    """Return a table of the rows that changed, and a collapsed table of the other rows."""
    changed = [row for is_changed, row in rows if is_changed]
    others = [row for is_changed, row in rows if not is_changed]
    parts = [tag("h3", title)] if rows else []
    parts += [table(titles, changed)]
    if others:
        label = l10n.plural("{count} unchanged", "{count} unchanged", len(others))
        folded = '<details class="fold"><summary><span class="name">{}</span></summary>{}</details>'
        parts.append(Markup(folded).format(label, table(titles, others)))  # noqa: S704 - the template is a constant
    return parts


def _seat(seat: SeatTrend, shared: str, l10n: Labels) -> tuple[str, ...]:
    """Return the cells of a product; `shared` is a reason that is printed once, below the table.

    Only seats that people are assigned can run out.
    """
    assigned = change(seat.consumed, l10n)
    forecast = runs_out(seat.forecast, l10n) if seat.for_people else l10n.number(None)
    return (
        seat.sku,
        assigned,
        curve(seat.consumed, f"{seat.sku}: {assigned}", l10n),
        change(seat.usable, l10n),
        spare_text(seat, l10n),
        cohorts_text(seat.cohorts, l10n),
        l10n.number(None) if forecast == shared else forecast,
    )


def _policy(policy: PolicyTrend, l10n: Labels) -> tuple[str, ...]:
    name, open_findings, *others = policy_row(policy, l10n)
    return name, open_findings, curve(policy.open, f"{name}: {open_findings}", l10n), *others


def _comparison(comparison: Between, l10n: Labels) -> list[Markup]:
    grids = between_grids(comparison, l10n, most=_MAX_FINDINGS)
    more = max(0, len(comparison.findings) - _MAX_FINDINGS)
    notes = [l10n.more(more, file="history.json")] if more else []
    nothing = [] if grids else [tag("p", l10n.gettext("Nothing changed."))]
    return [
        tag("h3", compared_nights(comparison, l10n)),
        *(_warning(text, l10n) for text in comparison.unknown),
        *(table(columns, rows, title) for title, columns, rows in grids),
        *(tag("p", text) for text in notes),
        *nothing,
    ]


def _warning(text: Message, l10n: Labels) -> Markup:
    return Markup('<p class="warn">{}</p>').format(visible(l10n.translate(text)))


def _overall(trends: Trends, l10n: Labels) -> Markup:
    totals, worst = open_counts(trends)
    waived = [count for _, _, count, _ in trends.open]
    series = (
        (l10n.gettext("Open findings"), totals),
        (l10n.gettext("Critical and high"), worst),
        (l10n.gettext("Waived"), waived),
    )
    rows = [
        (name, curve(values, f"{name}: {change(values, l10n)}", l10n), change(values, l10n))
        for name, values in series
        if values
    ]
    for currency, sums in trends.money.items():
        text = money_change(sums[0][1], sums[-1][1], currency, l10n)
        chart = curve([float(amount) for _, amount in sums], text, l10n)
        rows.append((l10n.gettext("Cost of open findings"), chart, text))
    titles = (l10n.gettext("Figure"), l10n.gettext("Trend"), l10n.gettext("First → last"))
    return table(titles, rows, l10n.gettext("Overview"))
