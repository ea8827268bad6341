"""Renders a plan as Markdown for the people who review and run it; names from a tenant are escaped."""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

from auditor.domain.actions.action import Action
from auditor.domain.errors import printable, printable_line
from auditor.domain.translation import N_, capitalized
from auditor.guidance.parts import HEADINGS, SharedGuidance
from auditor.localization import Localization
from auditor.remedy.planner.model import FleetPlan
from auditor.render.plan.page import plan_view
from auditor.render.plan.view import ActionView, FirstAction, GuideView, PlanView, QuestionGroup, TenantRow, TenantView
from auditor.render.text.guidance import MARKUP
from auditor.render.text.markdown_table import markdown_table

_MARKUP = re.compile(
    r"(?i)([\\`*\[\]<|~]|(?<!\S )>|>(?! )|&(?=[#a-z])|(?<![a-z0-9])_|_(?![a-z0-9])|:(?=//)|(?<=www)\.|\A[-+#=])"
)
"""Characters of markup, and those by which GitHub recognizes bare addresses.

Signs between spaces, as in `Billing > Licenses`, are kept, so that the source stays readable.
"""
_COLUMNS: Final = (
    N_("Tenant"),
    N_("Open findings"),
    N_("Actions"),
    N_("Requests"),
    N_("Seats freed"),
    N_("Open questions"),
    N_("Per month"),
    N_("Removable at renewal"),
)
"""The columns of the table of tenants; the last two have amounts of money."""


def plan_markdown(plan: FleetPlan, *, l10n: Localization, tenant_page: str = "") -> bytes:
    """Return a plan that was created in the language of `l10n` as one document; `tenant_page` is as for `plan_view`."""
    text = "\n".join(_document(plan_view(plan, l10n, tenant_page), l10n)).rstrip() + "\n"
    return text.encode("utf-8", "replace")


def escaped(text: str) -> str:
    """Return a text on one line, with Markdown markup escaped; addresses in it do not become links."""
    return _MARKUP.sub(r"\\\1", printable_line(text))


def _document(plan: PlanView, l10n: Localization) -> Iterator[str]:
    yield from _paragraph(f"# {l10n.gettext('Remediation plan')}")
    yield from _paragraph(*(f"{text}  " for text in _state(plan, l10n)))
    yield from _paragraph(*(f"- {escaped(text)}" for text in plan.missing))
    yield from _first_actions("##", plan.first, l10n)
    if plan.rows:
        yield from _paragraph(f"## {l10n.gettext('Tenants')}")
        yield from _tenant_table(plan.rows, l10n)
    for tenant in plan.tenants:
        yield from _tenant(tenant, l10n)
    yield from _list(f"## {l10n.gettext('Policies across tenants')}", plan.fleet)
    if plan.checked is not None:
        yield f"{l10n.gettext('Guidance as of')} {l10n.day(plan.checked)}"


def _state(plan: PlanView, l10n: Localization) -> Iterator[str]:
    if plan.proven:
        yield l10n.gettext(
            "The plan was applied to a copy of the snapshot and audited again: there are no new findings."
        )
    elif plan.proven is not None:
        yield l10n.gettext("The plan was applied to a copy of the snapshot and audited again: the proof failed.")
    if not plan.complete:
        yield l10n.gettext("Incomplete: some of the data below is not known.")
    yield l10n.gettext("The auditor only reads: every request is for an administrator to review and run.")


def _first_actions(level: str, actions: Sequence[FirstAction], l10n: Localization) -> Iterator[str]:
    if not actions:
        return
    yield from _paragraph(f"{level} {l10n.gettext('What to do first')}")
    for first in actions:
        elsewhere = f", {escaped(first.elsewhere)}" if first.elsewhere else ""
        reasons = (f" · {escaped(text)}" for text in first.reasons)
        yield f"- [{escaped(first.place)}]({first.href}){elsewhere}: **{escaped(first.title)}**{''.join(reasons)}"
    yield ""


def _tenant_table(rows: Sequence[TenantRow], l10n: Localization) -> Iterator[str]:
    columns = [l10n.gettext(name) for name in (_COLUMNS if rows[-1].money else _COLUMNS[:-2])]
    cells = (_cells(row, len(columns), l10n) for row in rows)
    yield from markdown_table(columns, cells, right=range(1, len(columns)))
    if rows[-1].lower_bound:
        yield from _paragraph(l10n.gettext("This is a minimum: some products have no price in the policies."))


