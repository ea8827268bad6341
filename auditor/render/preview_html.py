"""A Preview into one small HTML page that loads nothing and runs nothing."""

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from typing import Final

from markupsafe import Markup, escape

from auditor.render.artifact import Artifact
from auditor.render.preview import Difference, Preview, Tally, by_department, by_policy, tally
from auditor.render.preview_markdown import called, headline, retold, state, sums, told
from auditor.render.visible import visible
from auditor.render.words import Words

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}"
    "table{border-collapse:collapse;margin:1rem 0}th,td{border:1px solid #888;padding:.25rem .6rem;text-align:start}"
    "li{overflow-wrap:anywhere}.warn{border-inline-start:.3rem solid #b45309;padding-inline-start:.8rem}"
)
_ROWS: Final = 1000
"""Findings of one tenant and kind in the page; preview.json has all."""


def render(preview: Preview, *, locale: str) -> Artifact:
    """Write preview.html."""
    words = Words(locale)
    policies = [(policy.id, policy.title, state(policy), *_cells(each, words)) for policy, each in by_policy(preview)]
    departments = [("(none)" if name is None else name, *_cells(each, words)) for name, each in by_department(preview)]
    money = sums(tally(preview.everywhere), words)
    parts = [
        _tag("h1", headline(preview)),
        _tag("p", f"{called(preview.base)} → {called(preview.head)}, state as of {words.instant(preview.as_of)}"),
        _tag("p", f"Money of open findings, a month: {money}") if money else Markup(""),
        _unknown(preview),
        _table(("Policy", "Title", "It is", "Added", "Removed", "Changed", "A month"), policies),
        _table(("Department", "Added", "Removed", "Changed", "A month"), departments),
        *(_tenant(each) for each in preview.everywhere),
    ]
    digest = b64encode(sha256(_STYLE.encode()).digest()).decode()
    rules = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    head = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{rules}">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>Policy preview</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
    )
    text = head + "\n".join(part for part in parts if part) + "\n</main>\n</body>\n</html>\n"
    return Artifact(name="preview.html", media_type="text/html; charset=utf-8", body=text.encode("utf-8", "replace"))


def _tag(name: str, text: str) -> Markup:
    return Markup("<{0}>{1}</{0}>").format(Markup(name), visible(text))  # noqa: S704 - names are ours


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup:
    if not rows:
        return Markup("")
    head = Markup("").join(_tag("th", title) for title in titles)
    body = Markup("\n").join(
        Markup("<tr>{}</tr>").format(Markup("").join(_tag("td", cell) for cell in row)) for row in rows
    )
    return Markup("<table>\n<thead><tr>{}</tr></thead>\n<tbody>\n{}\n</tbody>\n</table>").format(head, body)


def _cells(counts: Tally, words: Words) -> tuple[str, ...]:
    return (str(counts.added), str(counts.removed), str(counts.changed), sums(counts, words))


def _unknown(preview: Preview) -> Markup:
    if preview.complete:
        return Markup("")
    rows = [
        f"{each.side}: {each.policy}{f' in {each.tenant}' if each.tenant else ''}: {each.reason}"
        for each in preview.unknown
    ]
    said = _tag("p", "Incomplete: not everything could be evaluated, so the change may do more than is told here.")
    return Markup('<div class="warn">{}{}</div>').format(said, _list(rows))


def _tenant(each: Difference) -> Markup:
    kinds = (
        ("added", [told(finding) for finding in each.added]),
        ("removed", [told(finding) for finding in each.removed]),
        ("changed", [retold(pair) for pair in each.changed]),
        ("unconfirmed", [told(finding) for finding in each.unconfirmed]),
    )
    name = each.name or "All tenants together"
    return Markup("\n").join(
        Markup("<details><summary>{}</summary>{}</details>").format(
            escape(visible(f"{name}: {len(rows)} {kind}")), _list(rows)
        )
        for kind, rows in kinds
        if rows
    )


def _list(rows: Sequence[str]) -> Markup:
    shown = [_tag("li", row) for row in rows[:_ROWS]]
    shown += [_tag("li", f"{len(rows) - _ROWS} more in preview.json")] if len(rows) > _ROWS else []
    return Markup("<ul>\n{}\n</ul>").format(Markup("\n").join(shown))
