"""Prints trends and episodes on the terminal."""

from collections.abc import Mapping, Sequence
from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from auditor.domain.errors import printable_line
from auditor.domain.trends import Between, Cohorts, Episode, PolicyTrend, SeatTrend, Trends
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
from auditor.render.text.labels import SEVERITIES, Labels
from auditor.render.text.sparkline import sparkline
from auditor.result.ranking import MAX_LISTED_TENANTS, MAX_SECTIONS

_MIN_TREND_WIDTH: Final = 100
"""Minimum width of a terminal for the sparklines of policies."""
_MIN_FULL_WIDTH: Final = 150
"""Minimum width of a terminal for all columns."""
_MIN_NAME_WIDTH: Final = 20
"""Minimum width of names."""
_GAP: Final = 2
_MAX_NAMED: Final = 3
"""Maximum number of tenants that are named as having no episode."""
_MAX_UNCHANGED: Final = 10
"""Maximum number of policies that are printed although their findings did not change."""
_MAX_FINDINGS: Final = 20
"""Maximum number of findings of a comparison that are printed; the JSON has all."""


def show(
    trends: Sequence[Trends],
    between: Sequence[Between],
    l10n: Labels,
    *,
    everything: bool = False,
    stderr: bool = False,
) -> None:
    """Print every tenant: what is unknown, what changed between two nights, findings, money, seats, policies.

    Prints only the most urgent of many tenants, notable products, policies that changed and some others; with
    `everything`, it prints all.
    """
    console = Console(stderr=stderr)
    comparisons = {comparison.tenant: comparison for comparison in between}
    trends = in_reading_order(trends)
    titles, rows = tenant_table(trends[:MAX_LISTED_TENANTS], l10n)
    if rows:
        rows.append(total_row(trends, l10n)[: len(titles)])
        _print_columns(console, [(title, [row[index] for row in rows]) for index, title in enumerate(titles)])
        console.print()
    shown = trends if everything else trends[:MAX_SECTIONS]
    for trend in shown:
        if trend is not trends[0]:
            console.print()
        _print(console, f"{trend.title}: {period_text(trend, l10n)}", "bold")
        for sentence in trend.unknown:
            _print(console, f"  {l10n.translate(sentence)}", "yellow")
        if trend.tenant in comparisons:
            _print_comparison(console, comparisons[trend.tenant], l10n)
        _print_totals(console, trend, l10n)
        _print_seats(console, [seat for seat in trend.seats if everything or is_notable(seat)], l10n)
        policies = trend.policies if everything else _shown_policies(trend.policies)
        _print_policies(console, policies, l10n)
        if not everything:
            _print_omitted(console, trend, policies, l10n)
    if len(shown) < len(trends):
        console.print()
        _print(console, f"{l10n.more(len(trends) - len(shown))} (--all)")


def _shown_policies(policies: Sequence[PolicyTrend]) -> list[PolicyTrend]:
    """Return the policies that changed, and of the others those with the most open findings; the most open first."""
    ordered = sorted(policies, key=lambda policy: (-policy.open[-1], policy.policy))
    unchanged = [policy.policy for policy in ordered if policy.open[-1] and not is_changed(policy)]
    return [policy for policy in ordered if is_changed(policy) or policy.policy in unchanged[:_MAX_UNCHANGED]]


def _print_seats(console: Console, seats: Sequence[SeatTrend], l10n: Labels) -> None:
    if not seats:
        return
    product, assigned, trend, usable, spare, holders, out = seat_columns(l10n)
    dated = any(map(_is_dated, seats))
    columns: list[tuple[str, list[str]]] = [
        (product, [seat.sku for seat in seats]),
        (assigned, [change(seat.consumed, l10n) for seat in seats]),
        (usable, [change(seat.usable, l10n) for seat in seats]),
        (spare, [spare_text(seat, l10n) for seat in seats]),
    ]
    if dated:
        columns.append((out, [runs_out(s.forecast, l10n) if _is_dated(s) else "–" for s in seats]))
    if console.width >= _MIN_FULL_WIDTH:
        columns.insert(2, (trend, [sparkline(seat.consumed) for seat in seats]))
        columns.append((holders, [cohorts_text(seat.cohorts, l10n) for seat in seats]))
    _print_columns(console, columns)
    silent = {seat.forecast.silent: seat.forecast for seat in seats if seat.forecast.silent is not None}
    for forecast in silent.values():
        _print(console, f"  {runs_out(forecast, l10n)}", "dim")
    if dated:
        _print(console, f"  {method(seats[0].forecast, l10n)}", "dim")