def _cells(row: TenantRow, count: int, l10n: Localization) -> Sequence[str]:
    title = f"[{escaped(row.title)}]({row.href})" if row.href else escaped(row.title)
    if row.failed:
        return title, l10n.gettext("not audited"), *[""] * (count - 2)
    states = [] if row.proven else [l10n.gettext("the proof failed")]
    states += [] if row.complete else [l10n.gettext("incomplete")]
    change = f"{l10n.number(row.open_before)} → {l10n.number(row.open_after)}"
    numbers = map(l10n.number, (row.actions, row.requests, row.freed, row.questions))
    return (title, " · ".join([change, *states]), *numbers, row.money, row.renewal)[:count]


def _money(tenant: TenantView, l10n: Localization) -> Iterator[str]:
    if not tenant.costs:
        return
    titles = l10n.gettext("Monthly cost"), l10n.gettext("Before"), l10n.gettext("After")
    costs = (tuple(map(escaped, (row.label, row.before, row.after))) for row in tenant.costs)
    yield from markdown_table(titles, costs, right=(1, 2))
    values = (tuple(map(escaped, (row.label, row.amount))) for row in tenant.seat_values)
    yield from markdown_table((l10n.gettext("What the plan is worth"), l10n.gettext("Per month")), values, right=(1,))
    if tenant.value_note:
        yield from _paragraph(escaped(tenant.value_note))


def _tenant(tenant: TenantView, l10n: Localization) -> Iterator[str]:
    yield from _paragraph(f'<a id="{tenant.anchor}"></a>')
    yield from _paragraph(f"## {escaped(tenant.title)}")
    yield from _paragraph(*(f"{escaped(line)}  " for line in tenant.summary))
    yield from _money(tenant, l10n)
    contents = [(part.number, part.title, part.anchor, part.effects) for part in tenant.parts]
    if contents:
        contents.append((len(contents) + 1, l10n.gettext("Proof"), f"{tenant.anchor}-proof", (tenant.proof_effect,)))
    yield from _paragraph(
        *(
            f"{number}. [{escaped(title)}](#{anchor}): {escaped(', '.join(effects))}"
            for number, title, anchor, effects in contents
        )
    )
    yield from _first_actions("###", tenant.first, l10n)
    yield from _list(f"### {l10n.gettext('Decisions')}", tenant.notices)
    for part in tenant.parts:
        yield from _paragraph(f'<a id="{part.anchor}"></a>')
        yield from _paragraph(f"### {part.number}. {escaped(part.title)}", "", escaped(part.note))
        for view in part.actions:
            yield from _action(view, l10n)
    if tenant.open_before is not None:
        yield from _proof(tenant, l10n)


def _proof(tenant: TenantView, l10n: Localization) -> Iterator[str]:
    """Yield the audit of the changed copy: the numbers of findings, those that are new, and those that remain."""
    yield from _paragraph(f'<a id="{tenant.anchor}-proof"></a>')
    yield from _paragraph(f"### {len(tenant.parts) + 1}. {l10n.gettext('Proof')}")
    counts = (
        (l10n.gettext("Fixed"), len(tenant.fixed)),
        (l10n.gettext("Remaining"), tenant.remaining_count),
        (l10n.gettext("New"), len(tenant.new)),
    )
    yield from _paragraph(" · ".join(f"{label}: {l10n.number(count)}" for label, count in counts))
    yield from _list(f"#### {l10n.gettext('New findings')}", tenant.new)
    yield from _list(f"#### {l10n.gettext('Not evaluated after the plan')}", tenant.undecided)
    dropped = (f"{name}: {why}" for name, why in tenant.dropped)
    yield from _list(f"#### {l10n.gettext('Left out')}", dropped)
    if tenant.remaining:
        yield from _paragraph(f"#### {l10n.gettext('What remains, and why')}")
    for why, findings in tenant.remaining:
        yield from _list(escaped(why), findings)


