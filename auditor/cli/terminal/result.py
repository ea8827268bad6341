"""Prints a Result on the terminal: verdict, changes, seats, most important actions, unknown facts, files."""

import io
from collections.abc import Iterable, Sequence
from typing import Final

from rich.cells import cell_len
from rich.console import Console, JustifyMethod
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from auditor.cli.terminal.tables import print_fleet, print_sparks
from auditor.cli.terminal.unmatched_policies import print_unmatched
from auditor.domain.enums import Outcome, Severity
from auditor.domain.errors import printable
from auditor.render.html.charts.curves import sparks
from auditor.render.html.charts.seat_chart import WIDTH
from auditor.render.html.content import PageContent
from auditor.render.html.tenant_table import fleet_rows
from auditor.render.html.usage import idle_lines, unit_lines
from auditor.render.html.view import Highlight, Page, SeatRow, Section
from auditor.render.text.labels import SEVERITIES, Labels

_STYLES: Final = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "blue",
    Severity.INFO: "dim",
}
_SEATS: Final = 15
_UNKNOWN: Final = 10
_TENANTS: Final = 3
"""Tenants whose lists about seats are printed."""
_LINES: Final = 5
"""Lines of such a list."""
_BAR: Final = 12
"""Characters of a bar of seats."""
_GAP: Final = 2
"""Columns between two cells."""
_INDENT: Final = 2
_NAME: Final = 12
"""Characters that a product's name has at the least."""
_JUSTIFIED: Final[tuple[JustifyMethod, ...]] = ("right", "right", "left")
_WIDE: Final = 70
"""Columns from which there is room for the bars."""
_TITLE: Final = 200
_REASON: Final = 600
"""Characters of what a policy or a service says, in full in the reports: one of them never fills the screen alone."""


def terminal(content: PageContent, console: Console, *, paths: tuple[str, ...]) -> None:
    """Print what a person should know before opening a report; colours and width are the console's.

    `paths` are the files that were written, as they are to be shown. No text of a tenant is read as markup, and none of
    its control characters reaches the terminal.
    """
    result, l10n, shown = content.result, content.l10n, content.page
    if shown.wished is not None:
        wished = l10n.gettext("This report is in English, because there is no translation for “{wished}”.")
        _print(console, Text(wished.replace("{wished}", printable(shown.wished)), style="dim"))
    _print(console, Text(shown.verdict, style="bold"))
    for line in shown.plan:
        _print(console, Text(_cut(line, _REASON)))
    _print_completeness(console, shown, l10n)
    _print_counts(console, shown, l10n)
    print_sparks(console, sparks(result, content.history, l10n))
    print_fleet(console, fleet_rows(result, shown, l10n), l10n)
    _print_seats(console, shown, l10n, sum(len(tenant.seats) for tenant in result.tenants))
    _print_usage(console, shown, l10n)
    _print_highlights(console, shown, l10n)
    # The cause why a tenant could not be audited at all is printed above, once per tenant.
    failed = [tenant.policies for tenant in result.tenants if tenant.failure is not None]
    unknown = result.summary.not_evaluated - sum(outcome.unknown for outcomes in failed for outcome in outcomes)
    _print_unknown(console, shown.sections, l10n, unknown)
    print_unmatched(console, result, l10n)
    if paths:
        _print_title(console, l10n.gettext("Reports"))
        for path in paths:
            _print(console, Text(f"  {printable(path)}"), wrap=False)


def terminal_text(content: PageContent, *, paths: tuple[str, ...]) -> bytes:
    """Return what `terminal` prints as plain text, the same on every machine."""
    console = Console(file=io.StringIO(), width=_PAGE, color_system=None, force_terminal=False)
    with console.capture() as caught:
        terminal(content, console, paths=paths)
    return "".join(line.rstrip() + "\n" for line in caught.get().splitlines()).encode()


_PAGE: Final = 100
"""Columns of a summary in a file."""


def _print(console: Console, text: Text, *, wrap: bool = True) -> None:
    console.print(text, highlight=False, soft_wrap=not wrap)


def _print_title(console: Console, text: str) -> None:
    _print(console, Text(f"\n{text}", style="bold"))


def _cut(text: str, longest: int) -> str:
    return printable(text if len(text) <= longest else f"{text[:longest]}…")


def _print_under(console: Console, text: Text, *, indent: int) -> None:
    """Print a text whose further lines stand under its first."""
    console.print(Padding(text, (0, 0, 0, indent)), highlight=False)


