"""Prints the totals of several runs as sparklines, and of several tenants as a table."""

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from auditor.domain.errors import printable
from auditor.render.html.tenant_table import FleetRow
from auditor.render.text.earlier_run import Sparkline
from auditor.render.text.labels import Labels

_ROWS: Final = 12
"""Tenants in the table; the reports have all."""
_LOST: Final = 4
"""Of these, tenants that were not audited: a night without network must not hide the worst of the others."""
_GAP: Final = 2
_INDENT: Final = 2
_NAME: Final = 12
_WIDE: Final = 100
"""Columns from which there is room for used and usable seats beside the spare ones."""


def print_sparks(console: Console, sparks: Sequence[Sparkline]) -> None:
    """Print a line of bars for each figure; where the terminal has no such characters, only what they say."""
    if not sparks:
        return
    bars = console.encoding.startswith("utf")
    wide = max(cell_len(spark.label) for spark in sparks)
    console.print()
    for spark in sparks:
        line = Text(spark.label + " " * (wide - cell_len(spark.label)) + "  ")
        line.append(f"{spark.text}  " if bars else "", style="cyan")
        line.append(printable(spark.summary), style="dim")
        console.print(Padding(line, (0, 0, 0, _INDENT)), highlight=False)


def print_fleet(console: Console, rows: Sequence[FleetRow], l10n: Labels) -> None:
    """Print the tenants that need looking at first, and all of them together; `rows` end with the sum."""
    if not rows:
        return
    tenants, sums = [row for row in rows if row.name], [row for row in rows if not row.name]
    lost = [row for row in tenants if row.failure]
    others = [row for row in tenants if not row.failure]
    shown_lost = lost[: max(_LOST, _ROWS - len(others))]
    shown = [*shown_lost, *others[: _ROWS - len(shown_lost)]]
    console.print(Text("\n" + l10n.gettext("Tenants"), style="bold"), highlight=False)
    console.print(Padding(_table([*shown, *sums], console, l10n), (0, 0, 0, _INDENT)), highlight=False)
    _print_rest(console, tenants, shown, len(lost) - len(shown_lost), l10n)


def _print_rest(
    console: Console, tenants: Sequence[FleetRow], shown: Sequence[FleetRow], lost: int, l10n: Labels
) -> None:
    count = len(tenants) - len(shown)
    if not count:
        return
    summary = [l10n.ngettext("{count} more in the reports", "{count} more in the reports", count)]
    if lost:
        summary.append(l10n.ngettext("{count} of them not audited", "{count} of them not audited", lost))
    findings = sum(row.open for row in tenants) - sum(row.open for row in shown)
    summary.append(l10n.ngettext("{count} open finding", "{count} open findings", findings))
    console.print(Padding(Text(l10n.joined(summary), style="dim"), (0, 0, 0, _INDENT)), highlight=False)


def _table(rows: Sequence[FleetRow], console: Console, l10n: Labels) -> Table:
    kinds = 2 if console.width >= _WIDE else 1
    compared = any(row.new is not None for row in rows)
    findings = l10n.gettext("Findings")
    columns: list[tuple[str, list[Text]]] = []
    if any(row.money for row in rows):
        columns.append((l10n.gettext("A month"), [Text(row.money) for row in rows]))
    columns.append((findings, [_findings(row, l10n, kinds) for row in rows]))
    if compared:
        columns.append((l10n.gettext("Change"), [Text(_change(row, l10n)) for row in rows]))
    if console.width >= _WIDE:
        columns.append((l10n.gettext("Usable"), [Text(row.usable) for row in rows]))
        columns.append((l10n.gettext("Assigned"), [Text(row.assigned) for row in rows]))
    columns.append((l10n.gettext("Spare"), [Text(row.spare) for row in rows]))
    # Names are truncated first, then findings are wrapped; figures are never cut.
    width = _INDENT + sum(max(cell_len(title), *(t.cell_len for t in cells)) + _GAP for title, cells in columns)
    table = Table(box=None, padding=(0, _GAP, 0, 0), header_style="dim", show_edge=False, pad_edge=False)
    name = max(console.width - width - _GAP, _NAME)
    table.add_column(l10n.gettext("Tenant"), overflow="ellipsis", no_wrap=True, max_width=name)
    for title, _ in columns:
        table.add_column(title, justify="left" if title == findings else "right", overflow="fold", no_wrap=False)
    for number, row in enumerate(rows):
        style = "bold" if number == len(rows) - 1 else ""
        table.add_row(Text(printable(row.title), style=style), *(cells[number] for _, cells in columns))
    return table


def _findings(row: FleetRow, l10n: Labels, kinds: int) -> Text:
    if row.failure:
        return Text(l10n.gettext("not audited"), style="bold red")
    summary = [f"{l10n.number(count)} {l10n.graded(severity, count)}" for severity, count in row.counts[:kinds]]
    rest = row.open - sum(count for _, count in row.counts[:kinds])
    if rest:
        summary.append(f"+{l10n.number(rest)}")
    if not summary:
        summary.append(l10n.gettext("nothing open"))
    if not row.complete:
        summary.append(l10n.gettext("incomplete"))
    style = "green" if not row.open and row.complete else "yellow" if not row.complete else ""
    return Text(l10n.joined(summary), style=style)


def _change(row: FleetRow, l10n: Labels) -> str:
    if row.new is None or row.fixed is None:
        return ""
    return f"+{l10n.number(row.new)} \N{MINUS SIGN}{l10n.number(row.fixed)}"