def _is_dated(seat: SeatTrend) -> bool:
    """Return whether there is a forecast of when the seats run out, which only those that people are assigned can."""
    return seat.for_people and seat.forecast.silent is None


def _print_policies(console: Console, policies: Sequence[PolicyTrend], l10n: Labels) -> None:
    if not policies:
        return
    policies = sorted(policies, key=lambda policy: (-policy.open[-1], policy.policy))
    name, open_, trend, waived, changes, ages, repaired = policy_columns(l10n)
    cells = list(zip(*(policy_row(policy, l10n) for policy in policies), strict=True))
    columns = [(name, list(cells[0])), (open_, list(cells[1])), (changes, list(cells[3]))]
    if console.width >= _MIN_TREND_WIDTH:
        columns.insert(2, (trend, [sparkline(policy.open) for policy in policies]))
    if console.width >= _MIN_FULL_WIDTH:
        columns += [(waived, list(cells[2])), (ages, list(cells[4])), (repaired, list(cells[5]))]
    _print_columns(console, columns)


def _print_omitted(console: Console, trends: Trends, policies: Sequence[PolicyTrend], l10n: Labels) -> None:
    """Print how many products and policies are left out; `policies` are those that are printed."""
    seats = sum(not is_notable(seat) for seat in trends.seats)
    shown = {policy.policy for policy in policies}
    hidden = [policy for policy in trends.policies if policy.policy not in shown]
    unchanged = sum(policy.open[-1] > 0 for policy in hidden)
    unknown = sum(policy.policy in trends.not_evaluated for policy in hidden if not policy.open[-1])
    without_finding = len(hidden) - unchanged - unknown
    counts = []
    if seats:
        counts.append(l10n.plural("{count} unchanged product", "{count} unchanged products", seats))
    if unchanged:
        counts.append(l10n.plural("{count} unchanged policy", "{count} unchanged policies", unchanged))
    if without_finding:
        text = l10n.plural("{count} policy without a finding", "{count} policies without a finding", without_finding)
        counts.append(text)
    if unknown:
        counts.append(
            l10n.plural(
                "{count} policy not evaluated in the latest result",
                "{count} policies not evaluated in the latest result",
                unknown,
            )
        )
    if counts:
        _print(console, f"  {l10n.joined(counts)} (--all)", "dim")


def _print_columns(console: Console, columns: Sequence[tuple[str, list[str]]]) -> None:
    """Print columns; the first one is truncated if they are wider than the terminal."""
    width = sum(max(map(cell_len, (title, *cells))) + _GAP for title, cells in columns[1:])
    table = _table(columns)
    first = table.columns[0]
    first.no_wrap, first.overflow = True, "ellipsis"
    first.max_width = max(_MIN_NAME_WIDTH, console.width - width - 2 * _GAP)
    console.print(Padding(table, (1, 0, 0, _GAP)))


def _table(columns: Sequence[tuple[str, list[str]]]) -> Table:
    """Return a table of columns whose cells wrap."""
    table = Table(box=None, padding=(0, _GAP, 0, 0), header_style="dim", pad_edge=False)
    for title, _ in columns:
        table.add_column(title, overflow="fold")
    for row in zip(*(cells for _, cells in columns), strict=True):
        table.add_row(*(Text(printable_line(cell)) for cell in row))
    return table


def _print_comparison(console: Console, comparison: Between, l10n: Labels) -> None:
    console.print()
    _print(console, compared_nights(comparison, l10n), "bold")
    for sentence in comparison.unknown:
        _print(console, f"  {l10n.translate(sentence)}", "yellow")
    grids = between_grids(comparison, l10n, most=_MAX_FINDINGS)
    for title, columns, rows in grids:
        console.print()
        _print(console, f"  {title}", "dim")
        _print_table(console, columns, rows, optional=(l10n.gettext("Finding"),))
    if len(comparison.findings) > _MAX_FINDINGS:
        more = len(comparison.findings) - _MAX_FINDINGS
        _print(console, l10n.plural("{count} more with -f json", "{count} more with -f json", more), "dim")
    if not grids:
        _print(console, f"  {l10n.gettext('Nothing changed.')}")
    _print(console, "")


def show_cohorts(
    tenant: str, cohorts: Mapping[str, Cohorts], names: Mapping[str, str], l10n: Labels, *, stderr: bool
) -> None:
    """Print for each SKU how many people kept, got and lost it between two nights."""
    console = Console(stderr=stderr)
    _print(console, tenant, "bold")
    rows = [
        (
            names.get(sku, sku),
            *(l10n.number(count) for count in (cohort.kept, cohort.new, cohort.reclaimed, cohort.lapsed)),
        )
        for sku, cohort in cohorts.items()
    ]
    gettext = l10n.gettext
    columns = (gettext("Product"), gettext("Kept"), gettext("New"), gettext("Reclaimed"), gettext("Lapsed"))
    _print_table(console, columns, rows)


