"""Builds the view model of a plan, which plan.html and plan.md show."""

import itertools
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from msgspec.structs import replace

from auditor.checks.seats.above_maximum import CHECK as ABOVE_MAXIMUM
from auditor.checks.subscriptions.renewal_idle import CHECK as RENEWAL_IDLE
from auditor.domain.actions.action import Action
from auditor.domain.policy.decision import Question
from auditor.domain.reasons import by_reason
from auditor.guidance.parts import GuidanceParts
from auditor.localization import Localization
from auditor.remedy.planner.model import Figures, FleetPlan, Proof, TenantPlan
from auditor.render.plan.fleet_overview import fleet_first, in_reading_order, tenant_rows
from auditor.render.plan.outline import OutlineEntry, first_by_rank
from auditor.render.plan.outline_text import (
    PlanPart,
    action_subjects,
    effect_texts,
    facts,
    plan_parts,
    policies_text,
    script,
    subject_labels,
)
from auditor.render.plan.question_text import answer_label, answered, effect, sentence
from auditor.render.plan.summary import missing_data, outdated_data, summary
from auditor.render.plan.view import (
    ActionView,
    AnswerView,
    CostRow,
    FirstAction,
    GuideView,
    PlanPagePart,
    PlanView,
    QuestionGroup,
    QuestionView,
    SeatValue,
    TenantView,
)
from auditor.render.text.actions import reasons
from auditor.render.text.guidance import oldest, plain
from auditor.result.aggregate import action_amounts

_ONLY_TENANT: Final = "t1"
"""The anchor of the only tenant of a page."""
_ABOUT_SPARE_SEATS: Final = frozenset({ABOVE_MAXIMUM.id, RENEWAL_IDLE.id})
"""Ids of the checks that report too many spare seats of a product."""


def single_plan(plan: FleetPlan, tenant: TenantPlan) -> FleetPlan:
    """Return the plan of one of several tenants."""
    return replace(plan, tenants=(tenant,), fleet=Proof(), notices=())


def plan_view(plan: FleetPlan, l10n: Localization, tenant_page: str = "") -> PlanView:
    """Return the view model of a plan.

    `tenant_page` is the file name of the pages that `single_plan` describes, each in the folder of its tenant next to
    this page, which then has no sections of tenants; empty if there are none.
    """
    plan = in_reading_order(plan)
    anchors = {tenant.name: f"t{number}" for number, tenant in enumerate(plan.tenants, start=1)}

    def address(tenant: TenantPlan) -> str:
        if not tenant_page:
            return f"#{anchors[tenant.name]}"
        return f"{quote(tenant.name, safe='')}/{quote(tenant_page, safe='', errors='replace')}#{_ONLY_TENANT}"

    first = fleet_first(plan, address, l10n)
    listed = {action.href for action in first}
    views = (_TenantPage(tenant, anchors[tenant.name], l10n, plan.as_of).view() for tenant in plan.tenants)
    return PlanView(
        as_of=datetime.fromisoformat(plan.as_of),
        complete=plan.complete,
        proven=None if all(tenant.failure is not None for tenant in plan.tenants) else plan.proven,
        title=plan.tenants[0].title if len(plan.tenants) == 1 else "",
        missing=tuple(map(": ".join, _missing(plan, l10n, sections=not tenant_page))),
        rows=tenant_rows(plan, address, l10n),
        first=first,
        tenants=() if tenant_page else tuple(_without_listed(view, listed) for view in views),
        fleet=tuple(
            dict.fromkeys(
                (
                    *(item.why for item in plan.fleet.remaining),
                    *(l10n.translate(notice.message) for notice in plan.notices),
                )
            )
        ),
        checked=oldest(action for tenant in plan.tenants for action in tenant.actions),
    )


def _missing(plan: FleetPlan, l10n: Localization, *, sections: bool) -> Iterator[tuple[str, str]]:
    """Yield (tenants, reason) for missing data, and for old data that no section of a tenant mentions."""
    if len(plan.tenants) > 1:
        yield from missing_data(plan, l10n)
    if not sections:
        yield from outdated_data(plan, l10n)


def _without_listed(view: TenantView, listed: AbstractSet[str]) -> TenantView:
    """Return the view without its first actions, if the list of all tenants, above it, contains all of them."""
    return view if any(action.href not in listed for action in view.first) else replace(view, first=())


