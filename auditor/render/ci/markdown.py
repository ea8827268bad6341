"""A Result into a Markdown summary for step summaries and comments: short, cut between rows, tenant text inert."""

from collections.abc import Iterator, Sequence
from re import compile as pattern
from typing import Final

from auditor.domain.enums import Outcome
from auditor.domain.result.model import Result
from auditor.render.artifact import Artifact
from auditor.render.formats import RenderOptions
from auditor.render.html.content import PageContent
from auditor.render.html.usage import idle_lines, unit_lines
from auditor.render.html.view import Group, Page, Section
from auditor.render.text.labels import SEVERITIES, Labels
from auditor.render.text.sanitize import visible

LIMIT: Final = 1_000_000
"""Bytes; GitHub drops a step summary over 1 MiB whole."""
_ROWS: Final = 10
"""Findings of one policy that are shown by name."""
_SPECIAL: Final = pattern(r"(?i)[\\`*_\[\]<>&#|~@:$^!]|^[-+=]|^[0-9](?=[0-9]*[.)])|(?<=www)\.")
"""What Markdown, or GitHub after it, takes for markup: anywhere, at the beginning of a line, or in a bare address."""


def render(result: Result, options: RenderOptions) -> Artifact:
    """Write the summary; what would go over LIMIT is left out, and the end says so."""
    content: PageContent = options.content or PageContent(result, options.locale)
    l10n = content.l10n
    lines: list[str] = []
    size = 0
    for line in _lines(content.page, l10n):
        size += len(line.encode("utf-8", "replace")) + 1
        if size > LIMIT - 200:
            lines += ["", l10n.gettext("_The summary is truncated; the other reports have all of it._")]
            break
        lines.append(line)
    body = ("\n".join(lines) + "\n").encode("utf-8", "replace")
    return Artifact(name="summary.md", media_type="text/markdown; charset=utf-8", body=body)


def inert(text: str) -> str:
    """Return text that Markdown shows as it is: on one line, no markup, no HTML, and nobody is mentioned.

    Mentions are looked for in what was rendered, so that an escaped @ still calls: a word joiner stops it.
    """
    flat = visible(text.replace("\n", " "))
    return _SPECIAL.sub(lambda match: f"&#{ord(match[0])};", flat).replace("&#64;", "&#64;\u2060")


def _lines(shown: Page, l10n: Labels) -> Iterator[str]:
    yield f"# {inert(shown.verdict)}"
    yield ""
    for line in shown.plan:
        yield f"{inert(line)}  "
    if shown.plan:
        yield ""
    for sentence in shown.completeness:
        yield f"{'✅' if shown.complete else '⚠️'} {inert(sentence)}  "
    yield ""
    tiles = (*shown.counts, *shown.changes)
    yield "| " + " | ".join(inert(tile.label) for tile in tiles) + " |"
    yield "|" + " ---: |" * len(tiles)
    yield "| " + " | ".join(l10n.number(tile.count) for tile in tiles) + " |"
    yield ""
    if shown.money:
        bound = f" ({l10n.gettext('at least')})" if shown.lower_bound else ""
        yield f"**{inert(shown.money)}** {l10n.gettext('a month in open findings')}{bound}"
        yield ""
    if shown.highlights:
        yield f"## {l10n.gettext('What matters most')}"
        yield ""
        for number, highlight in enumerate(shown.highlights, start=1):
            count = l10n.ngettext("{count} finding", "{count} findings", highlight.count)
            about = [
                inert(fact) for fact in (highlight.money, highlight.due, highlight.tenant, count, highlight.why) if fact
            ]
            level = l10n.gettext(SEVERITIES[highlight.severity])
            yield f"{number}. **{inert(highlight.title)}** ({level}) · {' · '.join(about)}"
        yield ""
    if shown.shown_tenants < shown.tenants:
        fact = l10n.gettext(
            "The {shown} worst of {all} tenants are shown below; the findings of the others are in the other reports."
        )
        yield fact.replace("{shown}", l10n.number(shown.shown_tenants)).replace("{all}", l10n.number(shown.tenants))
        yield ""
    for section in shown.sections:
        yield from _section(section, l10n)
    if shown.checked is not None:
        yield f"{l10n.gettext('Guidance as of')} {inert(l10n.date(shown.checked))}"
        yield ""
    yield f"{inert(shown.tool)} · {inert(l10n.instant(shown.as_of))} · {inert(shown.digest)}"


