"""Trends and episodes onto the terminal."""

from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from auditor.domain.errors import printable
from auditor.domain.trends import Cohorts, Episode, Trends
from auditor.render.history_words import change, repair, runs_out, sparkline, told_cohorts


def show(trends: Sequence[Trends], *, no_color: bool) -> None:
    """Print every tenant: what is unknown, findings, money, seats, policies."""
    console = _console(no_color=no_color)
    for told in trends:
        head = f"{told.tenant}: {told.nights} nights, {told.results} results, "
        _print(console, f"{head}{told.since:%Y-%m-%d} to {told.until:%Y-%m-%d}", "bold")
        for sentence in told.unknown:
            _print(console, f"  {sentence}", "yellow")
        _overall(console, told)
        _table(
            console,
            ("Product", "Taken", "", "Usable", "Spare", "Holders", "Runs out"),
            [
                (s.sku, change(s.consumed), sparkline(s.consumed), change(s.usable), change(s.spare),
                 told_cohorts(s.cohorts), runs_out(s.forecast))
                for s in told.seats
            ],
        )  # fmt: skip
        if told.seats:
            _print(console, f"forecast: {told.seats[0].forecast.method}", "dim")
        _table(
            console,
            ("Policy", "Open", "", "Waived", "Came / went", "<7 / <30 / <90 / more days", "Mended"),
            [
                (p.policy, change(p.open), sparkline(p.open), change(p.waived), f"{p.opened:,} / {p.closed:,}",
                 " / ".join(f"{count:,}" for count in p.ages), repair(p))
                for p in told.policies
            ],
        )  # fmt: skip


def show_cohorts(tenant: str, cohorts: Mapping[str, Cohorts], names: Mapping[str, str], *, no_color: bool) -> None:
    """Print what became of the holders of each SKU between two nights."""
    console = _console(no_color=no_color)
    _print(console, tenant, "bold")
    rows = [
        (names.get(sku, sku), *(f"{count:,}" for count in (c.kept, c.new, c.reclaimed, c.lapsed)))
        for sku, c in cohorts.items()
    ]
    _table(console, ("Product", "Kept", "New", "Reclaimed", "Lapsed"), rows)


def show_episodes(tenant: str, episodes: Sequence[Episode], wanted: str, *, no_color: bool) -> None:
    """Print since when, and until when."""
    console = _console(no_color=no_color)
    if not episodes:
        _print(console, f"{tenant}: no stored result tells a finding of {wanted}", "bold")
        return
    rows = [
        (
            f"{each.since:%Y-%m-%d}",
            "stands" if each.until is None else f"{each.until:%Y-%m-%d} {each.ended}",
            each.severity,
            each.policy,
            each.subject,
            each.product or "",
            "waived" if each.status == "waived" else "",
            each.fingerprint[:12],
        )
        for each in episodes
    ]
    _print(console, tenant, "bold")
    _table(console, ("Since", "Until", "Severity", "Policy", "About", "Product", "", "Finding"), rows)


def _overall(console: Console, told: Trends) -> None:
    if told.open:
        totals = [sum(stood.values()) for _, stood, _, _ in told.open]
        _print(console, f"  open findings  {sparkline(totals)}  {change(totals)}")
    for currency, sums in told.money.items():
        amounts = [float(amount) for _, amount in sums]
        said = f"{amounts[0]:,.2f} → {amounts[-1]:,.2f} {currency} a month"
        _print(console, f"  in findings    {sparkline(amounts)}  {said}")


def _console(*, no_color: bool) -> Console:
    return Console(no_color=True if no_color else None)


def _print(console: Console, text: str, style: str = "") -> None:
    console.print(Text(printable(text), style=style), highlight=False)


def _table(console: Console, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if not rows:
        return
    table = Table(*titles, box=box.SIMPLE, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    console.print(table)