class _TenantPage:
    """Builds the section of the page about one tenant, from top to bottom."""

    def __init__(self, tenant: TenantPlan, anchor: str, l10n: Localization, as_of: str) -> None:
        self._tenant, self._anchor, self._l10n, self._as_of = tenant, anchor, l10n, as_of
        self._labels = subject_labels(tenant.findings)
        self._findings = {finding.fingerprint: finding for finding in tenant.findings}
        self._printed_parts = GuidanceParts()

    def view(self) -> TenantView:
        tenant, l10n = self._tenant, self._l10n
        proof = tenant.proof
        fixed = tuple(self._line(fingerprint) for fingerprint in proof.fixed if fingerprint in self._findings)
        return TenantView(
            anchor=self._anchor,
            title=tenant.title,
            summary=summary(tenant, l10n, money=False),  # the page has a table of the amounts
            open_before=tenant.before.open,
            costs=tuple(_costs(tenant, l10n)),
            seat_values=tuple(_seat_values(tenant, l10n)),
            value_note=_value_note(tenant, l10n),
            first=tuple(itertools.starmap(self._first, first_by_rank(tenant))),
            parts=tuple(map(self._part, plan_parts(tenant, l10n))),
            proof_effect=l10n.plural("{count} finding fixed", "{count} findings fixed", len(fixed)),
            fixed=fixed,
            remaining=tuple(
                (why, tuple(map(self._line, fingerprints)))
                for why, fingerprints in by_reason(
                    (item.fingerprint, plain(item.why)) for item in proof.remaining
                ).items()
            ),
            new=tuple(", ".join(facts(f, l10n, subject_labels([f]), tenant.names)) for f in proof.new),
            undecided=proof.undecided,
            dropped=tuple(
                (self._labels.get(item.subject) or tenant.names.get(item.subject, item.subject), item.why)
                for item in tenant.dropped
            ),
            notices=tuple(l10n.translate(notice.message) for notice in tenant.notices),
        )

    def _part(self, part: PlanPart) -> PlanPagePart:
        anchor = f"{self._anchor}-{part.key}"
        views = tuple(self._action(entry, part.key) for entry in part.entries)
        return PlanPagePart(
            anchor=anchor,
            number=part.number,
            title=part.title,
            note=part.note,
            effects=part.effects,
            actions=(*views, *self._other_questions(anchor, part.questions)),
        )

    def _first(self, number: int, action: Action) -> FirstAction:
        return FirstAction(
            place=self._l10n.gettext("Action {number}", number=number),
            href=f"#{self._action_anchor(number)}",
            title=action.title,
            reasons=reasons(action, action.why, self._l10n),
        )

    def _action_anchor(self, number: int) -> str:
        return f"{self._anchor}-{number}"

    def _line(self, fingerprint: str) -> str:
        return ", ".join(facts(self._findings[fingerprint], self._l10n, self._labels, self._tenant.names))

    def _action(self, entry: OutlineEntry, part: str) -> ActionView:
        anchor, runs, decides = self._action_anchor(entry.number), bool(entry.action.requests), part == "decide"
        questions = f"{anchor}-q"
        return ActionView(
            anchor=questions if runs and decides else anchor,
            number=entry.number,
            action=entry.action,
            severity=entry.severity,
            effects=tuple(effect_texts(entry, self._l10n)),
            policies=policies_text(entry.findings, self._tenant, self._l10n),
            who=action_subjects(entry, self._labels),
            guide=None if runs and decides else self._guide(entry, anchor),
            questions=self._questions(entry.questions) if decides else (),
            asked=len(entry.questions) if decides else 0,
            elsewhere=anchor if runs and decides else questions if runs and entry.questions else "",
        )

    def _other_questions(self, anchor: str, questions: Sequence[Question]) -> Iterator[ActionView]:
        if questions:
            yield ActionView(anchor=f"{anchor}-q", questions=self._questions(questions), asked=len(questions))

    def _questions(self, questions: Iterable[Question]) -> tuple[QuestionGroup, ...]:
        """Group the questions that have the same answers, in the order of their first ones."""
        groups: dict[tuple[str, ...], list[Question]] = {}
        for question in questions:
            labels = (answer_label(question, answer, self._l10n, self._tenant.names) for answer in question.answers)
            groups.setdefault(tuple(labels), []).append(question)
        return tuple(itertools.starmap(self._group, groups.items()))

    def _group(self, labels: Sequence[str], questions: Sequence[Question]) -> QuestionGroup:
        rows = [[answered(question, answer, self._as_of) for answer in question.answers] for question in questions]
        return QuestionGroup(
            heading=self._l10n.plural(
                "The same answer for {count} question", "The same answer for all {count} questions", len(questions)
            ),
            questions=tuple(map(self._question, questions)),
            answers=tuple(
                AnswerView(label=label, yaml="".join(lines)) for label, *lines in zip(labels, *rows, strict=True)
            ),
        )

    def _question(self, question: Question) -> QuestionView:
        names, label = self._tenant.names, self._labels.get(question.subject)
        labels = {question.subject: label, **names} if label else names
        return QuestionView(
            id=question.id, text=sentence(question, self._l10n, labels), effect=effect(question, self._l10n)
        )

    def _guide(self, entry: OutlineEntry, anchor: str) -> GuideView:
        action, tenant = entry.action, self._tenant
        lines = (
            script(
                tuple(action.requests), {**tenant.names, **self._labels}, tenant_id=tenant.tenant_id, cloud=tenant.cloud
            )
            if action.requests
            else ()
        )
        return GuideView(
            guidance=self._printed_parts.add_action(action, (anchor, f"{entry.number}. {entry.action.title}")),
            script="\n".join(lines),
            requests="\n".join(map(_request, action.requests)),
        )


