"""Renders a FleetPlan as Markdown for the people who review and run it; names from a tenant are escaped."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date

from auditor.domain.actions.action import Action
from auditor.domain.actions.priority import Subject, most_important, product_concerned
from auditor.domain.errors import printable, printable_line
from auditor.domain.policy.decision import Question
from auditor.domain.translation import Localizer
from auditor.guidance.parts import GuidanceParts
from auditor.remedy.messages import ENGLISH
from auditor.remedy.planner.model import Figures, FleetPlan, TenantPlan
from auditor.remedy.planner.reach import Location
from auditor.render.plan.outline import OutlineEntry, fixed_by_requests
from auditor.render.plan.outline_text import (
    action_subjects,
    effect_texts,
    facts,
    heading,
    plan_parts,
    script,
    subject_labels,
)
from auditor.render.plan.question_text import effect, notice_text, sentence, stub

_MARKUP = re.compile(r"([\\`*\[\]<>|~&]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")


def plan_markdown(plan: FleetPlan, *, l10n: Localizer = ENGLISH) -> str:
    """Return the plan as one Markdown document."""
    lines = [f"# {l10n.gettext('Remediation plan')}", ""]
    for number, tenant in enumerate(plan.tenants, start=1):
        lines.extend(_tenant(tenant, l10n, plan.as_of, f"t{number}"))
    if plan.fleet.remaining:
        lines += [f"## {l10n.gettext('Policies across tenants')}", ""]
        lines += [f"- {escaped(item.why)}" for item in plan.fleet.remaining]
    actions = (action for tenant in plan.tenants for action in tenant.actions)
    days = [date.fromisoformat(action.checked) for action in actions if action.checked]
    if days:
        lines += ["", f"{l10n.gettext('Guidance as of')} {l10n.day(min(days))}"]
    return "\n".join(lines).rstrip() + "\n"


def summary(tenant: TenantPlan, l10n: Localizer, *, money: bool = True) -> tuple[str, ...]:
    """Return the summary of a tenant's plan, as paragraphs; of a tenant without a plan only why it has none."""
    if tenant.failure is not None:
        form = l10n.gettext("{tenant} could not be audited: {reason}")
        return (form.format(tenant=tenant.title, reason=tenant.failure),)
    paragraphs = [" ".join(_effect(tenant, l10n))]
    if sum(row.open > 0 for row in tenant.reach) > 1:
        paragraphs.append(_reach(tenant, l10n))
    paragraphs.extend(_money(figures, tenant.released_seats, l10n) for figures in tenant.before.money if money)
    if not tenant.complete:
        paragraphs.append(
            l10n.gettext("The snapshot is incomplete; the plan leaves out: {what}.").format(
                what="; ".join(tenant.omitted)
            )
        )
    if not tenant.solver.optimal:
        paragraphs.append(
            l10n.gettext("A better plan may exist: not every alternative was tried for the changes that are left out.")
        )
    if tenant.solver.unpriced and tenant.before.money:  # without a price list, the plan compares no costs
        paragraphs.append(
            l10n.gettext("Products without a price are assumed to cost as much as the most expensive one.")
        )
    return tuple(paragraphs)


def _effect(tenant: TenantPlan, l10n: Localizer) -> Iterator[str]:
    """Yield sentences about the open findings, about those that the requests fix, and about new ones."""
    proof, requests = tenant.proof, sum(len(action.requests) for action in tenant.actions)
    by_requests = len(fixed_by_requests(tenant))
    open_ = tenant.before.open or 0
    yield l10n.ngettext("{tenant} has {count} open finding.", "{tenant} has {count} open findings.", open_).format(
        tenant=tenant.title, count=open_
    )
    if decided := len(proof.fixed) - by_requests:
        yield l10n.ngettext(
            "Decided purchases and renewals fix {count} of them.",
            "Decided purchases and renewals fix {count} of them.",
            decided,
        ).format(count=decided)
    if requests:
        yield l10n.ngettext(
            "{count} request fixes {fixed} of them; {left} remain.",
            "{count} requests fix {fixed} of them; {left} remain.",
            requests,
        ).format(count=requests, fixed=by_requests, left=len(proof.remaining))
    elif open_:
        yield l10n.gettext("The plan has no requests.")
    if proof.new:
        count = len(proof.new)
        yield l10n.ngettext("{count} new finding appears.", "{count} new findings appear.", count).format(count=count)