def show_episodes(
    tenants: Sequence[tuple[str, Sequence[Episode], Mapping[str, str]]],
    wanted: str,
    l10n: Labels,
    *,
    stderr: bool,
) -> None:
    """Print since and until when each finding was open, by tenant: its title, its episodes, the titles of its policies.

    Of several tenants, prints those that have an episode.
    """
    console = Console(stderr=stderr)
    shown = [entry for entry in tenants if entry[1]]
    if not shown:
        names = l10n.first_of([title for title, _, _ in tenants], _MAX_NAMED)
        text = l10n.gettext("{tenant}: no stored result has a finding of {wanted}", tenant=names, wanted=wanted)
        _print(console, text, "bold")
    for entry in shown:
        if entry is not shown[0]:
            console.print()
        _print_episodes(console, *entry, l10n)


def _print_episodes(
    console: Console, tenant: str, episodes: Sequence[Episode], policy_titles: Mapping[str, str], l10n: Labels
) -> None:
    gettext = l10n.gettext
    names = {e.policy: l10n.policy(policy_titles.get(e.policy, "")) or e.policy for e in episodes}
    severities = {severity.value: gettext(label) for severity, label in SEVERITIES.items()}
    rows = [
        (
            l10n.date(episode.since),
            _until(episode, l10n),
            severities.get(episode.severity, episode.severity),
            names[episode.policy] if len(names) > 1 else "",
            episode.subject,
            episode.product or "",
            gettext("waived") if episode.status == "waived" else "",
            episode.fingerprint[:12],
        )
        for episode in episodes
    ]
    _print(console, tenant if len(names) > 1 else f"{tenant}: {_policy_heading(*next(iter(names.items())))}", "bold")
    columns = (gettext("Since"), gettext("Until"), gettext("Severity"), gettext("Policy"), gettext("Who or what"))
    titles = (*columns, gettext("Product"), gettext("State"), gettext("Finding"))
    _print_table(console, titles, rows, optional=(gettext("Finding"),), truncated=gettext("Policy"))


def _policy_heading(policy: str, title: str) -> str:
    return title if title == policy else f"{title} ({policy})"


def _until(episode: Episode, l10n: Labels) -> str:
    if episode.until is None:
        return l10n.gettext("still open")
    end = l10n.gettext("policy removed") if episode.ended == "dropped" else l10n.gettext("fixed")
    return f"{l10n.date(episode.until)}, {end}"


def _print_totals(console: Console, trends: Trends, l10n: Labels) -> None:
    if trends.open:
        totals, _ = open_counts(trends)
        _print(console, f"  {l10n.gettext('open findings')}  {sparkline(totals)}  {change(totals, l10n)}")
    for currency, sums in trends.money.items():
        text = money_change(sums[0][1], sums[-1][1], currency, l10n)
        bars = sparkline([float(amount) for _, amount in sums])
        _print(console, f"  {l10n.gettext('cost of open findings')}  {bars}  {text}")


def _print(console: Console, text: str, style: str = "") -> None:
    console.print(Text(printable_line(text), style=style), highlight=False)


def _print_table(
    console: Console,
    titles: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    optional: Sequence[str] = (),
    truncated: str = "",
) -> None:
    """Print a table without empty columns, and without `optional` columns if it is wider than the terminal.

    The column `truncated` takes the space that the others leave.
    """
    columns = [
        (title, list(map(printable_line, cells))) for title, *cells in zip(titles, *rows, strict=True) if any(cells)
    ]
    widths = {title: max(map(cell_len, (printable_line(title), *cells))) + _GAP for title, cells in columns}
    full = widths.get(truncated, 0)
    width = sum(widths.values()) - full + min(full, _MIN_NAME_WIDTH + _GAP)
    if width + _GAP > console.width:
        columns = [(title, cells) for title, cells in columns if title not in optional]
    if not rows:
        return
    table = _table(columns)
    for column in table.columns:
        if full and column.header == truncated:
            others = sum(widths[title] for title, _ in columns if title != truncated)
            column.no_wrap, column.overflow = True, "ellipsis"
            column.max_width = max(_MIN_NAME_WIDTH, console.width - others - 2 * _GAP)
    console.print(Padding(table, (0, 0, 0, _GAP)))
