"""A FleetPlan into Markdown for the people who review and run it; every name of a tenant is escaped."""

import re
from collections.abc import Iterator, Mapping
from datetime import date

from auditor.checks.registry import check_of
from auditor.domain.actions.priority import FIRST
from auditor.domain.errors import printable
from auditor.domain.result import Action, Finding
from auditor.remedy.currency import money_label
from auditor.remedy.dates import said
from auditor.remedy.messages import ENGLISH, Words
from auditor.remedy.planner.model import Figures, FleetPlan, TenantPlan
from auditor.remedy.planner.question_text import effect, notice_text, sentence, stub
from auditor.remedy.requests import script

_MARKUP = re.compile(r"([\\`*\[\]<>|~&]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")


def plan_markdown(plan: FleetPlan, *, words: Words = ENGLISH) -> str:
    """Return the plan as one Markdown document."""
    lines = [f"# {words.gettext('Remediation plan')}", ""]
    for tenant in plan.tenants:
        lines.extend(_tenant(tenant, words, plan.as_of))
    if plan.fleet.remaining:
        lines += [f"## {words.gettext('All tenants together')}", ""]
        lines += [f"- {escaped(item.why)}" for item in plan.fleet.remaining]
    days = [date.fromisoformat(each.checked) for tenant in plan.tenants for each in tenant.actions if each.checked]
    if days:
        lines += ["", f"{words.gettext('Guidance as of')} {said(words, min(days))}"]
    return "\n".join(lines).rstrip() + "\n"


def summary(tenant: TenantPlan, words: Words) -> tuple[str, ...]:
    """Return what the plan of a tenant comes to, one sentence a line."""
    proof, requests = tenant.proof, sum(len(action.requests) for action in tenant.actions)
    told = [
        words.gettext(
            "{tenant}: open findings: {open}; requests: {requests}; fixed: {fixed}; remaining: {left}; new: {new}."
        ).format(
            tenant=tenant.name,
            open=tenant.before.open,
            requests=requests,
            fixed=len(proof.fixed),
            left=len(proof.remaining),
            new=len(proof.new),
        )
    ]
    told.extend(_money(figures, words) for figures in tenant.before.money)
    if not tenant.complete:
        told.append(
            words.gettext("The snapshot is incomplete; the plan leaves out: {what}.").format(
                what="; ".join(tenant.omitted)
            )
        )
    if not tenant.solver.optimal:
        told.append(
            words.gettext("A better choice may exist: not every other way was tried for what is left out.")
            if tenant.dropped
            else words.gettext("A better choice may exist: too many seats compete for an exact answer without scipy.")
        )
    if tenant.solver.unpriced:
        told.append(words.gettext("Products without a price were taken to cost as much as the dearest."))
    return tuple(told)


def first_by_rank(tenant: TenantPlan) -> tuple[tuple[int, Action], ...]:
    """Return the few most important actions, each with its number in the order in which they are carried out."""
    chosen = [item for item in enumerate(tenant.actions, start=1) if item[1].rank <= FIRST]
    return tuple(sorted(chosen, key=lambda item: item[1].rank))


def plain(text: str) -> str:
    """Return a text for one line; the spaces that languages write in amounts are ordinary ones there."""
    return printable(text.replace("\u00a0", " ").replace("\u202f", " "))


def escaped(text: str) -> str:
    """Return a text that Markdown shows as it is, on one line."""
    return _MARKUP.sub(r"\\\1", plain(text))


def _money(figures: Figures, words: Words) -> str:
    form = words.gettext("A month: {exposure} exposed, {now} free to reuse now, {renewal} to give back at the renewal.")
    told = form.format(
        exposure=money_label(figures.exposure, figures.currency, words),
        now=money_label(figures.reassignable_now, figures.currency, words),
        renewal=money_label(figures.reducible_at_renewal, figures.currency, words),
    )
    return (
        words.gettext("{statement} At the least: some prices are not known.").format(statement=told)
        if figures.lower_bound
        else told
    )


def _tenant(tenant: TenantPlan, words: Words, as_of: str) -> Iterator[str]:
    findings = {finding.fingerprint: finding for finding in tenant.findings}
    yield f"## {escaped(tenant.display_name or tenant.name)}"
    yield ""
    yield from (escaped(line) + "  " for line in summary(tenant, words))
    yield ""
    yield from _first(tenant, words)
    for number, action in enumerate(tenant.actions, start=1):
        yield from _action(number, action, findings, tenant, words)
    yield from _questions(tenant, words, as_of)
    if tenant.dropped:
        yield f"### {words.gettext('Left out')}"
        yield ""
        yield from (f"- {escaped(item.subject)}: {escaped(item.why)}" for item in tenant.dropped)
        yield ""
    if tenant.proof.remaining:
        yield f"### {words.gettext('What remains, and why')}"
        yield ""
        for item in tenant.proof.remaining:
            yield f"- {_finding(findings[item.fingerprint], words)}: {escaped(item.why)}"
        yield ""