def _reach(tenant: TenantPlan, l10n: Localizer) -> str:
    labels = {
        Location.GRAPH: l10n.gettext("{fixed} of {open} that requests can fix"),
        Location.PREMISES: l10n.gettext("{fixed} of {open} that must be fixed in the on-premises directory"),
        Location.PURCHASE: l10n.gettext("{fixed} of {open} about purchases or contracts"),
    }
    rows = {row.location: row for row in tenant.reach if row.open}
    parts = [
        label.format(fixed=rows[location].fixed, open=rows[location].open)
        for location, label in labels.items()
        if location in rows
    ]
    return l10n.gettext("Findings fixed: {parts}.").format(parts=", ".join(parts))


def by_rank(tenant: TenantPlan) -> list[tuple[int, Action]]:
    """Return the actions, the most important first, with their numbers in the order of execution."""
    return sorted(enumerate(tenant.actions, start=1), key=lambda item: item[1].rank)


def first_by_rank(tenant: TenantPlan) -> tuple[tuple[int, Action], ...]:
    """Return the most important actions with their numbers; of several about one product, only the first."""
    actions = by_rank(tenant)
    subjects = (Subject(tenant.name, product_concerned(action), None) for _, action in actions)
    return tuple(actions[index] for index in most_important(subjects))


def due_text(action: Action, l10n: Localizer) -> str:
    """Return the date by which to decide about an action; empty if no date is known."""
    if action.due is None:
        return ""
    return l10n.gettext("decide by {date}").format(date=l10n.day(action.due))


def escaped(text: str) -> str:
    """Return a text on one line, with Markdown markup escaped."""
    return _MARKUP.sub(r"\\\1", printable_line(text))


def _money(figures: Figures, freed: int, l10n: Localizer) -> str:
    """Return the amounts of a plan; `freed` is the number of seats that are freed and not assigned again."""
    form = l10n.ngettext(
        "Open findings: {exposure} a month. The requests free {count} seat that they do not assign again ({now} a "
        "month). Freed and spare seats that cost {renewal} a month can be removed at the renewal.",
        "Open findings: {exposure} a month. The requests free {count} seats that they do not assign again ({now} a "
        "month). Freed and spare seats that cost {renewal} a month can be removed at the renewal.",
        freed,
    )
    text = form.format(
        exposure=l10n.money(figures.exposure, figures.currency),
        count=l10n.number(freed),
        now=l10n.money(figures.reassignable_now, figures.currency),
        renewal=l10n.money(figures.reducible_at_renewal, figures.currency),
    )
    return (
        l10n.gettext("{statement} This is a minimum: some prices are not known.").format(statement=text)
        if figures.lower_bound
        else text
    )


def _tenant(tenant: TenantPlan, l10n: Localizer, as_of: str, anchor: str) -> Iterator[str]:
    labels, parts = subject_labels(tenant.findings), tuple(plan_parts(tenant, l10n))
    yield from _paragraph(f"## {escaped(tenant.title)}")
    yield from _paragraph(*(escaped(line) + "  " for line in summary(tenant, l10n)))
    yield from _paragraph(
        *(
            f"{part.number}. [{escaped(part.title)}](#{anchor}-{part.key}): {escaped(', '.join(part.effects))}"
            for part in parts
        )
    )
    yield from _most_important(tenant, l10n, anchor)
    if tenant.notices:
        notices = (f"- {escaped(notice_text(notice, l10n))}" for notice in tenant.notices)
        yield from _paragraph(f"### {l10n.gettext('Decisions')}", "", *notices)
    guidance_parts = GuidanceParts()
    for part in parts:
        yield from _paragraph(f'<a id="{anchor}-{part.key}"></a>')
        yield from _paragraph(f"### {part.number}. {escaped(part.title)}", "", escaped(part.note))
        for entry in part.entries:
            yield from _entry(entry, part.key, tenant, l10n, as_of, anchor, labels, guidance_parts)
        if part.questions:
            yield from _paragraph(f"#### {l10n.gettext('Other questions')}")
            yield from _questions(part.questions, tenant, l10n, as_of, labels)
    yield from _remaining(tenant, l10n, labels)


def _paragraph(*lines: str) -> tuple[str, ...]:
    """Return lines followed by a blank one."""
    return (*lines, "")


def _fenced(language: str, lines: Sequence[str]) -> tuple[str, ...]:
    """Return a code block with a fence that is longer than every run of backticks in it."""
    fence = "`" * max(3, 1 + max((len(run) for line in lines for run in re.findall("`+", line)), default=0))
    return (f"{fence}{language}", *lines, fence)


