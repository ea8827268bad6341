"""Renders a Preview as a Markdown comment for pull requests, within GitHub's size limit and with escaped text."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from auditor.domain.enums import Severity
from auditor.domain.preview import ChangedFinding, Difference, DifferenceCount, MoneyChange, PolicyChange, Preview, Side
from auditor.domain.reasons import first_reasons, tenant_list
from auditor.domain.result.finding import Finding
from auditor.domain.translation import N_, NN_
from auditor.findings.display_names import named_product
from auditor.render.ci.markdown import escaped_markdown
from auditor.render.text.evidence.evidence import evidence_change
from auditor.render.text.evidence.facts import set_names
from auditor.render.text.labels import SEVERITIES, Labels
from auditor.render.text.markdown_table import markdown_table
from auditor.result.preview_counts import by_department, by_policy, total_count, worsened_severities
from auditor.result.unevaluated_policies import UnevaluatedGroup, unevaluated_groups

LIMIT: Final = 60_000
"""Maximum size of a comment in bytes of UTF-8; GitHub rejects more than 65,536 characters."""
MARK: Final = "<!-- auditor-preview -->"
"""The first line, which `policy-preview.yml` searches for to update its comment."""
_ROWS: Final = 20
"""Findings per tenant and kind that are listed."""
_MAX_TEXT: Final = 200
"""Maximum characters of a title or another text."""
INCOMPLETE: Final = N_("Incomplete: not everything could be evaluated, so the change may do more than is shown here.")


def render(preview: Preview, *, locale: str) -> Iterable[bytes]:
    """Render the comment; it is truncated between two blocks if it would exceed LIMIT, with a note at the end."""
    l10n = Labels(locale)
    note = f"\n_{l10n.gettext('The comment is truncated; see preview.json for the full text.')}_\n".encode()
    body = bytearray()
    for text in _blocks(preview, l10n):
        block = f"{text}\n".encode("utf-8", "replace")
        if len(body) + len(block) + len(note) > LIMIT:
            body += note
            break
        body += block
    return (bytes(body),)


def headline(preview: Preview, l10n: Labels) -> str:
    """Return a summary of the change in one line of plain text."""
    counts = total_count(preview)
    if counts.empty:
        return l10n.gettext("This policy change does not add, remove or change any finding")
    return l10n.gettext("Findings after this policy change: {counts}", counts=counts_text(counts, l10n))


def counts_text(counts: DifferenceCount, l10n: Labels) -> str:
    """Return the numbers of differences in words."""
    numbers = {"added": counts.added, "removed": counts.removed, "changed": counts.changed}
    if counts.unconfirmed:
        numbers["unconfirmed"] = counts.unconfirmed
    return l10n.joined(difference_text(kind, count, l10n) for kind, count in numbers.items())


def worsened(preview: Preview, l10n: Labels) -> str:
    """Return how many open findings of each severity a reviewer has to accept, in words; empty if there are none."""
    counts = Counter(worsened_severities(preview))
    listed = l10n.joined(
        f"{l10n.number(counts[severity])} {l10n.severity_name(severity, counts[severity])}"
        for severity in Severity
        if counts[severity]
    )
    return listed and l10n.gettext("New, more severe or no longer waived: {counts}", counts=listed)


_DIFFERENCE_TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "added": NN_("{count} added", "{count} added"),
    "removed": NN_("{count} removed", "{count} removed"),
    "changed": NN_("{count} changed", "{count} changed"),
    "unconfirmed": NN_("{count} unconfirmed", "{count} unconfirmed"),
}


def difference_text(kind: str, count: int, l10n: Labels) -> str:
    """Return how many findings are `added`, `removed`, `changed` or `unconfirmed`."""
    return l10n.plural(*_DIFFERENCE_TEXTS[kind], count)


def sums(counts: DifferenceCount, l10n: Labels) -> str:
    """Return the increase and decrease of the monthly cost of open findings, by currency; empty without prices."""
    return "; ".join(_sum(change, l10n) for change in counts.money)


def _sum(change: MoneyChange, l10n: Labels) -> str:
    signed = (("+", change.more_per_month), ("−", change.less_per_month))
    amounts = [f"{sign}{l10n.money(amount, change.currency)}" for sign, amount in signed if amount]
    return " ".join(amounts) or l10n.money(Decimal(0), change.currency)


def state(policy: PolicyChange, l10n: Labels) -> str:
    """Return how a policy changed, in words."""
    if policy.before is None or policy.after is None:
        return l10n.gettext("new policy") if policy.before is None else l10n.gettext("policy removed")
    if policy.before is not policy.after:
        return f"{l10n.gettext(SEVERITIES[policy.before])} → {l10n.gettext(SEVERITIES[policy.after])}"
    return l10n.gettext("edited") if policy.edited else l10n.gettext("unchanged")


def side_label(side: Side) -> str:
    """Return the name of a side, followed by the commit if it is a Git ref."""
    return side.name if side.commit is None else f"{side.name} ({side.commit[:12]})"


def unevaluated_lines(preview: Preview, l10n: Labels) -> list[tuple[UnevaluatedGroup, str, str]]:
    """Return the policies that could not be evaluated, each with its tenants (empty for the fleet) and the reason."""
    titles = {difference.name: difference.title for difference in preview.tenants}
    return [
        (
            group,
            l10n.translate(tenant_list([titles[name] for name in group.tenants])),
            l10n.translate(first_reasons(group.reason)),
        )
        for group in unevaluated_groups(preview.unknown)
    ]


def sides_label(group: UnevaluatedGroup, l10n: Labels) -> str:
    """Return a label for the sides of the policies: `base`, `head` or both."""
    if group.sides == ("base", "head"):
        return l10n.gettext("before and after the change")
    return l10n.gettext("before the change") if group.sides == ("base",) else l10n.gettext("after the change")


def finding_line(finding: Finding, names: Mapping[str, str], l10n: Labels) -> str:
    """Return a finding in one line of plain text, with the name of its product unless that is the subject.

    `names` are those of the products and product sets, as `names_of` returns them.
    """
    product = named_product(finding, names)
    check = l10n.check(finding.check)
    level = l10n.gettext(SEVERITIES[finding.severity])
    named = filter(None, dict.fromkeys((finding.subject.name, product)))
    return " · ".join((finding.policy, f"{check} ({level}, {_status(finding, l10n)})", *named))


def names_of(difference: Difference, l10n: Labels) -> Mapping[str, str]:
    """Return the names of the products and product sets of a tenant, for `finding_line`."""
    return {**difference.names, **set_names(difference.sets, l10n)}


def change_line(pair: ChangedFinding, names: Mapping[str, str], l10n: Labels) -> str:
    """Return a changed finding in one line of plain text, with the differences."""
    before, after = pair.before, pair.after
    none = l10n.gettext("none")
    parts = [
        (l10n.gettext("Severity"), *(l10n.gettext(SEVERITIES[finding.severity]) for finding in (before, after))),
        (l10n.gettext("Status"), *(_status(finding, l10n) for finding in (before, after))),
        (l10n.gettext("Waiver"), before.waiver or none, after.waiver or none),
        (l10n.gettext("Per month"), *(l10n.amount(finding.money) or none for finding in (before, after))),
        ("", *(text or none for text in evidence_change(before, after, l10n))),
    ]
    differences = "; ".join(f"{name} {old} → {new}".lstrip() for name, old, new in parts if old != new)
    return f"{finding_line(after, names, l10n)}: {differences or l10n.gettext('its evidence or cost changed')}"


def _status(finding: Finding, l10n: Labels) -> str:
    return l10n.gettext(finding.status)


def _blocks(preview: Preview, l10n: Labels) -> Iterator[str]:
    counts = total_count(preview)
    yield MARK
    yield f"### {headline(preview, l10n)}"
    yield ""
    as_of = l10n.gettext("state as of {instant}", instant=escaped_markdown(l10n.instant(preview.as_of)))
    yield f"{_short(side_label(preview.base))} → {_short(side_label(preview.head))}, {as_of}"
    yield ""
    if worse := worsened(preview, l10n):
        yield f"**{escaped_markdown(worse)}**"
        yield ""
    if counts.money:
        yield f"{l10n.gettext('Monthly cost of open findings:')} **{escaped_markdown(sums(counts, l10n))}**"
        yield ""
    yield from _unknown(preview, l10n)
    counted_policies, counted_departments, priced = counted_rows(preview)
    columns = columns_of(l10n, priced=priced)
    yield from markdown_table(
        (l10n.gettext("Policy"), l10n.gettext("Change"), *columns),
        [
            (
                f"**{_short(policy.id)}** {_short(l10n.policy(policy.title))}",
                state(policy, l10n),
                *map(escaped_markdown, cells_of(policy_counts, l10n, priced=priced)),
            )
            for policy, policy_counts in counted_policies
        ],
        right=range(2, 2 + len(columns)),
    )
    none = f"_{l10n.gettext('none')}_"
    yield from markdown_table(
        (l10n.gettext("Department"), *columns),
        [
            (
                none if name is None else _short(name),
                *map(escaped_markdown, cells_of(department_counts, l10n, priced=priced)),
            )
            for name, department_counts in counted_departments
        ],
        right=range(1, 1 + len(columns)),
    )
    for difference in preview.everywhere:
        yield from _tenant(difference, l10n)


def counted_rows(
    preview: Preview,
) -> tuple[Sequence[tuple[PolicyChange, DifferenceCount]], Sequence[tuple[str | None, DifferenceCount]], bool]:
    """Return the policies and the departments with their counts, and whether any of them has an amount."""
    policies, departments = by_policy(preview), by_department(preview)
    return policies, departments, any(counts.money for _, counts in (*policies, *departments))


def columns_of(l10n: Labels, *, priced: bool) -> tuple[str, ...]:
    """Return the titles of the columns with counts, and of the money if findings have prices."""
    counts = (l10n.gettext("Added"), l10n.gettext("Removed"), l10n.gettext("Changed"))
    return (*counts, l10n.gettext("Per month")) if priced else counts


def cells_of(counts: DifferenceCount, l10n: Labels, *, priced: bool) -> tuple[str, ...]:
    """Return the counts and the money in plain text, in the order of `columns_of`."""
    numbers = (l10n.number(count) for count in (counts.added, counts.removed, counts.changed))
    return (*numbers, sums(counts, l10n)) if priced else tuple(numbers)


def _unknown(preview: Preview, l10n: Labels) -> Iterator[str]:
    if preview.complete:
        return
    yield f"⚠️ **{l10n.gettext(INCOMPLETE)}**"
    yield ""
    lines = unevaluated_lines(preview, l10n)
    for group, tenants, reason in lines[:_ROWS]:
        where = l10n.joined(filter(None, (sides_label(group, l10n), _short(tenants))))
        yield f"- **{_short(group.policy)}** ({where}): {_short(reason)}"
    if len(lines) > _ROWS:
        yield f"- {more(len(lines) - _ROWS, l10n)}"
    yield ""


def more(count: int, l10n: Labels) -> str:
    """Return the number of further items, and where to find them."""
    return l10n.more(count, file="preview.json")


def _tenant(difference: Difference, l10n: Labels) -> Iterator[str]:
    for kind, rows in kinds(difference, l10n):
        if not rows:
            continue
        lines = [f"- {_short(row, 2 * _MAX_TEXT)}" for row in rows[:_ROWS]]
        lines += [f"- {more(len(rows) - _ROWS, l10n)}"] if len(rows) > _ROWS else []
        name = _short(difference.title or l10n.gettext("Policies across tenants"))
        title = f"{name}: {difference_text(kind, len(rows), l10n)}"
        # One block, so that truncation never leaves an element open.
        yield "\n".join([f"<details><summary>{title}</summary>", "", *lines, "", "</details>", ""])


def kinds(difference: Difference, l10n: Labels) -> tuple[tuple[str, list[str]], ...]:
    """Return the differences of a tenant by kind, one line per finding."""
    names = names_of(difference, l10n)
    return (
        ("added", [finding_line(finding, names, l10n) for finding in difference.added]),
        ("removed", [finding_line(finding, names, l10n) for finding in difference.removed]),
        ("changed", [change_line(pair, names, l10n) for pair in difference.changed]),
        ("unconfirmed", [finding_line(finding, names, l10n) for finding in difference.unconfirmed]),
    )


def _short(text: str, limit: int = _MAX_TEXT) -> str:
    return escaped_markdown(text if len(text) <= limit else f"{text[: limit - 1]}…")