def _section(section: Section, l10n: Labels) -> Iterator[str]:
    yield f"## {inert(section.title)}"
    yield ""
    if section.failure is not None:
        yield f"❌ **{l10n.gettext('Not audited.')}** {inert(section.failure)}"
        yield ""
    yield from _seats(section, l10n)
    yield from _listed(l10n.gettext("Who needs a seat"), "", section.coverage)
    yield from _usage(section, l10n)
    if section.smaller is not None:
        yield from _listed(l10n.gettext("Smaller products"), section.smaller.headline, section.smaller.lines)
    if section.units:
        yield from _listed(section.units[0].title, "", unit_lines(section.units))
    for group in section.groups:
        yield from _group(group, l10n)
    unknown = [row for row in section.outcomes if row.status is Outcome.NOT_EVALUATED]
    if unknown:
        yield f"### {l10n.gettext('Not evaluated')}"
        yield ""
        for row in unknown:
            mark = f" ({l10n.gettext('report-only')})" if row.report_only else ""
            yield f"- **{inert(row.policy)}**{mark}: {inert(row.reason)}"
        yield ""


def _seats(section: Section, l10n: Labels) -> Iterator[str]:
    outside = [row for row in section.seats if row.severity is not None]
    if not outside:
        return
    titles = (l10n.gettext(name) for name in ("Product", "Usable", "Assigned", "Spare", "Policy"))
    yield "| " + " | ".join(titles) + " |"
    yield "| --- | ---: | ---: | ---: | --- |"
    for row in outside:
        policy = f"{inert(row.state)}; {inert(row.advice)}" if row.advice else inert(row.state)
        yield f"| {inert(row.name)} | {row.usable} | {row.consumed} | {row.spare} | {policy} |"
    yield ""


def _usage(section: Section, l10n: Labels) -> Iterator[str]:
    """Yield the products with idle seats, the costliest first."""
    headline = "" if section.usage is None else section.usage.headline
    yield from _listed(l10n.gettext("Use and cost by product"), headline, idle_lines(section.usage))


def _listed(title: str, headline: str, lines: Sequence[str]) -> Iterator[str]:
    if not lines:
        return
    yield f"### {title}"
    yield ""
    if headline:
        yield f"**{inert(headline)}**"
        yield ""
    for line in lines:
        yield f"- {inert(line)}"
    yield ""


def _group(group: Group, l10n: Labels) -> Iterator[str]:
    # All findings of a report-only policy that are not waived are report-only.
    count = group.open or group.report_only
    counts = [l10n.ngettext("{count} open", "{count} open", group.open)]
    if group.report_only:
        counts = [l10n.ngettext("{count} report-only", "{count} report-only", group.report_only)]
    counts += [l10n.ngettext("{count} waived", "{count} waived", group.waived)] if group.waived else []
    counts += [inert(group.money)] if group.money else []
    level = l10n.gettext(SEVERITIES[group.severity])
    yield f"<details><summary><b>{inert(group.title)}</b> ({level}) · {' · '.join(counts)}</summary>"
    yield ""
    listed = [row for row in group.rows if row.waiver is None][:_ROWS]
    for row in listed:
        address = f" ({inert(row.address)})" if row.address else ""
        money = l10n.gettext("{money} a month").replace("{money}", inert(row.money)) + " · " if row.money else ""
        yield f"- {inert(row.name)}{address}: {money}{inert(row.problem)} · {inert(row.evidence)}"
    if count > len(listed):
        more = count - len(listed)
        yield "- " + l10n.ngettext("{count} more in findings.csv", "{count} more in findings.csv", more)
    yield ""
    yield "</details>"
    yield ""