def _remaining(tenant: TenantPlan, l10n: Localizer, labels: Mapping[str, str]) -> Iterator[str]:
    findings = {finding.fingerprint: finding for finding in tenant.findings}
    if tenant.dropped:
        yield from _paragraph(f"### {l10n.gettext('Left out')}")
        for dropped in tenant.dropped:
            name = labels.get(dropped.subject) or tenant.names.get(dropped.subject, dropped.subject)
            yield f"- {escaped(name)}: {escaped(dropped.why)}"
        yield ""
    if tenant.proof.remaining:
        yield from _paragraph(f"### {l10n.gettext('What remains, and why')}")
        for item in tenant.proof.remaining:
            text = ", ".join(facts(findings[item.fingerprint], l10n, labels, tenant.names))
            yield f"- {escaped(text)}: {escaped(item.why)}"
        yield ""


def _questions(
    questions: Iterable[Question], tenant: TenantPlan, l10n: Localizer, as_of: str, labels: Mapping[str, str]
) -> Iterator[str]:
    for question in questions:
        label = labels.get(question.subject)
        names = {**tenant.names, question.subject: label} if label else tenant.names
        yield from _paragraph(f"- {escaped(sentence(question, l10n, names))} {escaped(effect(question, l10n))}")
        answers = _fenced("yaml", stub(question, as_of, tenant.names, l10n).splitlines())
        yield from _paragraph(*(f"  {line}" for line in answers))


def _most_important(tenant: TenantPlan, l10n: Localizer, anchor: str) -> Iterator[str]:
    actions = first_by_rank(tenant)
    if not actions:
        return
    yield from _paragraph(f"### {l10n.gettext('What matters most')}")
    for number, action in actions:
        text = l10n.gettext("Action {number}").format(number=number)
        yield f"- [{escaped(text)}](#{anchor}-{number}): **{escaped(action.title)}**. {escaped(action.why)}"
    yield ""


def _entry(  # noqa: PLR0913, PLR0917 - the inputs for the text of an action
    entry: OutlineEntry,
    part: str,
    tenant: TenantPlan,
    l10n: Localizer,
    as_of: str,
    anchor: str,
    labels: Mapping[str, str],
    guidance_parts: GuidanceParts,
) -> Iterator[str]:
    """Yield an action with its people, effect, questions, requests and guidance, in this order."""
    action, link_target = entry.action, f"{anchor}-{entry.number}"
    is_reference = bool(action.requests) and part == "decide"
    if not is_reference:
        yield from _paragraph(f'<a id="{link_target}"></a>')
    yield from _paragraph(f"#### {escaped(heading(entry))}")
    people = ", ".join(escaped(name) for name, _ in action_subjects(entry, labels))
    if people:
        yield f"{l10n.gettext('Affects')}: {people}  "
    effects = ", ".join(effect_texts(entry, l10n))
    yield from _paragraph(escaped(f"{effects[:1].upper()}{effects[1:]}."))
    if part == "decide":
        yield from _questions(entry.questions, tenant, l10n, as_of, labels)
    if is_reference:
        yield from _paragraph(f"[{l10n.gettext('What the action does')}](#{link_target})")
        return
    if action.requests:
        lines = script(action.requests, {**tenant.names, **labels}, tenant_id=tenant.tenant_id, cloud=tenant.cloud)
        yield from _paragraph(l10n.gettext("Microsoft Graph PowerShell, to review and run:"))
        yield from _paragraph(*_fenced("powershell", list(map(printable, lines))))
    yield from _guidance(action, (link_target, heading(entry)), l10n, guidance_parts)


def _guidance(
    action: Action, link_target: tuple[str, str], l10n: Localizer, guidance_parts: GuidanceParts
) -> Iterator[str]:
    yield f"{l10n.gettext('Role')}: {escaped(action.role)}  "
    if action.decided_by:
        yield f"{l10n.gettext('To be decided by')}: {escaped(action.decided_by)}  "
    yield ""
    steps = [(text, number in action.irreversible) for number, text in enumerate(action.steps, start=1)]
    for part, title, lines in (
        ("prerequisites", l10n.gettext("Before you begin"), [(text, False) for text in action.prerequisites]),
        ("warnings", l10n.gettext("Warnings"), [(text, False) for text in action.warnings]),
        ("", l10n.gettext("Steps"), steps),
        ("next", l10n.gettext("Then"), [(text, False) for text in action.next]),
    ):
        guidance_part = guidance_parts.add(part, lines, link_target)
        if not lines:
            continue
        yield from _paragraph(f"**{title}**")
        if guidance_part.like is not None:
            yield f"- {l10n.gettext('The same as for:')} [{escaped(guidance_part.like[1])}](#{guidance_part.like[0]})"
        for number, (text, irreversible) in enumerate(guidance_part.lines, start=1):
            note = f" **{l10n.gettext('This step cannot be undone.')}**" if irreversible else ""
            yield f"{'-' if part else f'{number}.'} {text}{note}"
        yield ""
    if action.links:
        yield from _paragraph(*(f"- [{escaped(link.label)}]({link.address})" for link in action.links))