def _print_completeness(console: Console, shown: Page, l10n: Labels) -> None:
    if shown.complete:
        _print(console, Text(shown.completeness[0], style="green"))
        return
    _print(console, Text(l10n.gettext("Incomplete: some of the data below is not known."), style="bold yellow"))
    for sentence in shown.completeness:
        _print_under(console, Text(_cut(sentence, _REASON), style="yellow"), indent=2)


def _print_counts(console: Console, shown: Page, l10n: Labels) -> None:
    counts = Text("\n")
    for severity, tile in zip(Severity, shown.counts, strict=True):
        counts.append(f"{l10n.number(tile.count)} {tile.label}", style=_STYLES[severity] if tile.count else "dim")
        counts.append("   ")
    if shown.waived:
        counts.append(l10n.ngettext("{count} waived", "{count} waived", shown.waived), style="dim")
    if shown.report_only:
        counts.append("   " if shown.waived else "")
        counts.append(l10n.ngettext("{count} report-only", "{count} report-only", shown.report_only), style="dim")
    _print(console, counts)
    if shown.previous is not None:
        since = l10n.gettext("Since {day}:").replace("{day}", l10n.date(shown.previous))
        text = l10n.joined(f"{l10n.number(tile.count)} {tile.label}" for tile in shown.changes)
        _print(console, Text(f"{since} {text}"))
    if shown.money:
        bound = l10n.gettext("at least") if shown.lower_bound else ""
        _print(
            console,
            Text(f"{shown.money} {l10n.gettext('a month in open findings')} {f'({bound})' if bound else ''}".rstrip()),
        )


def _print_seats(console: Console, shown: Page, l10n: Labels, count: int) -> None:
    """Print the products outside their limits first, over all tenants at most `_SEATS`, tenant by tenant.

    `count` is how many there are, those of tenants that the page does not show among them.
    """
    rows = [(section, row) for section in shown.sections for row in section.seats]
    worst = sorted(rows, key=lambda item: len(Severity) if item[1].severity is None else item[1].severity.rank)
    chosen = [row for _, row in worst[:_SEATS]]
    several = sum(bool(section.seats) for section in shown.sections) > 1
    for section in shown.sections:
        mine = [row for row in section.seats if any(row is each for each in chosen)]
        if mine:
            title = l10n.gettext("Seats")
            _print_title(console, f"{title}, {printable(section.name)}" if several else title)
            console.print(Padding(_seats_table(mine, console, l10n), (0, 0, 0, _INDENT)), highlight=False)
    if count > len(chosen):
        more = l10n.ngettext("{count} more in the reports", "{count} more in the reports", count - len(chosen))
        _print(console, Text(f"  {more}", style="dim"))


def _seats_table(rows: list[SeatRow], console: Console, l10n: Labels) -> Table:
    none = l10n.gettext("no finding")
    columns = (
        (l10n.gettext("Assigned"), [f"{row.consumed}/{row.usable}" for row in rows]),
        (l10n.gettext("Spare"), [row.spare for row in rows]),
        (l10n.gettext("Policy"), [printable(row.state or none) for row in rows]),
    )
    # The name of the product is truncated first, then the bar is left out; the state is never cut for them.
    width = _INDENT + sum(max(map(cell_len, (title, *cells))) + _GAP for title, cells in columns)
    bars = console.width >= max(_WIDE, width + _NAME + _BAR + _GAP)
    name = max(console.width - width - (_BAR + _GAP if bars else 0) - _GAP, _NAME)
    table = Table(box=None, padding=(0, _GAP, 0, 0), header_style="dim", show_edge=False, pad_edge=False)
    table.add_column(l10n.gettext("Product"), overflow="ellipsis", no_wrap=True, max_width=name)
    if bars:
        table.add_column("", no_wrap=True, min_width=_BAR)
    for (title, _), justify in zip(columns, _JUSTIFIED, strict=True):
        table.add_column(title, justify=justify, no_wrap=True, overflow="ellipsis")
    for row, *cells in zip(rows, *(cells for _, cells in columns), strict=True):
        *figures, state = cells
        style = _STYLES[row.severity] if row.severity is not None else "dim"
        bar = [_bar(row, console)] if bars else []
        table.add_row(Text(printable(row.name)), *bar, *map(Text, figures), Text(state, style=style))
    return table