def _questions(tenant: TenantPlan, words: Words, as_of: str) -> Iterator[str]:
    if tenant.notices:
        yield f"### {words.gettext('Decisions')}"
        yield ""
        yield from (f"- {escaped(notice_text(notice, words))}" for notice in tenant.notices)
        yield ""
    if not tenant.open_questions:
        return
    yield f"### {words.gettext('Open questions')}"
    yield ""
    yield words.gettext("Copy an answer to decisions.yaml beside the policies, and make the plan again.")
    yield ""
    for question in tenant.open_questions:
        yield f"- {escaped(sentence(question, words))} {escaped(effect(question, words))}"
        yield ""
        text = stub(question, as_of)
        fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
        yield from (f"  {line}" for line in (f"{fence}yaml", *text.splitlines(), fence))
        yield ""


def _first(tenant: TenantPlan, words: Words) -> Iterator[str]:
    first = first_by_rank(tenant)
    if not first:
        return
    yield f"### {words.gettext('What matters most')}"
    yield ""
    for number, action in first:
        told = words.gettext("Action {number}").format(number=number)
        yield f"- {escaped(told)}: **{escaped(action.title)}**. {escaped(action.why)}"
    yield ""
    yield words.gettext(
        "The actions below stand in the order in which nothing breaks: seats are freed before any are bought."
    )
    yield ""


def _finding(finding: Finding, words: Words) -> str:
    return ", ".join(escaped(part) for part in facts(finding, words))


def facts(finding: Finding, words: Words) -> tuple[str, ...]:
    """Return what a finding is, in few words: whose, what, of which product."""
    product = finding.product.sku_part_number if finding.product is not None else None
    parts = (finding.subject.name, words.gettext(check_of(finding.check).name), product, finding.detail)
    return tuple(part for part in parts if part)


def named(finding: Finding) -> str:
    """Return by which name a person finds the subject: somebody's sign-in name stands beside the display name."""
    principal = finding.evidence.get("userPrincipalName")
    return f"{finding.subject.name} ({principal})" if principal else finding.subject.name


def _action(
    number: int, action: Action, findings: Mapping[str, Finding], tenant: TenantPlan, words: Words
) -> Iterator[str]:
    yield f"### {number}. {escaped(action.title)}"
    yield ""
    yield f"{words.gettext('Role')}: {escaped(action.role)}  "
    if action.decided_by:
        yield f"{words.gettext('To be decided by')}: {escaped(action.decided_by)}  "
    who = dict.fromkeys(named(findings[mark]) for mark in action.findings if mark in findings)
    yield f"{words.gettext('Concerns')}: {', '.join(map(escaped, who))}"
    yield ""
    for heading, texts in (
        (words.gettext("Before you begin"), action.prerequisites),
        (words.gettext("Warnings"), action.warnings),
    ):
        if texts:
            yield f"**{heading}**"
            yield ""
            yield from (f"- {text}" for text in texts)
            yield ""
    for place, step in enumerate(action.steps, start=1):
        mark = f" **{words.gettext('This step cannot be undone.')}**" if place in action.irreversible else ""
        yield f"{place}. {step}{mark}"
    yield ""
    if action.requests:
        yield from _requests(action, tenant, words)
    if action.next:
        yield f"**{words.gettext('Then')}**"
        yield ""
        yield from (f"- {text}" for text in action.next)
        yield ""
    if action.links:
        yield from (f"- [{escaped(link.label)}]({link.address})" for link in action.links)
        yield ""


def _requests(action: Action, tenant: TenantPlan, words: Words) -> Iterator[str]:
    yield words.gettext("Microsoft Graph PowerShell, to review and run:")
    yield ""
    lines = script(tuple(action.requests), tenant_id=tenant.tenant_id, cloud=tenant.cloud)
    fence = "`" * max(3, 1 + max((len(run) for line in lines for run in re.findall("`+", line)), default=0))
    yield f"{fence}powershell"
    yield from map(printable, lines)
    yield fence
    yield ""
