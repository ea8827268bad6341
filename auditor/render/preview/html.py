"""Renders a Preview as a small HTML page without external resources or scripts."""

from collections.abc import Iterable, Sequence
from typing import Final

from markupsafe import Markup, escape

from auditor.domain.preview import Difference, Preview
from auditor.render.preview.markdown import (
    INCOMPLETE,
    cells_of,
    columns_of,
    counted_rows,
    difference_text,
    headline,
    kinds,
    more,
    side_label,
    sides_label,
    state,
    sums,
    unevaluated_lines,
    worsened,
)
from auditor.render.static_page import page, table, tag
from auditor.render.text.labels import Labels
from auditor.render.text.sanitize import visible
from auditor.result.preview_counts import total_count

_ROWS: Final = 1000
"""Findings per tenant and kind that the page lists; preview.json has all of them."""


def render(preview: Preview, *, locale: str) -> Iterable[bytes]:
    """Render preview.html."""
    l10n = Labels(locale)
    counted_policies, counted_departments, priced = counted_rows(preview)
    money = sums(total_count(preview), l10n)
    policies = [
        (policy.id, l10n.policy(policy.title), state(policy, l10n), *cells_of(policy_counts, l10n, priced=priced))
        for policy, policy_counts in counted_policies
    ]
    none = l10n.gettext("none")
    departments = [
        (none if name is None else name, *cells_of(department_counts, l10n, priced=priced))
        for name, department_counts in counted_departments
    ]
    as_of = l10n.gettext("state as of {instant}", instant=l10n.instant(preview.as_of))
    columns, worse = columns_of(l10n, priced=priced), worsened(preview, l10n)
    policy, title = l10n.gettext("Policy"), l10n.gettext("Title")
    parts = [
        tag("p", f"{side_label(preview.base)} → {side_label(preview.head)}, {as_of}"),
        tag("p", worse) if worse else Markup(""),
        tag("p", f"{l10n.gettext('Monthly cost of open findings:')} {money}") if money else Markup(""),
        _unknown(preview, l10n),
        table((policy, title, l10n.gettext("Change"), *columns), policies),
        table((l10n.gettext("Department"), *columns), departments),
        *(_tenant(difference, l10n) for difference in preview.everywhere),
    ]
    return (page(parts, title=l10n.gettext("Policy preview"), heading=headline(preview, l10n), l10n=l10n),)


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
        Markup('<details><summary><span class="name">{}</span></summary><div class="inside">{}</div></details>').format(
            escape(visible(f"{name}: {difference_text(kind, len(rows), l10n)}")), _list(rows, l10n)
        )
        for kind, rows in kinds(difference, l10n)
        if rows
    )


def _list(rows: Sequence[str], l10n: Labels) -> Markup:
    items = [tag("li", row) for row in rows[:_ROWS]]
    items += [tag("li", more(len(rows) - _ROWS, l10n))] if len(rows) > _ROWS else []
    return Markup("<ul>\n{}\n</ul>").format(Markup("\n").join(items))
