"""A Result into a Markdown summary for step summaries and comments: short, cut between rows, tenant text inert."""

from collections.abc import Iterator
from re import compile as pattern
from typing import Final

from auditor.domain.enums import Outcome
from auditor.domain.result import Result
from auditor.render.artifact import Artifact
from auditor.render.formats import RenderOptions
from auditor.render.html.page import page
from auditor.render.html.usage import idle_lines
from auditor.render.html.view import Group, Page, Section
from auditor.render.text.labels import SEVERITIES, Labels
from auditor.render.text.sanitize import visible

LIMIT: Final = 1_000_000
"""Bytes; GitHub drops a step summary over 1 MiB whole."""
_ROWS: Final = 10
"""Findings of one policy that are told by name."""
_SPECIAL: Final = pattern(r"(?i)[\\`*_\[\]<>&#|~@:$^!]|^[-+=]|^[0-9](?=[0-9]*[.)])|(?<=www)\.")
"""What Markdown, or GitHub after it, takes for markup: anywhere, at the beginning of a line, or in a bare address."""


def render(result: Result, options: RenderOptions) -> Artifact:
    """Write the summary; what would go over LIMIT is left out, and the end says so."""
    words = Labels(options.locale)
    kept: list[str] = []
    size = 0
    for line in _lines(page(result, words), words):
        size += len(line.encode("utf-8", "replace")) + 1
        if size > LIMIT - 200:
            kept += ["", words.gettext("_The summary is truncated; the other reports have all of it._")]
            break
        kept.append(line)
    body = ("\n".join(kept) + "\n").encode("utf-8", "replace")
    return Artifact(name="summary.md", media_type="text/markdown; charset=utf-8", body=body)


def inert(text: str) -> str:
    """Return text that Markdown shows as it is: on one line, no markup, no HTML, and nobody is mentioned.

    Mentions are looked for in what was rendered, so that an escaped @ still calls: a word joiner stops it.
    """
    flat = visible(text.replace("\n", " "))
    return _SPECIAL.sub(lambda found: f"&#{ord(found[0])};", flat).replace("&#64;", "&#64;\u2060")


def _lines(shown: Page, words: Labels) -> Iterator[str]:
    yield f"# {inert(shown.verdict)}"
    yield ""
    for sentence in shown.completeness:
        yield f"{'✅' if shown.complete else '⚠️'} {inert(sentence)}  "
    yield ""
    tiles = (*shown.counts, *shown.changes)
    yield "| " + " | ".join(inert(tile.label) for tile in tiles) + " |"
    yield "|" + " ---: |" * len(tiles)
    yield "| " + " | ".join(words.number(tile.count) for tile in tiles) + " |"
    yield ""
    if shown.money:
        bound = f" ({words.gettext('at least')})" if shown.lower_bound else ""
        yield f"**{inert(shown.money)}** {words.gettext('a month in open findings')}{bound}"
        yield ""
    if shown.matters:
        yield f"## {words.gettext('What matters most')}"
        yield ""
        for number, matter in enumerate(shown.matters, start=1):
            about = [inert(matter.tenant), words.ngettext("{count} finding", "{count} findings", matter.count)]
            about += [inert(said) for said in (matter.money, matter.due, matter.why) if said]
            level = words.gettext(SEVERITIES[matter.severity])
            yield f"{number}. **{inert(matter.title)}** ({level}) · {' · '.join(about)}"
        yield ""
    if shown.full < shown.tenants:
        said = words.gettext(
            "The {shown} worst of {all} tenants are shown below; the findings of the others are in the other reports."
        )
        yield said.replace("{shown}", words.number(shown.full)).replace("{all}", words.number(shown.tenants))
        yield ""
    for section in shown.sections:
        yield from _section(section, words)
    if shown.checked is not None:
        yield f"{words.gettext('Guidance as of')} {inert(words.date(shown.checked))}"
        yield ""
    yield f"{inert(shown.tool)} · {inert(words.instant(shown.as_of))} · {inert(shown.digest)}"


def _section(section: Section, words: Labels) -> Iterator[str]:
    yield f"## {inert(section.title)}"
    yield ""
    if section.failure is not None:
        yield f"❌ **{words.gettext('Not audited.')}** {inert(section.failure)}"
        yield ""
    yield from _seats(section, words)
    yield from _usage(section, words)
    for group in section.groups:
        yield from _group(group, words)
    unknown = [row for row in section.outcomes if row.status is Outcome.NOT_EVALUATED]
    if unknown:
        yield f"### {words.gettext('Not evaluated')}"
        yield ""
        for row in unknown:
            yield f"- **{inert(row.policy)}**: {inert(row.reason)}"
        yield ""


def _seats(section: Section, words: Labels) -> Iterator[str]:
    outside = [row for row in section.seats if row.severity is not None]
    if not outside:
        return
    titles = (words.gettext(name) for name in ("Product", "Usable", "Assigned", "Spare", "Policy"))
    yield "| " + " | ".join(titles) + " |"
    yield "| --- | ---: | ---: | ---: | --- |"
    for row in outside:
        policy = f"{inert(row.state)}; {inert(row.advice)}" if row.advice else inert(row.state)
        yield f"| {inert(row.name)} | {row.usable} | {row.consumed} | {row.spare} | {policy} |"
    yield ""


def _usage(section: Section, words: Labels) -> Iterator[str]:
    """Yield the products with idle seats, the costliest first."""
    lines = idle_lines(section.usage)
    if not lines:
        return
    yield f"### {words.gettext('Use and cost by product')}"
    yield ""
    if section.usage is not None and section.usage.headline:
        yield f"**{inert(section.usage.headline)}**"
        yield ""
    for line in lines:
        yield f"- {inert(line)}"
    yield ""


def _group(group: Group, words: Labels) -> Iterator[str]:
    counts = [words.ngettext("{count} open", "{count} open", group.open)]
    counts += [words.ngettext("{count} waived", "{count} waived", group.waived)] if group.waived else []
    counts += [inert(group.money)] if group.money else []
    level = words.gettext(SEVERITIES[group.severity])
    yield f"<details><summary><b>{inert(group.title)}</b> ({level}) · {' · '.join(counts)}</summary>"
    yield ""
    listed = [row for row in group.rows if row.waiver is None][:_ROWS]
    for row in listed:
        address = f" ({inert(row.address)})" if row.address else ""
        yield f"- {inert(row.name)}{address}: {inert(row.what)} · {inert(row.evidence)}"
    if group.open > len(listed):
        more = group.open - len(listed)
        yield "- " + words.ngettext("{count} more in findings.csv", "{count} more in findings.csv", more)
    yield ""
    yield "</details>"
    yield ""
