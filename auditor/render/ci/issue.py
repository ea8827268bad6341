"""Renders a work item as a GitHub issue: title, Markdown body, labels; text of a tenant is escaped."""

import re
from collections.abc import Iterator
from typing import Final

from auditor.render.ci.markdown import escaped_markdown
from auditor.render.text.actions import amounts_text, due_sentence, policies_line
from auditor.render.text.guidance import MARKUP, plain
from auditor.render.text.labels import SEVERITIES, Labels
from auditor.render.text.sanitize import visible
from auditor.result.work_items import WorkItem

END: Final = "<!-- /auditor -->"
"""The last line of the generated text; text that people add below it is kept."""
SEVERITY: Final = "severity: "
"""Prefix of the severity label."""
_ID_LINE: Final = re.compile(r"\A<!-- auditor (\S+) -->\n")
_WHITE_SPACE: Final = re.compile(r"\s+")
_MAX_TITLE: Final = 200
_MAX_TEXT: Final = 1_000
"""Maximum characters of a text, without its markup."""
_MAX_BODY: Final = 60_000
"""Maximum characters of a body; GitHub rejects more than 65,536."""


def issue_id(body: str) -> str | None:
    """Return the id in the first line of an issue's body; None if this program did not write the issue."""
    match = _ID_LINE.match(body)
    return None if match is None else match[1]


def issue_title(item: WorkItem) -> str:
    """Return the title: the action, preceded by the tenant if it has a name."""
    text = plain(item.action.title)
    line = " ".join(visible(f"{item.title}: {text}" if item.title else text, keep="\n\t").split())
    return line if len(line) <= _MAX_TITLE else f"{line[: _MAX_TITLE - 1]}…"


def issue_labels(item: WorkItem, more: tuple[str, ...]) -> tuple[str, ...]:
    """Return the labels of an issue: `more`, and the severity."""
    return (*more, f"{SEVERITY}{item.severity}")


def issue_body(item: WorkItem, key: str, l10n: Labels) -> str:
    """Return the body; it begins with a comment that contains `key`, and ends with END."""
    lines: list[str] = []
    size = 0
    for line in _lines(item, l10n):
        size += len(line) + 1
        if size > _MAX_BODY:
            break
        lines.append(line)
    return "\n".join((f"<!-- auditor {key} -->", *lines, "", END))


def _lines(item: WorkItem, l10n: Labels) -> Iterator[str]:
    action = item.action
    facts = [
        l10n.gettext(SEVERITIES[item.severity]),
        l10n.plural("{count} finding", "{count} findings", len(action.findings)),
        amounts_text((action,), l10n),
        due_sentence(action, l10n),
        action.owner or action.role,
    ]
    yield " · ".join(_formatted(fact) for fact in facts if fact)
    if item.policies:
        yield ""
        yield escaped_markdown(policies_line(item.policies, l10n))
    yield ""
    yield escaped_markdown(l10n.gettext("The report of the audit lists the findings: who and what they are about."))
    if action.why:
        yield ""
        yield _formatted(action.why)
    for warning in action.warnings:
        yield ""
        yield f"> {l10n.gettext('Warning')}: {_formatted(warning)}"
    if action.prerequisites:
        yield from ("", f"<b>{escaped_markdown(l10n.gettext('Before you begin'))}</b>", "")
        yield from (f"- {_formatted(text)}" for text in action.prerequisites)
    if action.steps:
        yield from ("", f"<b>{escaped_markdown(l10n.gettext('Steps'))}</b>", "")
        yield from (f"{number}. {_formatted(text)}" for number, text in enumerate(action.steps, start=1))
    links = [link for link in action.links if link.address.startswith("https://")]
    if links:
        yield ""
        for link in links:
            address = "".join(c for c in link.address if c.isascii() and c.isprintable() and c not in "<>\\ ")
            yield f"- [{escaped_markdown(link.label)}](<{address}>)"
    yield ""
    yield f"<sub>{escaped_markdown(l10n.gettext('Written by the licence audit; text below this line is kept.'))}</sub>"


def _formatted(text: str) -> str:
    """Return guidance with **bold** and `code` as HTML elements, and everything else escaped.

    Only the text is truncated, so that every element is closed.
    """
    length = len(plain(text))
    remaining = length if length <= _MAX_TEXT else _MAX_TEXT - 1
    parts: list[str] = []
    for tag, part in _elements(text):
        # White space becomes a single space, also at the ends of a part.
        content = escaped_markdown(_WHITE_SPACE.sub(" ", part[:remaining]))
        parts.append(f"<{tag}>{content}</{tag}>" if tag and content else content)
        remaining = max(0, remaining - len(part))
    return "".join(parts) if length <= _MAX_TEXT else f"{''.join(parts)}…"


def _elements(text: str) -> Iterator[tuple[str, str]]:
    """Yield the parts of guidance, each with the name of its HTML element; the name is empty for plain text."""
    end = 0
    for match in MARKUP.finditer(text):
        yield "", text[end : match.start()]
        yield ("b", match[1]) if match[1] else ("code", match[2])
        end = match.end()
    yield "", text[end:]
