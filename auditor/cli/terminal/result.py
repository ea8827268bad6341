"""Prints a Result on the terminal: verdict, changes, seats, most important actions, unknown facts, files."""

import io
from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len
from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from auditor.cli.terminal.markdown import wrapped_text
from auditor.cli.terminal.tables import INDENT, print_fleet, print_indented, print_sparklines
from auditor.cli.terminal.unmatched_policies import print_unmatched
from auditor.domain.enums import Severity
from auditor.domain.errors import printable_line
from auditor.domain.reasons import by_reason
from auditor.domain.result.model import Result, TenantResult
from auditor.domain.result.tenant_titles import tenant_titles
from auditor.render.text.labels import SEVERITIES, Labels
from auditor.render.text.sanitize import shortened
from auditor.render.text.summary import named_tenants, unevaluated
from auditor.render.view.content import PageContent
from auditor.render.view.model import Highlight, Page, SeatRow, TenantSection
from auditor.render.view.seat_chart import WIDTH
from auditor.render.view.tenant_table import fleet_rows
from auditor.render.view.usage import has_units, idle_lines, unit_lines
from auditor.result.ranking import by_urgency

_STYLES: Final = {
    Severity.CRITICAL: "bold red",
    Severity.HIGH: "red",
    Severity.MEDIUM: "yellow",
    Severity.LOW: "blue",
    Severity.INFO: "dim",
}
_MAX_SEATS: Final = 15
_MAX_UNKNOWN: Final = 10
_MAX_LIST_TENANTS: Final = 3
"""Maximum number of tenants whose lists about seats are printed."""
_MAX_LIST_LINES: Final = 7
"""Maximum number of lines of such a list."""
_BAR_WIDTH: Final = 12
"""Width of the bar of seats."""
_GAP: Final = 2
"""Width between two columns."""
_MIN_NAME_WIDTH: Final = 12
"""Minimum width of product names."""
_JUSTIFIED: Final[tuple[JustifyMethod, ...]] = ("right", "right", "left")
_MIN_WIDTH_FOR_BARS: Final = 70
"""Minimum width of a console for bars of seats."""
_MAX_TENANT: Final = 60
_MAX_TITLE: Final = 200
_MAX_REASON: Final = 600
"""Maximum lengths of texts of policies and services, so that one cannot fill the screen; reports have the full text."""


def terminal(content: PageContent, console: Console, *, paths: tuple[str, ...]) -> None:
    """Print the summary of a result, with the colours and width of the console.

    `paths` are the written files, as they are printed. Texts of a tenant are not parsed as markup, and printed without
    control characters.
    """
    result, l10n, page = content.result, content.l10n, content.page
    if page.requested_language is not None:
        notice = l10n.gettext(
            "This report is in English, because there is no translation for “{wished}”.",
            wished=printable_line(page.requested_language),
        )
        _print(console, Text(notice, style="dim"))
    _print(console, Text(page.verdict, style="bold"))
    for line in page.unknown_names:
        print_indented(console, Text(_cut(line, _MAX_REASON), style="yellow"))
    for line in page.plan:
        _print(console, Text(_cut(line, _MAX_REASON)))
    _print_completeness(console, page, l10n)
    _print_counts(console, page, l10n)
    print_sparklines(console, page.trends)
    print_fleet(console, fleet_rows(result, page, l10n), l10n)
    _print_seats(console, page.sections, l10n, sum(len(tenant.seats) for tenant in result.tenants))
    shown = {section.name for section in page.sections}
    _print_usage(console, page.sections, l10n, [tenant for tenant in result.tenants if tenant.name not in shown])
    _print_highlights(console, page, l10n)
    _print_unknown(console, result, l10n)
    print_unmatched(console, result, l10n)
    if paths:
        _print_title(console, l10n.gettext("Reports"))
        for path in paths:
            _print(console, Text(f"  {printable_line(path)}"), wrap=False)


def terminal_text(content: PageContent, *, paths: tuple[str, ...]) -> bytes:
    """Return the output of `terminal` as plain text with a fixed width."""
    console = Console(file=io.StringIO(), width=_FILE_WIDTH, color_system=None, force_terminal=False)
    with console.capture() as capture:
        terminal(content, console, paths=paths)
    return "".join(line.rstrip() + "\n" for line in capture.get().splitlines()).encode()


_FILE_WIDTH: Final = 100
"""Width of a summary in a file."""


def _print(console: Console, text: Text, *, wrap: bool = True) -> None:
    console.print(text, highlight=False, soft_wrap=not wrap)


def _print_title(console: Console, text: str) -> None:
    _print(console, Text(f"\n{text}", style="bold"))


def _cut(text: str, max_length: int) -> str:
    return printable_line(shortened(text, max_length))


def _wrapped(text: str, width: int) -> Text:
    """Return a text in lines of at most `width` columns that do not break within amounts."""
    return Text(wrapped_text(shortened(text, _MAX_REASON), width=max(1, width)))


