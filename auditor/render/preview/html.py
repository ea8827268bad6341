"""Renders a Preview as a small HTML page without external resources or scripts."""

from collections.abc import Iterable, Sequence
from typing import Final

from markupsafe import Markup, escape

from auditor.domain.preview import Difference, Preview
from auditor.render.preview.markdown import (
    INCOMPLETE,
    cells_of,
    columns_of,
    headline,
    kinds,
    more,
    side_label,
    sides_label,
    state,
    sums,
    tallied,
    unevaluated_lines,
)
from auditor.render.text.labels import Labels
from auditor.render.text.sanitize import visible
from auditor.render.text.static_page import page, tag
from auditor.result.preview_counts import by_department, by_policy, tally

_STYLE: Final = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}"
    "h1{font-size:1.6rem;line-height:1.25}.wide{overflow-x:auto;margin:1rem 0}"
    "table{border-collapse:collapse}th,td{border:1px solid #888;padding:.25rem .6rem;text-align:start}"
    "td:last-child{white-space:nowrap}"
    "li{overflow-wrap:anywhere}.warn{border-inline-start:.3rem solid #b45309;padding-inline-start:.8rem}"
)
_ROWS: Final = 1000
"""Findings per tenant and kind that the page lists; preview.json has all of them."""


def render(preview: Preview, *, locale: str) -> Iterable[bytes]:
    """Render preview.html."""
    l10n = Labels(locale)
    policies = [
        (policy.id, l10n.policy(policy.title), state(policy, l10n), *cells_of(policy_counts, l10n))
        for policy, policy_counts in by_policy(preview)
    ]
    none = l10n.gettext("none")
    departments = [
        (none if name is None else name, *cells_of(department_counts, l10n))
        for name, department_counts in by_department(preview)
    ]
    money = sums(tally(preview.everywhere), l10n)
    as_of = l10n.gettext("state as of {instant}", instant=l10n.instant(preview.as_of))
    columns = columns_of(l10n)
    policy, title = l10n.gettext("Policy"), l10n.gettext("Title")
    parts = [
        tag("h1", headline(preview, l10n)),
        tag("p", f"{side_label(preview.base)} → {side_label(preview.head)}, {as_of}"),
        tag("p", f"{l10n.gettext('Monthly cost of open findings:')} {money}") if money else Markup(""),
        _unknown(preview, l10n),
        _table((policy, title, l10n.gettext("Change"), *columns), policies),
        _table((l10n.gettext("Department"), *columns), departments),
        *(_tenant(difference, l10n) for difference in preview.everywhere),
    ]
    body = page(parts, title=l10n.gettext("Policy preview"), language=l10n.locale, style=_STYLE)
    return (body,)


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> Markup:
    if not rows:
        return Markup("")
    head = Markup("").join(tag("th", title) for title in titles)
    body = Markup("\n").join(
        Markup("<tr>{}</tr>").format(Markup("").join(tag("td", cell) for cell in row)) for row in rows
    )
    table = Markup("<table>\n<thead><tr>{}</tr></thead>\n<tbody>\n{}\n</tbody>\n</table>").format(head, body)
    return Markup('<div class="wide" tabindex="0">{}</div>').format(table)


def _unknown(preview: Preview, l10n: Labels) -> Markup:
    if preview.complete:
        return Markup("")
    rows = [
        f"{group.policy} ({l10n.joined(filter(None, (sides_label(group, l10n), tenants)))}): {reason}"
        for group, tenants, reason in unevaluated_lines(preview, l10n)
    ]
    return Markup('<div class="warn">{}{}</div>').format(tag("p", l10n.gettext(INCOMPLETE)), _list(rows, l10n))


def _tenant(difference: Difference, l10n: Labels) -> Markup:
    name = difference.title or l10n.gettext("Policies across tenants")
    return Markup("\n").join(
        Markup("<details><summary>{}</summary>{}</details>").format(
            escape(visible(f"{name}: {tallied(kind, len(rows), l10n)}")), _list(rows, l10n)
        )
        for kind, rows in kinds(difference, l10n)
        if rows
    )


def _list(rows: Sequence[str], l10n: Labels) -> Markup:
    items = [tag("li", row) for row in rows[:_ROWS]]
    items += [tag("li", more(len(rows) - _ROWS, l10n))] if len(rows) > _ROWS else []
    return Markup("<ul>\n{}\n</ul>").format(Markup("\n").join(items))
