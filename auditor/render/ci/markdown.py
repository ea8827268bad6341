"""Renders a Result as a Markdown summary for step summaries and comments, limited in size, with escaped text."""

from collections.abc import Iterable, Iterator, Sequence
from re import compile as pattern
from typing import Final

from auditor.domain.message import NOTHING
from auditor.domain.result.model import Result
from auditor.render.formats import RenderOptions
from auditor.render.text.labels import SEVERITIES, Labels
from auditor.render.text.markdown_table import markdown_table
from auditor.render.text.sanitize import visible
from auditor.render.text.summary import MAX_NAMED
from auditor.render.view.content import PageContent
from auditor.render.view.model import OutcomeRow, Page, PolicyGroup, TenantSection
from auditor.render.view.tenant_table import FleetRow, change_text, fleet_rows
from auditor.render.view.usage import idle_lines, unit_lines
from auditor.result.ranking import MAX_LISTED_TENANTS

LIMIT: Final = 1_000_000
"""Maximum size in bytes; GitHub drops step summaries of more than 1 MiB."""
_ROWS: Final = 10
"""Findings per policy that are listed."""
_SPECIAL: Final = pattern(
    r"(?i)(^[0-9]+(?=[.)]))?(?(1)[.)]|(?:[\\`*_\[\]<>&#|~@$^!]|(?<!\b[0-9]{2}):(?=\S)|:(?=\S)(?![0-9]{2}(?![\w:]))|^[-=]|^\+(?=\s|$)|(?<=www)\.))"
)
"""Characters that Markdown or GitHub interprets as markup: anywhere, at the start of a line, or in a bare address.

A colon before a space or in a time of day and the digits of a number are kept, so that the source stays readable.
"""


def render(result: Result, options: RenderOptions) -> Iterable[bytes]:
    """Render the summary; it is truncated at LIMIT, with a note at the end."""
    content: PageContent = options.content or PageContent(result, options.locale)
    l10n = content.l10n
    lines: list[str] = []
    size = 0
    for line in _lines(content.page, fleet_rows(result, content.page, l10n), l10n):
        size += len(line.encode("utf-8", "replace")) + 1
        if size > LIMIT - 200:
            lines += ["", l10n.gettext("_The summary is truncated; see the other reports for the full text._")]
            break
        lines.append(line)
    body = ("\n".join(lines) + "\n").encode("utf-8", "replace")
    return (body,)


def escaped_markdown(text: str) -> str:
    """Escape text for Markdown: the result is one line without markup, HTML or mentions.

    GitHub searches for mentions in the rendered text, where an escaped @ still counts: a word joiner after it prevents
    that.
    """
    flat = visible(text.replace("\n", " "))
    return _SPECIAL.sub(lambda match: f"{match[1] or ''}&#{ord(match[0][-1])};", flat).replace("&#64;", "&#64;\u2060")


def _lines(page: Page, tenants: Sequence[FleetRow], l10n: Labels) -> Iterator[str]:
    yield f"# {escaped_markdown(page.verdict)}"
    yield ""
    for line in page.unknown_names:
        yield f"⚠️ {escaped_markdown(line)}  "
    for line in page.plan:
        yield f"{escaped_markdown(line)}  "
    if page.plan or page.unknown_names:
        yield ""
    for sentence in page.completeness:
        yield f"{'✅' if page.complete else '⚠️'} {escaped_markdown(sentence)}  "
    yield from _references(page.sections, l10n)
    yield ""
    tiles = (*page.counts, *page.changes)
    labels = [escaped_markdown(tile.label) for tile in tiles]
    yield from markdown_table(labels, [[l10n.number(tile.count) for tile in tiles]], right=range(len(tiles)))
    if page.money:
        bound = f" ({l10n.gettext('at least')})" if page.lower_bound else ""
        money = f"**{escaped_markdown(page.money)}**"
        yield l10n.gettext("{money} a month in open findings", money=money) + bound
        yield ""
    if page.highlights:
        yield f"## {l10n.gettext('What to do first')}"
        yield ""
        for number, highlight in enumerate(page.highlights, start=1):
            count = l10n.plural("{count} finding", "{count} findings", highlight.count)
            reasons = (highlight.elsewhere, highlight.why, highlight.note)
            facts = (highlight.money, highlight.due, highlight.tenant, count, *reasons)
            level = l10n.gettext(SEVERITIES[highlight.severity])
            shown = " · ".join(map(escaped_markdown, filter(None, facts)))
            yield f"{number}. **{escaped_markdown(highlight.title)}** ({level}) · {shown}"
        yield ""
    yield from _tenants(tenants, l10n)
    if page.listed_tenants < page.tenants:
        yield l10n.gettext(
            "The {shown} worst of {all} tenants are shown below; the findings of the others are in the other reports.",
            shown=l10n.number(page.listed_tenants),
            all=l10n.number(page.tenants),
        )
        yield ""
    for section in page.sections:
        if page.tenants == 1 or _has_content(section):
            yield from _section(section, l10n)
    if page.checked is not None:
        yield f"{l10n.gettext('Guidance as of')} {escaped_markdown(l10n.date(page.checked))}"
        yield ""
    yield " · ".join(map(escaped_markdown, (page.tool, l10n.instant(page.run.as_of), page.run.policy_digest)))


def _references(sections: Sequence[TenantSection], l10n: Labels) -> Iterator[str]:
    """Yield a line that names the sections with policies that were not evaluated."""
    titles = [escaped_markdown(section.title) for section in sections if _unevaluated(section)]
    if titles:
        yield l10n.gettext(
            "The policies that were not evaluated, and the reasons, are listed under {heading} below: {tenants}",
            heading=f"**{l10n.gettext('Not evaluated')}**",
            tenants=l10n.first_of(titles, MAX_NAMED),
        )


