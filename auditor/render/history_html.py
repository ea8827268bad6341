"""Trends into one HTML page with pictures that loads nothing and runs nothing."""

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from markupsafe import Markup

from auditor.domain.trends import Trends
from auditor.domain.words import Severity
from auditor.render.artifact import Artifact
from auditor.render.history_words import change, repair, runs_out, told_cohorts
from auditor.render.visible import visible

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:80rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "table{border-collapse:collapse;margin:1rem 0}th,td{border:1px solid #888;padding:.25rem .6rem;text-align:start;"
    "vertical-align:top}td{overflow-wrap:anywhere}svg{width:10rem;height:2.5rem}"
    "polyline{fill:none;stroke:currentColor;stroke-width:1.5;vector-effect:non-scaling-stroke}"
    ".warn{border-inline-start:.3rem solid #b45309;padding-inline-start:.8rem}caption{text-align:start}"
)
_WIDE: Final = 160
_HIGH: Final = 40


def render(trends: Sequence[Trends]) -> Artifact:
    """Write history.html."""
    parts = [_tag("h1", "Licences over time"), *(part for told in trends for part in _tenant(told))]
    digest = b64encode(sha256(_STYLE.encode()).digest()).decode()
    rules = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    text = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{rules}">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>Licences over time</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(parts)
        + "\n</main>\n</body>\n</html>\n"
    )
    return Artifact(name="history.html", media_type="text/html; charset=utf-8", body=text.encode("utf-8", "replace"))


def curve(values: Sequence[float | None], said: str) -> Markup:
    """Return a small picture; a gap in the line where a value is not known."""
    known = [value for value in values if value is not None]
    if not known:
        return _tag("span", "not known")
    low, high = min(0, *known), max(1, *known)
    pieces: list[list[str]] = [[]]
    for number, value in enumerate(values):
        if value is None:
            pieces.append([])
            continue
        x = round(number / max(1, len(values) - 1) * _WIDE, 1)
        pieces[-1].append(f"{x},{round(_HIGH - (value - low) / (high - low) * _HIGH, 1)}")
    drawn = Markup("").join(Markup('<polyline points="{}"/>').format(" ".join(points)) for points in pieces if points)
    return Markup('<svg role="img" aria-label="{}" viewBox="0 -2 {} {}" preserveAspectRatio="none">{}</svg>').format(
        visible(said), _WIDE, _HIGH + 4, drawn
    )


def _tenant(told: Trends) -> Sequence[Markup]:
    spent = f"{told.nights} nights and {told.results} results, {told.since:%Y-%m-%d} to {told.until:%Y-%m-%d}"
    seats = [
        (
            seat.sku,
            curve(seat.consumed, f"{seat.sku}: consumed {change(seat.consumed)}"),
            change(seat.consumed),
            change(seat.usable),
            change(seat.spare),
            told_cohorts(seat.cohorts),
            runs_out(seat.forecast),
        )
        for seat in told.seats
    ]
    parts = [_tag("h2", told.tenant), _tag("p", spent)]
    parts += [Markup('<p class="warn">{}</p>').format(visible(text)) for text in told.unknown]
    parts += [_overall(told)]
    columns: tuple[str, ...] = (
        "Product",
        "Seats taken",
        "Taken",
        "Usable",
        "Spare",
        "Holders",
        "Runs out (90 % interval)",
    )
    parts += [_table("Seats", columns, seats)]
    parts += [_tag("p", f"Forecast: {told.seats[0].forecast.method}.")] if told.seats else []
    columns = (
        "Policy",
        "Severity",
        "Open",
        "Open",
        "Waived",
        "Came / went",
        "Days open: <7 / <30 / <90 / more",
        "Mended",
    )
    return [part for part in (*parts, _table("Findings by policy", columns, _policies(told))) if part]


def _policies(told: Trends) -> list[tuple[str, ...]]:
    return [
        (
            policy.policy,
            policy.severity.value if policy.severity else "",
            curve(policy.open, f"{policy.policy}: open {change(policy.open)}"),
            change(policy.open),
            change(policy.waived),
            f"{policy.opened:,} / {policy.closed:,}",
            " / ".join(f"{count:,}" for count in policy.ages),
            repair(policy),
        )
        for policy in told.policies
    ]


def _overall(told: Trends) -> Markup:
    totals = [sum(stood.values()) for _, stood, _, _ in told.open]
    worst = [stood[Severity.CRITICAL] + stood[Severity.HIGH] for _, stood, _, _ in told.open]
    waived = [count for _, _, count, _ in told.open]
    rows = [
        (name, curve(values, f"{name}: {change(values)}"), change(values))
        for name, values in (("open findings", totals), ("critical and high", worst), ("waived", waived))
        if values
    ]
    for currency, sums in told.money.items():
        amounts = [float(amount) for _, amount in sums]
        said = f"{amounts[0]:,.2f} → {amounts[-1]:,.2f} {currency} a month"
        rows.append(("in open findings", curve(amounts, said), said))
    return _table("All in all", ("What", "", "First → last"), rows)


def _tag(name: str, text: str) -> Markup:
    return Markup("<{0}>{1}</{0}>").format(Markup(name), visible(text))  # noqa: S704 - names are ours


def _table(title: str, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup:
    if not rows:
        return Markup("")
    head = Markup("").join(Markup('<th scope="col">{}</th>').format(title) for title in titles)
    body = Markup("\n").join(
        Markup("<tr>{}</tr>").format(
            Markup("").join(Markup("<td>{}</td>").format(c if isinstance(c, Markup) else visible(c)) for c in row)
        )
        for row in rows
    )
    made = "<table>\n<caption><h3>{}</h3></caption>\n<thead><tr>{}</tr></thead>\n<tbody>\n{}\n</tbody>\n</table>"
    return Markup(made).format(title, head, body)  # noqa: S704 - the frame is ours