def _request(request: Mapping[str, Any]) -> str:
    body = request.get("body")
    text = json.dumps(body, ensure_ascii=False, default=str) if body else ""
    return "\n".join(filter(None, (f"{request['method']} {request['path']}", text)))


def _costs(tenant: TenantPlan, l10n: Localization) -> Iterator[CostRow]:
    """Yield the cost of the open findings before and after the plan, in each currency."""
    after = {figures.currency: figures.exposure for figures in tenant.after.money}
    for before in tenant.before.money:
        exposure = after.get(before.currency)
        yield CostRow(
            label=_at_least(l10n.gettext("in open findings"), before, l10n),
            before=l10n.money(before.exposure, before.currency),
            after="–" if exposure is None else l10n.money(exposure, before.currency),
        )


def _seat_values(tenant: TenantPlan, l10n: Localization) -> Iterator[SeatValue]:
    """Yield the value of freed, removable and removed seats in each currency."""
    freed = l10n.plural(
        "{count} seat that the requests free and do not assign again",
        "{count} seats that the requests free and do not assign again",
        tenant.released_seats,
    )
    renewal = l10n.gettext("removable at the renewal: freed seats, and spare seats beyond what policies allow")
    removed = action_amounts(tenant.actions).reduce
    for figures in tenant.before.money:
        for label, amount in (
            (freed, figures.reassignable_now),
            (renewal, figures.reducible_at_renewal),
            (l10n.gettext("saved by removing seats"), removed.get(figures.currency)),
        ):
            if amount is not None:
                yield SeatValue(label=_at_least(label, figures, l10n), amount=l10n.money(amount, figures.currency))


def _at_least(label: str, figures: Figures, l10n: Localization) -> str:
    return f"{label} ({l10n.gettext('at least')})" if figures.lower_bound else label


def _value_note(tenant: TenantPlan, l10n: Localization) -> str:
    """Return why the cost of open findings falls by less than the freed seats are worth; empty if it does not."""
    after = {figures.currency: figures.exposure for figures in tenant.after.money}
    falls_less = any(
        figures.exposure - after.get(figures.currency, figures.exposure) < figures.reassignable_now
        for figures in tenant.before.money
    )
    remaining = {item.fingerprint for item in tenant.proof.remaining}
    spare = any(finding.fingerprint in remaining and finding.check in _ABOUT_SPARE_SEATS for finding in tenant.findings)
    if not (falls_less and spare):
        return ""
    return l10n.gettext(
        "The cost of open findings falls by less than the freed seats are worth: until the seats are assigned again or "
        "removed at the renewal, policies report them as spare."
    )