def _action(view: ActionView, l10n: Localization) -> Iterator[str]:
    """Yield an action with its policies, people, effect, questions, guidance and requests, in this order."""
    action = view.action
    yield from _paragraph(f'<a id="{view.anchor}"></a>')
    title = l10n.gettext("Other questions") if action is None else f"{view.number}. {action.title}"
    yield from _paragraph(f"#### {escaped(title)}")
    if view.policies:
        yield f"{escaped(view.policies)}  "
    if view.who:
        yield f"{l10n.gettext('Affects')}: {', '.join(escaped(name) for name, _ in view.who)}  "
    if view.effects:
        effects = ", ".join(view.effects)
        yield from _paragraph(escaped(f"{capitalized(effects, l10n.locale)}."))
    for group in view.questions:
        yield from _questions(group)
    if view.elsewhere:
        text = l10n.gettext("What the action does") if view.questions else l10n.gettext("The questions about it")
        yield from _paragraph(f"[{text}](#{view.elsewhere})")
    if view.guide is not None and action is not None:
        yield from _guide(view.guide, action, l10n)


def _questions(group: QuestionGroup) -> Iterator[str]:
    """Yield questions with the same answers, and the answers as items of decisions.yaml."""
    several = len(group.questions) > 1
    for question in group.questions:
        id_ = f" `{question.id}`" if several else ""
        yield f"- {escaped(question.text)} {escaped(question.effect)}{id_}"
    yield ""
    if several:
        yield from _paragraph(f"{group.heading}:")
    answers = ((f"  # {printable_line(answer.label)}", *answer.yaml.splitlines()) for answer in group.answers)
    yield from _paragraph(*_fenced("yaml", [line for lines in answers for line in lines]))


def _guide(guide: GuideView, action: Action, l10n: Localization) -> Iterator[str]:
    """Yield the guidance, whose warnings and steps come before the requests that carry out one of them."""
    people = [f"{l10n.gettext('Who can do it')}: {action.role}"]
    people += [f"{l10n.gettext('To be decided by')}: {action.decided_by}"] if action.decided_by else []
    people += [l10n.gettext("Needs a decision first.")] if action.confidence == "review" else []
    yield from _paragraph(escaped(" · ".join(people)))
    yield from _guidance(guide.guidance, l10n)
    if guide.script:
        yield from _paragraph(f"**{l10n.gettext('To review and run yourself')}**")
        yield from _paragraph(*_fenced("powershell", list(map(printable, guide.script.split("\n")))))
    if action.links:
        links = ", ".join(f"[{escaped(link.label)}]({link.address})" for link in action.links)
        yield from _paragraph(f"{l10n.gettext('Documentation')}: {links}")


def _guidance(guidance: SharedGuidance, l10n: Localization) -> Iterator[str]:
    same = l10n.gettext("The same as for:")
    for (anchor, title), names in guidance.repeated:
        headings = ", ".join(l10n.gettext(HEADINGS[name]) for name in names)
        yield from _paragraph(f"**{headings}**: {same} [{escaped(title)}](#{anchor})")
    for name, part in guidance.parts:
        yield from _paragraph(f"**{l10n.gettext(HEADINGS[name])}**")
        if part.like is not None:
            yield f"- {same} [{escaped(part.like[1])}](#{part.like[0]})"
        for number, (text, irreversible) in enumerate(part.lines, start=1):
            note = f" **{l10n.gettext('This step cannot be undone.')}**" if irreversible else ""
            yield f"{f'{number}.' if name == 'steps' else '-'} {_formatted(text)}{note}"
        yield ""


def _formatted(text: str) -> str:
    """Return guidance with its **bold** and `code`, and all other markup escaped: it can contain names of groups."""
    line = printable_line(text)
    kept = set(chain.from_iterable(map(_marks, MARKUP.finditer(line))))
    return _MARKUP.sub(lambda match: match[0] if match.start() in kept else f"\\{match[0]}", line)


def _marks(match: re.Match[str]) -> Iterable[int]:
    """Return the positions of the asterisks of a bold text, or those of a whole code."""
    first, last = match.span()
    return (first, first + 1, last - 2, last - 1) if match[1] else range(first, last)


def _list(title: str, items: Iterable[str]) -> Iterator[str]:
    """Yield a title and the items below it; nothing without items."""
    lines = [f"- {escaped(item)}" for item in items]
    if lines:
        yield from _paragraph(title, "", *lines)


def _paragraph(*lines: str) -> Sequence[str]:
    """Return lines followed by a blank one; nothing without lines."""
    return (*lines, "") if lines else ()


def _fenced(language: str, lines: Sequence[str]) -> tuple[str, ...]:
    """Return a code block with a fence that is longer than every run of backticks in it."""
    fence = "`" * max(3, 1 + max((len(run) for line in lines for run in re.findall("`+", line)), default=0))
    return (f"{fence}{language}", *lines, fence)