def _bar(row: SeatRow, console: Console) -> Text:
    """Draw assigned seats, spare ones, and those that are assigned beyond what can be used."""
    if row.picture is None:
        return Text("")
    full, spare, over = ("█", "░", "▓") if console.encoding.startswith("utf") else ("#", ".", "!")
    assigned, free = row.picture.assigned, row.picture.usable - row.picture.assigned
    beyond = -(-row.picture.over * _BAR // WIDTH)
    used = max(round(assigned * _BAR / WIDTH), assigned > 0)
    used = min(used, _BAR - beyond - (free > 0))
    bar = Text(full * used, style="cyan")
    bar.append(spare * (_BAR - used - beyond), style="dim")
    return bar.append(over * beyond, style="red")


def _print_usage(console: Console, shown: Page, l10n: Labels) -> None:
    """Print who needs a seat, the costliest idle seats, smaller products and cost centres of the page's tenants."""
    lists = (
        (l10n.gettext("Who needs a seat"), [section.coverage for section in shown.sections]),
        (l10n.gettext("Use and cost by product"), [idle_lines(section.usage) for section in shown.sections]),
        (
            l10n.gettext("Smaller products"),
            [section.smaller.lines if section.smaller is not None else () for section in shown.sections],
        ),
    )
    several = len(shown.sections) > 1
    for title, every in lists:
        sections = [(section, lines) for section, lines in zip(shown.sections, every, strict=True) if lines]
        for section, lines in sections[:_TENANTS]:
            _print_lines(console, f"{title}, {printable(section.name)}" if several else title, lines)
    for section in [section for section in shown.sections if section.units][:_TENANTS]:
        title = section.units[0].title
        _print_lines(console, f"{title}, {printable(section.name)}" if several else title, unit_lines(section.units))


def _print_lines(console: Console, title: str, lines: Sequence[str]) -> None:
    _print_title(console, title)
    for line in lines[:_LINES]:
        _print_under(console, Text(_cut(line, _TITLE)), indent=_INDENT)


def _print_highlights(console: Console, shown: Page, l10n: Labels) -> None:
    if not shown.highlights:
        return
    _print_title(console, l10n.gettext("What matters most"))
    for number, highlight in enumerate(shown.highlights, start=1):
        line = Text(l10n.gettext(SEVERITIES[highlight.severity]), style=_STYLES[highlight.severity])
        line.append(f"  {_cut(highlight.title, _TITLE)}", style="bold")
        item = Table.grid(padding=(0, 1, 0, 0))
        item.add_row(Text(f"{number}."), line)
        item.add_row(Text(""), Text(_about(highlight, shown, l10n), style="dim"))
        for text in filter(None, (highlight.why, highlight.movement)):
            item.add_row(Text(""), Text(text, style="dim"))
        console.print(Padding(item, (0, 0, 0, 2)), highlight=False)


def _about(highlight: Highlight, shown: Page, l10n: Labels) -> str:
    parts = [fact for fact in (highlight.money, highlight.due) if fact]
    parts += [_cut(highlight.tenant, _TITLE)] if len(shown.sections) > 1 else []
    parts.append(l10n.ngettext("{count} finding", "{count} findings", highlight.count))
    return l10n.joined(parts)


def _print_unknown(console: Console, sections: Iterable[Section], l10n: Labels, count: int) -> None:
    """Print why policies, `count` of them, could not be evaluated: each cause of a tenant once."""
    if not count:
        return
    by_cause: dict[tuple[str, str], list[str]] = {}
    for section in sections:
        for row in section.outcomes if section.failure is None else ():
            if row.status is Outcome.NOT_EVALUATED and not row.report_only:
                by_cause.setdefault((section.name or section.title, row.reason), []).append(row.policy)
    _print_title(console, l10n.gettext("Not evaluated"))
    shown = 0
    for (location, reason), policies in list(by_cause.items())[:_UNKNOWN]:
        shown += len(policies)
        (first, *others), several = policies, l10n.ngettext("{count} policy", "{count} policies", len(policies))
        line = Text(printable(f"{location}: {several if others else first}"), style="yellow")
        line.append(f"  {_cut(reason, _REASON)}", style="default")
        _print_under(console, line, indent=2)
    if count > shown:
        more = l10n.ngettext("{count} more in the reports", "{count} more in the reports", count - shown)
        _print(console, Text(f"  {more}", style="dim"))
