"""Trends and episodes onto the terminal."""

from collections.abc import Mapping, Sequence
from typing import Final

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from auditor.domain.errors import printable
from auditor.domain.trends import Between, Cohorts, Episode, Trends
from auditor.render.history_words import (
    between_grids,
    change,
    compared_nights,
    method,
    money_change,
    policy_columns,
    policy_row,
    runs_out,
    seat_columns,
    sparkline,
    spent,
    told_cohorts,
)
from auditor.render.words import SEVERITIES, Words

_MOST: Final = 20
"""Findings of a comparison; the rest stands in the JSON."""


def show(trends: Sequence[Trends], words: Words, *, between: Sequence[Between] = (), no_color: bool) -> None:
    """Print every tenant: what is unknown, what changed between two nights, findings, money, seats, policies."""
    console = _console(no_color=no_color)
    two = {each.tenant: each for each in between}
    for told in trends:
        _print(console, f"{told.tenant}: {spent(told, words)}", "bold")
        for sentence in told.unknown:
            _print(console, f"  {words.told(sentence)}", "yellow")
        if told.tenant in two:
            _between(console, two[told.tenant], words)
        _overall(console, told, words)
        seats = [
            (s.sku, change(s.consumed, words), sparkline(s.consumed), change(s.usable, words), change(s.spare, words),
             told_cohorts(s.cohorts, words), runs_out(s.forecast, words))
            for s in told.seats
        ]  # fmt: skip
        _table(console, seat_columns(words), seats)
        if told.seats:
            _print(console, method(told.seats[0].forecast, words), "dim")
        rows = [(*policy_row(p, words)[:2], sparkline(p.open), *policy_row(p, words)[2:]) for p in told.policies]
        _table(console, policy_columns(words), rows)


def _between(console: Console, two: Between, words: Words) -> None:
    console.print()
    _print(console, compared_nights(two, words), "bold")
    for sentence in two.unknown:
        _print(console, f"  {words.told(sentence)}", "yellow")
    grids = between_grids(two, words, most=_MOST)
    for title, columns, rows in grids:
        console.print()
        _print(console, f"  {title}", "dim")
        _table(console, columns, rows)
    if len(two.findings) > _MOST:
        more = len(two.findings) - _MOST
        _print(console, words.ngettext("{count} more with -f json", "{count} more with -f json", more), "dim")
    if not grids:
        _print(console, f"  {words.gettext('Nothing changed.')}")
    _print(console, "")


def show_cohorts(
    tenant: str, cohorts: Mapping[str, Cohorts], names: Mapping[str, str], words: Words, *, no_color: bool
) -> None:
    """Print what became of the holders of each SKU between two nights."""
    console = _console(no_color=no_color)
    _print(console, tenant, "bold")
    rows = [
        (names.get(sku, sku), *(words.number(count) for count in (c.kept, c.new, c.reclaimed, c.lapsed)))
        for sku, c in cohorts.items()
    ]
    gettext = words.gettext
    columns = (gettext("Product"), gettext("Kept"), gettext("New"), gettext("Reclaimed"), gettext("Lapsed"))
    _table(console, columns, rows)


def show_episodes(tenant: str, episodes: Sequence[Episode], wanted: str, words: Words, *, no_color: bool) -> None:
    """Print since when, and until when."""
    console = _console(no_color=no_color)
    gettext = words.gettext
    if not episodes:
        said = gettext("{tenant}: no stored result tells a finding of {wanted}")
        _print(console, said.format(tenant=tenant, wanted=wanted), "bold")
        return
    severities = {severity.value: gettext(said) for severity, said in SEVERITIES.items()}
    rows = [
        (
            words.date(each.since),
            gettext("stands") if each.until is None else f"{words.date(each.until)}, {_end(each, words)}",
            severities.get(each.severity, each.severity),
            each.policy,
            each.subject,
            each.product or "",
            gettext("waived") if each.status == "waived" else "",
            each.fingerprint[:12],
        )
        for each in episodes
    ]
    _print(console, tenant, "bold")
    columns = (gettext("Since"), gettext("Until"), gettext("Severity"), gettext("Policy"), gettext("Who or what"))
    _table(console, (*columns, gettext("Product"), "", gettext("Finding")), rows)


def _end(episode: Episode, words: Words) -> str:
    return words.gettext("policy removed") if episode.ended == "dropped" else words.gettext("mended")


def _overall(console: Console, told: Trends, words: Words) -> None:
    if told.open:
        totals = [sum(stood.values()) for _, stood, _, _ in told.open]
        _print(console, f"  {words.gettext('open findings')}  {sparkline(totals)}  {change(totals, words)}")
    for currency, sums in told.money.items():
        said = money_change(sums[0][1], sums[-1][1], currency, words)
        bars = sparkline([float(amount) for _, amount in sums])
        _print(console, f"  {words.gettext('in open findings')}  {bars}  {said}")


def _console(*, no_color: bool) -> Console:
    return Console(no_color=True if no_color else None)


def _print(console: Console, text: str, style: str = "") -> None:
    console.print(Text(_shown(text), style=style), highlight=False)


def _shown(text: str) -> str:
    """Return what a terminal may show; the spaces in figures, which must not break on paper, are spaces."""
    return printable(text.replace("\u00a0", " ").replace("\u202f", " "))


def _table(console: Console, titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if not rows:
        return
    table = Table(*titles, box=box.SIMPLE, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(_shown(cell)) for cell in row))
    console.print(table)
