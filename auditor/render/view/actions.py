"""Ranks a tenant's actions, and selects the highlights of the page."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from functools import partial

from msgspec.structs import replace

from auditor.domain.actions.action import Action
from auditor.domain.actions.kind import NUMBERED
from auditor.domain.actions.priority import (
    RankedItem,
    RankReason,
    Weight,
    elsewhere,
    most_important,
    product_concerned,
    rank_reason,
    ranked,
    task_of,
    weight_of,
)
from auditor.domain.actions.seat_movement import plan_note, renewal_price_note, seat_movement
from auditor.domain.enums import SubjectType
from auditor.domain.result.finding import Finding
from auditor.domain.result.purchases import RenewalPrice
from auditor.render.text.actions import amounts_text, due_text, policies_line
from auditor.render.text.labels import Labels
from auditor.render.text.sanitize import shortened, visible
from auditor.render.view.finding_index import FindingIndex
from auditor.render.view.model import Highlight, PolicyGroup, RankedAction, TenantSection
from auditor.render.view.rows import anchor, problem, subject_label


def ranked_actions(name: str, index: FindingIndex, as_of: datetime, l10n: Labels) -> tuple[RankedAction, ...]:
    """Return the actions of a tenant or the fleet, the most important first; `as_of` is the instant of the audit."""
    weights = [weight_of(action, index.concerns[action.id].worst) for action in index.actions]
    today = as_of.astimezone(UTC).date()
    # Ranked again, because the severities of a selection of the findings can differ.
    return tuple(
        RankedAction(
            anchor=anchor("a", name, index.actions[plan_index].id),
            action=index.actions[plan_index],
            plan_index=plan_index,
            money=amounts_text((index.actions[plan_index],), l10n),
            due=due_text(index.actions[plan_index], l10n),
            why=_why(reason, weights[plan_index], today, l10n),
            weight=weights[plan_index],
        )
        for plan_index, reason in ranked(weights, today)
    )


def _why(reason: RankReason, weight: Weight, today: date, l10n: Labels) -> str:
    """Return why an action has its rank; empty if severity, money and date, which are shown next to it, explain it."""
    return "" if reason is RankReason.WEIGHT else rank_reason(l10n, reason, weight, today)


def highlights(
    sections: Sequence[tuple[TenantSection, FindingIndex]], as_of: datetime, l10n: Labels, *, tenants: int
) -> tuple[Highlight, ...]:
    """Return up to five highlights, the most important first: actions, and policies that no action resolves.

    If a tenant has several actions about a product, or several tenants have the same task, only the first is used.
    `tenants` is the number of tenants, of which some may have no section; only one of several is named.
    """
    all_tenants = sum(bool(section.name) for section, _ in sections) == tenants  # the section of the fleet has no name
    today = as_of.astimezone(UTC).date()
    candidates: list[tuple[Weight, Callable[[], Highlight], RankedItem]] = []
    for section, index in sections:
        for entry in section.actions:
            subject = RankedItem(section.name, product_concerned(entry.action), task_of(entry.action))
            candidates.append((entry.weight, partial(_of_action, entry, section, index, l10n), subject))
        candidates += [
            (
                Weight(severity=group.severity, findings=group.open),
                partial(_of_policy, group, section),
                RankedItem(section.name, None, group.title),
            )
            for group in section.groups
            if group.open and not group.has_action
        ]
    order = ranked([weight for weight, _, _ in candidates], today)
    selected: list[Highlight] = []
    for position, others in most_important(candidates[index][2] for index, _ in order).items():
        candidate, reason = order[position]
        weight, highlight, _ = candidates[candidate]
        shown = replace(highlight(), elsewhere=elsewhere(l10n, others, at_least=not all_tenants))
        shown = shown if tenants > 1 else replace(shown, tenant="")
        selected.append(replace(shown, why=why) if (why := _why(reason, weight, today, l10n)) else shown)
    return tuple(selected)


def _movement(action: Action, index: FindingIndex, l10n: Labels) -> str:
    """Return the effect of all actions on a product's seats; empty for actions about people, contracts and dates."""
    seats = action.seats
    if seats is None or seats.sku_id is None or not seats.added or abs(seats.added) != action.count:
        return ""
    return seat_movement(l10n, index.context.names.get(seats.sku_id.casefold(), seats.sku_id), seats)


def _note(action: Action, index: FindingIndex, l10n: Labels) -> str:
    """Return how the number and the amount of an action about seats come about; empty for other actions."""
    if action.seats is None or action.kind not in NUMBERED:
        return ""
    notes = (plan_note(l10n, action.seats), *_price_notes(action, index.context.renewal_prices, l10n))
    return " ".join(filter(None, notes))


def _price_notes(action: Action, prices: Iterable[RenewalPrice], l10n: Labels) -> Iterator[str]:
    """Yield the price with which the saving of an action is counted, if the price changes at the renewal."""
    if action.seats is None or action.money is None:
        return
    sku_id, saving = (action.seats.sku_id or "").casefold(), action.money.per_month
    for price in prices:
        if price.sku_id == sku_id and price.money is not None and price.money.per_month * action.count == saving:
            yield renewal_price_note(l10n, price.money, price.day)
            return


def _seats(findings: Iterable[Finding], index: FindingIndex) -> str:
    """Return what is wrong with the seats that an action about people frees or fills; empty if nothing is."""
    return next(
        (
            visible(f"{subject_label(finding)}: {problem(finding, index.context)}")
            for finding in findings
            if finding.subject.type is SubjectType.PRODUCT
        ),
        "",
    )


def policies_text(actions: Iterable[Action], index: FindingIndex, l10n: Labels) -> str:
    """Return the titles of the policies whose findings some actions fix, the one with the worst finding first."""
    names = dict.fromkeys(name for action in actions for name in index.concerns[action.id].policies)
    return policies_line((shortened(index.context.policy_title(name)) for name in names), l10n)


def _of_action(entry: RankedAction, section: TenantSection, index: FindingIndex, l10n: Labels) -> Highlight:
    about_people = index.concerns[entry.action.id].people
    resolved = map(index.findings.__getitem__, index.action_rows[entry.plan_index])
    return Highlight(
        anchor=entry.anchor,
        title=entry.action.title,
        severity=entry.weight.severity,
        section=section.name,
        tenant=section.title,
        count=entry.weight.findings,
        money=entry.money,
        due=entry.due,
        why=(_seats(resolved, index) or policies_text([entry.action], index, l10n)) if about_people else "",
        movement=_movement(entry.action, index, l10n),
        note=_note(entry.action, index, l10n),
        who=entry.action.role,
        first=entry.action.steps[0] if entry.action.steps else "",
    )


def _of_policy(group: PolicyGroup, section: TenantSection) -> Highlight:
    return Highlight(
        anchor=group.anchor,
        title=group.title,
        severity=group.severity,
        section=section.name,
        tenant=section.title,
        count=group.open,
        money=group.money,
        who=group.owner,
        first=group.rationale,
    )