def _unevaluated(section: TenantSection) -> Sequence[OutcomeRow]:
    """Return the policies whose reasons are listed; none if no policy was evaluated, because of one reason."""
    return section.unevaluated if section.failure is None else ()


def _tenants(rows: Sequence[FleetRow], l10n: Labels) -> Iterator[str]:
    """Yield the table of tenants: the most urgent ones, policies across tenants, and the totals.

    Columns that are empty in all rows are left out.
    """
    if not rows:
        return
    yield f"## {l10n.gettext('Tenants')}"
    yield ""
    columns = ("Tenant", "Findings", "Change", "Usable", "Assigned", "Spare", "Per month")
    tenants = [row for row in rows if row.name][:MAX_LISTED_TENANTS]
    others = [row for row in rows if not row.name]
    table = zip(map(l10n.gettext, columns), *(_tenant(row, l10n) for row in (*tenants, *others)), strict=True)
    titles, *lines = zip(*(column for column in table if any(column[1:])), strict=True)
    cells = ([escaped_markdown(cell) for cell in line] for line in lines)
    yield from markdown_table(titles, cells, right=range(2, len(titles)))


def _tenant(row: FleetRow, l10n: Labels) -> Sequence[str]:
    findings = [f"{l10n.number(count)} {l10n.severity_name(severity, count)}" for severity, count in row.counts]
    findings = [l10n.gettext("not audited")] if row.failure else findings or [l10n.gettext("nothing open")]
    findings += [] if row.complete or row.failure else [l10n.gettext("incomplete")]
    changed = change_text(row, l10n)
    return row.title, l10n.joined(findings), changed, row.usable, row.assigned, row.spare, row.money


def _has_content(section: TenantSection) -> bool:
    """Return whether a section says more than the table of tenants, and who uses the seats."""
    tables = (section.coverage, idle_lines(section.usage), section.smaller, section.groups, _unevaluated(section))
    return section.failure is not None or any(tables) or any(row.severity is not None for row in section.seats)


def _section(section: TenantSection, l10n: Labels) -> Iterator[str]:
    yield f"## {escaped_markdown(section.title)}"
    yield ""
    if section.failure is not None:
        yield f"❌ **{l10n.gettext('Not audited.')}** {escaped_markdown(section.failure)}"
        yield ""
    yield from _seats(section, l10n)
    yield from _listed(l10n.gettext("Who needs a seat"), "", section.coverage)
    headline = "" if section.usage is None else section.usage.headline
    yield from _listed(l10n.gettext("Use and cost by product"), headline, idle_lines(section.usage))
    if section.smaller is not None:
        yield from _listed(l10n.gettext("Smaller products"), section.smaller.headline, section.smaller.lines)
    if section.units:
        yield from _listed(section.units[0].title, "", unit_lines(section.units, l10n))
    for group in section.groups:
        yield from _group(group, l10n)
    if rows := _unevaluated(section):
        yield f"### {l10n.gettext('Not evaluated')}"
        yield ""
        for row in rows:
            mark = f" ({l10n.gettext('report-only')})" if row.outcome.report_only else ""
            reason = l10n.translate(row.outcome.reason or NOTHING)
            yield f"- **{escaped_markdown(row.outcome.id)}**{mark}: {escaped_markdown(reason)}"
        yield ""


def _seats(section: TenantSection, l10n: Labels) -> Iterator[str]:
    outside = [row for row in section.seats if row.severity is not None]
    if not outside:
        return
    titles = [l10n.gettext(name) for name in ("Product", "Usable", "Assigned", "Spare", "Policy")]
    rows = (
        (
            escaped_markdown(row.name),
            *(row.usable, row.consumed, row.spare),
            "; ".join(map(escaped_markdown, filter(None, (row.state, row.advice)))),
        )
        for row in outside
    )
    yield from markdown_table(titles, rows, right=range(1, 4))


def _listed(title: str, headline: str, lines: Sequence[str]) -> Iterator[str]:
    if not lines:
        return
    yield f"### {title}"
    yield ""
    if headline:
        yield f"**{escaped_markdown(headline)}**"
        yield ""
    for line in lines:
        yield f"- {escaped_markdown(line)}"
    yield ""


def _group(group: PolicyGroup, l10n: Labels) -> Iterator[str]:
    # All findings of a report-only policy that are not waived are report-only.
    count = group.open or group.report_only
    counts = [l10n.plural("{count} open finding", "{count} open findings", group.open)]
    if group.report_only:
        counts = [l10n.plural("{count} report-only", "{count} report-only", group.report_only)]
    counts += [l10n.plural("{count} waived", "{count} waived", group.waived)] if group.waived else []
    counts += [escaped_markdown(group.money)] if group.money else []
    level = l10n.gettext(SEVERITIES[group.severity])
    yield f"<details><summary><b>{escaped_markdown(group.title)}</b> ({level}) · {' · '.join(counts)}</summary>"
    yield ""
    rows = [row for row in group.rows if row.waiver is None][:_ROWS]
    for row in rows:
        address = f" ({escaped_markdown(row.address)})" if row.address else ""
        money = l10n.gettext("{money} a month", money=escaped_markdown(row.money)) + " · " if row.money else ""
        facts = " · ".join(map(escaped_markdown, (row.problem, row.evidence)))
        yield f"- {escaped_markdown(row.name)}{address}: {money}{facts}"
    if count > len(rows):
        yield f"- {l10n.more(count - len(rows), file='findings.csv')}"
    yield ""
    yield "</details>"
    yield ""