def _print_completeness(console: Console, page: Page, l10n: Labels) -> None:
    if page.complete:
        _print(console, Text(page.completeness[0], style="green"))
        return
    _print(console, Text(l10n.gettext("Incomplete: some of the data below is not known."), style="bold yellow"))
    for sentence in page.completeness[:_MAX_UNKNOWN]:
        print_indented(console, Text(_cut(sentence, _MAX_REASON), style="yellow"))
    more = len(page.completeness) - _MAX_UNKNOWN
    if more > 0:
        print_indented(console, Text(l10n.more_in_reports(more), style="dim"))


def _print_counts(console: Console, page: Page, l10n: Labels) -> None:
    counts = Text("\n")
    for severity, tile in zip(Severity, page.counts, strict=True):
        counts.append(f"{l10n.number(tile.count)} {tile.label}", style=_STYLES[severity] if tile.count else "dim")
        counts.append("   ")
    if page.summary.waived:
        counts.append(l10n.plural("{count} waived", "{count} waived", page.summary.waived), style="dim")
    if page.summary.report_only:
        counts.append("   " if page.summary.waived else "")
        counts.append(l10n.plural("{count} report-only", "{count} report-only", page.summary.report_only), style="dim")
    _print(console, counts)
    if page.run.previous is not None:
        since = l10n.gettext("Since {day}:", day=l10n.date(page.run.previous))
        text = l10n.joined(f"{l10n.number(tile.count)} {tile.label}" for tile in page.changes)
        _print(console, Text(f"{since} {text}"))
    if page.money:
        bound = f" ({l10n.gettext('at least')})" if page.lower_bound else ""
        _print(console, Text(l10n.gettext("{money} a month in open findings", money=page.money) + bound))


def _print_seats(console: Console, sections: Sequence[TenantSection], l10n: Labels, count: int) -> None:
    """Print a table of products for each tenant: at most `_MAX_SEATS` in total, first those outside their limits.

    `count` is the number of all products, including those of tenants that the page does not show.
    """
    rows = [(section, row) for section in sections for row in section.seats]
    ranked = sorted(rows, key=lambda item: len(Severity) if item[1].severity is None else item[1].severity.rank)
    chosen = [row for _, row in ranked[:_MAX_SEATS]]
    several = sum(bool(section.seats) for section in sections) > 1
    for section in sections:
        tenant_rows = [row for row in section.seats if any(row is chosen_row for chosen_row in chosen)]
        if tenant_rows:
            title = l10n.gettext("Seats")
            _print_title(console, _list_title(title, section, several=several))
            print_indented(console, _seats_table(tenant_rows, console, l10n))
    if count > len(chosen):
        _print(console, Text(f"  {l10n.more_in_reports(count - len(chosen))}", style="dim"))


def _seats_table(rows: list[SeatRow], console: Console, l10n: Labels) -> Table:
    none = l10n.gettext("no finding")
    columns = (
        (l10n.gettext("Assigned"), [f"{row.consumed}/{row.usable}" for row in rows]),
        (l10n.gettext("Spare"), [row.spare for row in rows]),
        (l10n.gettext("Finding"), [printable_line(row.state or none) for row in rows]),
    )
    # To save width, the product name is truncated first, then the bar is left out; the state is kept.
    width = INDENT + sum(max(map(cell_len, (title, *cells))) + _GAP for title, cells in columns)
    bars = console.width >= max(_MIN_WIDTH_FOR_BARS, width + _MIN_NAME_WIDTH + _BAR_WIDTH + _GAP)
    name = max(console.width - width - (_BAR_WIDTH + _GAP if bars else 0) - _GAP, _MIN_NAME_WIDTH)
    table = Table(box=None, padding=(0, _GAP, 0, 0), header_style="dim", show_edge=False, pad_edge=False)
    table.add_column(l10n.gettext("Product"), overflow="ellipsis", no_wrap=True, max_width=name)
    if bars:
        table.add_column("", no_wrap=True, min_width=_BAR_WIDTH)
    for (title, _), justify in zip(columns, _JUSTIFIED, strict=True):
        table.add_column(title, justify=justify, no_wrap=True, overflow="ellipsis")
    for row, *cells in zip(rows, *(cells for _, cells in columns), strict=True):
        *figures, state = cells
        style = _STYLES[row.severity] if row.severity is not None else "dim"
        bar = [_bar(row, console)] if bars else []
        table.add_row(Text(printable_line(row.name)), *bar, *map(Text, figures), Text(state, style=style))
    return table


