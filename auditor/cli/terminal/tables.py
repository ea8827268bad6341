"""Prints sparklines of several runs, and a table of several tenants."""

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from auditor.domain.errors import printable_line
from auditor.render.text.labels import Labels
from auditor.render.view.curves import Trend
from auditor.render.view.tenant_table import FleetRow, change_text

_MAX_TENANTS: Final = 12
"""Maximum number of tenants in the table; the reports have all."""
_MIN_FAILED: Final = 4
"""Rows for tenants that were not audited if the others fill the table; more would hide the worst of the others."""
_GAP: Final = 2
INDENT: Final = 2
_MIN_NAME_WIDTH: Final = 12
_MIN_FULL_WIDTH: Final = 100
"""Minimum width of a console for usable and assigned seats beside the spare ones."""


def print_indented(console: Console, content: Text | Table) -> None:
    """Print a text or table with the same indent for all lines."""
    console.print(Padding(content, (0, 0, 0, INDENT)), highlight=False)


def print_sparklines(console: Console, trends: Sequence[Trend]) -> None:
    """Print a sparkline and a summary for each figure; only the summary if the encoding has no block characters."""
    if not trends:
        return
    bars = console.encoding.startswith("utf")
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=bars)
    for trend in trends:
        curve = [Text(trend.text, style="cyan")] if bars else []
        table.add_row(Text(trend.label), *curve, Text(printable_line(trend.summary), style="dim"))
    console.print()
    print_indented(console, table)


def print_fleet(console: Console, rows: Sequence[FleetRow], l10n: Labels) -> None:
    """Print a table of the tenants that need attention first, and the total, which is the last of `rows`."""
    if not rows:
        return
    tenants, sums = [row for row in rows if row.name], [row for row in rows if not row.name]
    failed = [row for row in tenants if row.failure]
    others = [row for row in tenants if not row.failure]
    shown_failed = failed[: max(_MIN_FAILED, _MAX_TENANTS - len(others))]
    shown = [*shown_failed, *others[: _MAX_TENANTS - len(shown_failed)]]
    console.print(Text("\n" + l10n.gettext("Tenants"), style="bold"), highlight=False)
    print_indented(console, _table([*shown, *sums], console, l10n))
    _print_rest(console, tenants, shown, len(failed) - len(shown_failed), l10n)


def _print_rest(
    console: Console, tenants: Sequence[FleetRow], shown: Sequence[FleetRow], failed: int, l10n: Labels
) -> None:
    count = len(tenants) - len(shown)
    if not count:
        return
    summary = [l10n.more_in_reports(count)]
    if failed:
        summary.append(l10n.plural("{count} of them not audited", "{count} of them not audited", failed))
    findings = sum(row.open for row in tenants) - sum(row.open for row in shown)
    summary.append(l10n.plural("{count} open finding", "{count} open findings", findings))
    print_indented(console, Text(l10n.joined(summary), style="dim"))


def _table(rows: Sequence[FleetRow], console: Console, l10n: Labels) -> Table:
    max_severities = 2 if console.width >= _MIN_FULL_WIDTH else 1
    is_compared = any(row.new is not None for row in rows)
    findings = l10n.gettext("Findings")
    columns: list[tuple[str, list[Text]]] = []
    if any(row.money for row in rows):
        columns.append((l10n.gettext("Per month"), [Text(row.money) for row in rows]))
    columns.append((findings, [_findings(row, l10n, max_severities) for row in rows]))
    if is_compared:
        columns.append((l10n.gettext("Change"), [Text(change_text(row, l10n)) for row in rows]))
    if console.width >= _MIN_FULL_WIDTH:
        columns.append((l10n.gettext("Usable"), [Text(row.usable) for row in rows]))
        columns.append((l10n.gettext("Assigned"), [Text(row.assigned) for row in rows]))
    columns.append((l10n.gettext("Spare"), [Text(row.spare) for row in rows]))
    # Names are truncated first, then findings are wrapped; figures are never cut.
    width = INDENT + sum(max(cell_len(title), *(t.cell_len for t in cells)) + _GAP for title, cells in columns)
    table = Table(box=None, padding=(0, _GAP, 0, 0), header_style="dim", show_edge=False, pad_edge=False)
    name = max(console.width - width - _GAP, _MIN_NAME_WIDTH)
    table.add_column(l10n.gettext("Tenant"), overflow="ellipsis", no_wrap=True, max_width=name)
    for title, _ in columns:
        table.add_column(title, justify="left" if title == findings else "right", overflow="fold", no_wrap=False)
    for number, row in enumerate(rows):
        style = "bold" if number == len(rows) - 1 else ""
        table.add_row(Text(printable_line(row.title), style=style), *(cells[number] for _, cells in columns))
    return table


def _findings(row: FleetRow, l10n: Labels, max_severities: int) -> Text:
    if row.failure:
        return Text(l10n.gettext("not audited"), style="bold red")
    summary = [
        f"{l10n.number(count)} {l10n.severity_name(severity, count)}" for severity, count in row.counts[:max_severities]
    ]
    rest = row.open - sum(count for _, count in row.counts[:max_severities])
    if rest:
        summary.append(l10n.plural("{count} more", "{count} more", rest))
    if not summary:
        summary.append(l10n.gettext("nothing open"))
    if not row.complete:
        summary.append(l10n.gettext("incomplete"))
    style = "green" if not row.open and row.complete else "yellow" if not row.complete else ""
    return Text(l10n.joined(summary), style=style)
