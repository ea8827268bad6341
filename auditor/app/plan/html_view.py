"""Builds the view model of plan.html, with every text in the reader's language."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from auditor.domain.result import Action, Finding
from auditor.remedy.planner.markdown import facts, first_by_rank, named, summary
from auditor.remedy.planner.model import Figures, FleetPlan, TenantPlan
from auditor.remedy.planner.question_text import effect, sentence, stub
from auditor.remedy.requests import connect
from auditor.render.plan.html import ActionView, MoneyRow, PlanView, TenantView, render, requested
from auditor.wording import Wording


def plan_html(plan: FleetPlan, *, words: Wording) -> bytes:
    """Return the HTML of a plan that was made in the language of `words`; equal plans give equal bytes."""
    return b"".join(render(plan_view(plan, words), locale=words.locale).chunks())


def plan_view(plan: FleetPlan, words: Wording) -> PlanView:
    """Return the view model of a plan."""
    return PlanView(
        as_of=datetime.fromisoformat(plan.as_of),
        complete=plan.complete,
        proven=plan.proven,
        tenants=tuple(
            _tenant(tenant, number, words, plan.as_of) for number, tenant in enumerate(plan.tenants, start=1)
        ),
        fleet=(
            *(item.why for item in plan.fleet.remaining),
            *(words.translate(notice.message) for notice in plan.notices),
        ),
    )


def _tenant(tenant: TenantPlan, number: int, words: Wording, as_of: str) -> TenantView:
    findings = {finding.fingerprint: finding for finding in tenant.findings}
    proof = tenant.proof
    return TenantView(
        anchor=f"t{number}",
        title=tenant.display_name or tenant.name,
        proven=not (proof.new or proof.undecided),
        told=summary(tenant, words),
        open_before=tenant.before.open,
        open_after=tenant.after.open,
        requests=sum(len(action.requests) for action in tenant.actions),
        money=tuple(_money(tenant, words)),
        first=first_by_rank(tenant),
        actions=tuple(_action(action, findings, tenant, words) for action in tenant.actions),
        fixed=tuple(_line(findings[mark], words) for mark in proof.fixed if mark in findings),
        remaining=tuple((_line(findings[item.fingerprint], words), item.why) for item in proof.remaining),
        new=tuple(_line(finding, words) for finding in proof.new),
        undecided=proof.undecided,
        dropped=tuple((item.subject, item.why) for item in tenant.dropped),
        questions=tuple((sentence(q, words), effect(q, words), stub(q, as_of)) for q in tenant.open_questions),
        notices=tuple(words.translate(notice.message) for notice in tenant.notices),
    )


def _line(finding: Finding, words: Wording) -> str:
    return ", ".join(facts(finding, words))


def _action(action: Action, findings: Mapping[str, Finding], tenant: TenantPlan, words: Wording) -> ActionView:
    who = dict.fromkeys(named(findings[mark]) for mark in action.findings if mark in findings)
    money = None if action.money is None else words.money(action.money.per_month, action.money.currency)
    return ActionView(
        action=action,
        who=tuple(who),
        money="" if money is None else words.gettext("{amount} a month").replace("{amount}", money),
        connect=connect(action.requests, tenant_id=tenant.tenant_id, cloud=tenant.cloud) if action.requests else "",
        requests=tuple(requested(request) for request in action.requests),
    )


def _money(tenant: TenantPlan, words: Wording) -> Iterator[MoneyRow]:
    """Yield the three amounts of each currency, before and after the plan."""
    after = {figures.currency: figures for figures in tenant.after.money}
    for before in tenant.before.money:
        then = after.get(before.currency)
        for label, one, other in (
            (words.gettext("in open findings"), before.exposure, None if then is None else then.exposure),
            (
                words.gettext("free to reuse now"),
                before.reassignable_now,
                None if then is None else then.reassignable_now,
            ),
            (
                words.gettext("to give back at the renewal"),
                before.reducible_at_renewal,
                None if then is None else then.reducible_at_renewal,
            ),
        ):
            yield MoneyRow(
                label=_at_least(label, before, words),
                before=words.money(one, before.currency),
                after="–" if other is None else words.money(other, before.currency),
            )


def _at_least(label: str, figures: Figures, words: Wording) -> str:
    return f"{label} ({words.gettext('at least')})" if figures.lower_bound else label