def _bar(row: SeatRow, console: Console) -> Text:
    """Draw a bar of assigned seats, spare seats, and seats assigned beyond the usable ones."""
    if row.seat_bar is None:
        return Text("")
    full, spare, over = ("█", "░", "▓") if console.encoding.startswith("utf") else ("#", ".", "!")
    assigned, free = row.seat_bar.assigned, row.seat_bar.usable - row.seat_bar.assigned
    beyond = -(-row.seat_bar.over * _BAR_WIDTH // WIDTH)
    used = max(round(assigned * _BAR_WIDTH / WIDTH), assigned > 0)
    used = min(used, _BAR_WIDTH - beyond - (free > 0))
    bar = Text(full * used, style="cyan")
    bar.append(spare * (_BAR_WIDTH - used - beyond), style="dim")
    return bar.append(over * beyond, style="red")


def _print_usage(
    console: Console, sections: Sequence[TenantSection], l10n: Labels, others: Sequence[TenantResult]
) -> None:
    """Print who needs a seat, the costliest idle seats, smaller products and cost centres of the first tenants.

    `others` are the tenants without a section, of which only the number is printed.
    """
    lists = (
        [(l10n.gettext("Who needs a seat"), section, section.coverage) for section in sections],
        [(l10n.gettext("Use and cost by product"), section, idle_lines(section.usage)) for section in sections],
        [(l10n.gettext("Smaller products"), section, section.smaller.lines) for section in sections if section.smaller],
        [(section.units[0].title, section, unit_lines(section.units, l10n)) for section in sections if section.units],
    )
    unlisted = (
        sum(bool(tenant.coverage) for tenant in others),
        sum(tenant.usage is not None and any(item.idle for item in tenant.usage.products) for tenant in others),
        sum(bool(tenant.smaller_products) for tenant in others),
        sum(map(has_units, others)),
    )
    several = sum(bool(section.name) for section in sections) > 1  # the section of the fleet has no name
    for entries, count in zip(lists, unlisted, strict=True):
        filled = [entry for entry in entries if entry[-1]]
        for title, section, lines in filled[:_MAX_LIST_TENANTS]:
            _print_lines(console, _list_title(title, section, several=several), lines, l10n)
        more = len(filled) - _MAX_LIST_TENANTS + count
        if more > 0:
            text = l10n.plural("{count} more tenant in the reports", "{count} more tenants in the reports", more)
            print_indented(console, Text(text, style="dim"))


def _list_title(title: str, section: TenantSection, *, several: bool) -> str:
    return f"{title}, {_cut(section.title, _MAX_TENANT)}" if several else title


def _print_lines(console: Console, title: str, lines: Sequence[str], l10n: Labels) -> None:
    _print_title(console, title)
    for line in lines[:_MAX_LIST_LINES]:
        print_indented(console, _wrapped(line, console.width - INDENT))
    more = len(lines) - _MAX_LIST_LINES
    if more > 0:
        print_indented(console, Text(l10n.more_in_reports(more), style="dim"))


def _print_highlights(console: Console, page: Page, l10n: Labels) -> None:
    if not page.highlights:
        return
    _print_title(console, l10n.gettext("What to do first"))
    for number, highlight in enumerate(page.highlights, start=1):
        line = Text(l10n.gettext(SEVERITIES[highlight.severity]), style=_STYLES[highlight.severity])
        line.append(f"  {_cut(highlight.title, _MAX_TITLE)}", style="bold")
        item = Table.grid(padding=(0, 1, 0, 0))
        item.add_row(Text(f"{number}."), line)
        width = console.width - INDENT - len(f"{number}. ")
        facts = _highlight_facts(highlight, l10n)
        for text in filter(None, (facts, highlight.why, highlight.movement, highlight.note)):
            item.add_row(Text(""), _wrapped(text, width), style="dim")
        print_indented(console, item)


def _highlight_facts(highlight: Highlight, l10n: Labels) -> str:
    tenant, count = (
        _cut(highlight.tenant, _MAX_TENANT),
        l10n.plural("{count} finding", "{count} findings", highlight.count),
    )
    return l10n.joined(filter(None, (highlight.money, highlight.due, tenant, count, highlight.elsewhere)))


def _print_unknown(console: Console, result: Result, l10n: Labels) -> None:
    """Print why policies could not be evaluated, grouped by cause and the tenants that have it.

    The causes of tenants that could not be audited at all are printed above.
    """
    by_cause: dict[tuple[str, tuple[str, ...]], list[str]] = {}
    titles = tenant_titles(result.tenants)
    audited = (tenant for tenant in by_urgency(result.tenants) if tenant.failure is None)
    parts = [(titles[tenant.name], tenant.policies) for tenant in audited]
    for title, policies in (*parts, (l10n.gettext("Policies across tenants"), result.fleet.policies)):
        unknown = ((policy, l10n.translate(reason)) for policy, reason in unevaluated(policies))
        for reason, ids in by_reason(unknown).items():
            by_cause.setdefault((reason, tuple(ids)), []).append(_cut(title, _MAX_TENANT))
    if not by_cause:
        return
    _print_title(console, l10n.gettext("Not evaluated"))
    more = sum(len(ids) * len(names) for (_, ids), names in by_cause.items())
    for (reason, (first, *others)), names in list(by_cause.items())[:_MAX_UNKNOWN]:
        number = 1 + len(others)
        more -= number * len(names)
        named = l10n.plural("{count} policy", "{count} policies", number) if others else first
        line = Text(printable_line(f"{named_tenants(names, len(titles), l10n)}: {named}"), style="yellow")
        line.append(f"  {_cut(reason, _MAX_REASON)}", style="default")
        print_indented(console, line)
    if more:
        _print(console, Text(f"  {l10n.more_in_reports(more)}", style="dim"))
