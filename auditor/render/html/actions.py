"""A tenant's actions into steps to take, and everything on the page into the five things that matter most."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import islice
from typing import Any, Final

from markupsafe import Markup, escape

from auditor.domain.actions.money import rounded
from auditor.domain.actions.priority import (
    Reason,
    Weight,
    most_important,
    nearest_dates,
    product_concerned,
    ranked,
    why,
)
from auditor.domain.actions.seat_movement import seat_movement
from auditor.domain.enums import SubjectType
from auditor.domain.result.finding_stats import Concern
from auditor.domain.result.model import Action, Finding, Money
from auditor.findings.person_names import NAMED
from auditor.guidance.parts import GuidanceParts
from auditor.render.html.action_view import ActionSet, Guide, Step
from auditor.render.html.finding_index import LONG, FindingIndex
from auditor.render.html.rows import anchor, problem, subject_label
from auditor.render.html.view import Group, Highlight, Section
from auditor.render.text.labels import Labels
from auditor.render.text.sanitize import is_https, shortened, visible
from auditor.result.codec.encoder import line

_DASH: Final = " – "
"""Before the end of a title that names the article."""
_REQUESTS: Final = 3
"""Requests that an action on a long page lists: the result and the plan have all of them."""
_NAMES: Final = 5
"""People whom it names there: its findings in the table are about all of them."""


def steps(name: str, index: FindingIndex, moment: datetime, l10n: Labels) -> tuple[Step, ...]:
    """Return the actions of a tenant, or of the fleet, the most important first; `moment` is the audit's.

    The first of those with the same guidance shows it.
    """
    listed = [_step(name, *each, index, l10n) for each in zip(index.actions, index.action_rows, strict=True)]
    today = moment.astimezone(UTC).date()
    # Ranked anew: of a part of the findings the severities are those of the part.
    made = [
        replace(listed[position], why=_why(reason, listed[position].weight, today, l10n))
        for position, reason in ranked([step.weight for step in listed], today)
    ]
    groups: dict[object, list[Step]] = {}
    for product, together in _by_product(made, index):
        for step in together:
            groups.setdefault((product, _guidance(step.action)), []).append(step)
    shown = GuidanceParts()
    guides = {group[0].anchor: _guide(group, shown, l10n) for group in groups.values()}
    return tuple(replace(step, guide=guides.pop(step.anchor, None)) for step in made)


def _why(reason: Reason, weight: Weight, today: date, l10n: Labels) -> str:
    """Say why an action has its place, unless severity, money and date do, which stand beside it."""
    return "" if reason is Reason.WEIGHT else why(l10n, reason, weight, today)


def _by_product(ordered: Sequence[Step], index: FindingIndex) -> list[tuple[str, list[Step]]]:
    """Return actions in their order, those about one product together in the order of the plan, each with its skuId.

    An action about no product, or the only one about its product, stands alone, with an empty skuId.
    """
    counts = Counter(_product(step) for step in ordered)
    sets: dict[str, list[Step]] = {}
    for step in ordered:
        sets.setdefault(_product(step) if counts[_product(step)] > 1 else step.anchor, []).append(step)
    planned = {action.id: place for place, action in enumerate(index.actions)}
    return [
        (_product(each[0]) if len(each) > 1 else "", sorted(each, key=lambda step: planned[step.action.id]))
        for each in sets.values()
    ]


def _product(step: Step) -> str:
    """Return the skuId of the product that an action is about; its anchor where it is about none."""
    seats = step.action.seats
    return step.anchor if seats is None or seats.sku_id is None else seats.sku_id


def action_sets(ordered: Sequence[Step], index: FindingIndex, l10n: Labels) -> tuple[ActionSet, ...]:
    """Return actions in their order, those about one product as one set."""
    found = [_action_set(product, together, index, l10n) for product, together in _by_product(ordered, index)]
    return tuple(each for each in found if each.steps)


def _action_set(product: str, together: Sequence[Step], index: FindingIndex, l10n: Labels) -> ActionSet:
    told = tuple(step for step in together if step.guide is not None)
    seats, first = together[0].action.seats, together[0]
    name = shortened(index.context.names.get(product.casefold(), product)) if len(told) > 1 else ""
    nearest = min((step for step in together if step.action.due), key=lambda step: str(step.action.due), default=first)
    return ActionSet(
        product=name,
        seats=seat_movement(l10n, name, seats, l10n.number) if name and seats is not None else "",
        severity=min((step.severity for step in together), key=lambda severity: severity.rank),
        money=_worth_together([step.action.money for step in together], l10n),
        due=nearest.due,
        count=len(together),
        findings=sum(step.findings for step in together),
        first=first,
        steps=told,
    )


def _guidance(action: Action) -> object:
    """Return the guidance of an action; actions with equal guidance show it once, or it would be most of the file."""
    how = (action.role, action.prerequisites, action.steps, action.irreversible, action.warnings, action.links)
    return action.order, action.decided_by, action.confidence, how, action.next


def _guide(group: Sequence[Step], shown: GuidanceParts, l10n: Labels) -> Guide:
    """Return the guidance that some actions share; `shown` is the guidance that the page shows before it."""
    first = group[0].action
    source = group[0].anchor, first.title
    titles = [step.action.title for step in group]
    end = {title.rpartition(_DASH)[2] for title in titles}
    cut = len(_DASH + end.pop()) if len(group) > 1 and len(end) == 1 and all(_DASH in title for title in titles) else 0
    numbered = enumerate(first.steps, start=1)
    return Guide(
        steps=tuple(group),
        titles=tuple(title[: len(title) - cut] for title in titles),
        severity=min((step.severity for step in group), key=lambda severity: severity.rank),
        money=_worth_together([step.action.money for step in group], l10n),
        findings=sum(step.findings for step in group),
        prerequisites=shown.add("prerequisites", [(text, False) for text in first.prerequisites], source),
        instructions=shown.add("", [(text, number in first.irreversible) for number, text in numbered], source),
        warnings=shown.add("warnings", [(text, False) for text in first.warnings], source),
        next=shown.add("next", [(text, False) for text in first.next], source),
    )


def _worth_together(each: Sequence[Money | None], l10n: Labels) -> str:
    """Say what some actions are worth; nothing where their currencies differ."""
    known = [money for money in each if money is not None]
    if len({money.currency for money in known}) != 1:
        return ""
    together = sum((rounded(money.per_month) for money in known), Decimal())
    return _worth(Money(currency=known[0].currency, per_month=together), l10n)


def highlights(sections: Sequence[Section], moment: datetime, l10n: Labels) -> tuple[Highlight, ...]:
    """Return at most five, the most important first: actions, and policies with open findings that no action mends.

    Of the actions about one product of a tenant it is the first, with the nearest date of all of them.
    """
    today = moment.astimezone(UTC).date()
    found: list[tuple[Weight, Highlight, object]] = []
    for section in sections:
        products = [product_concerned(step.action) for step in section.steps]
        dates = nearest_dates(zip(products, (step.action.due for step in section.steps), strict=True))
        for step, product in zip(section.steps, products, strict=True):
            shown = _of_step(step, section, _due(dates.get(product, step.action.due), l10n))
            found.append((step.weight, shown, None if product is None else (section.title, product)))
        found += [
            (Weight(severity=group.severity, findings=group.open), _of_group(group, section, l10n), None)
            for group in section.groups
            if group.open and not group.has_action
        ]
    order = ranked([weight for weight, _, _ in found], today)
    order = [order[position] for position in most_important(found[index][2] for index, _ in order)]
    return tuple(
        replace(found[position][1], why=said)
        if (said := _why(reason, found[position][0], today, l10n))
        else found[position][1]
        for position, reason in order
    )


def _step(tenant: str, action: Action, rows: Sequence[int], index: FindingIndex, l10n: Labels) -> Step:
    concern = index.concerns[action.id]
    requests = action.requests
    listed = tuple(islice(requests, _REQUESTS if index.long else LONG))
    return Step(
        anchor=anchor("a", tenant, action.id),
        action=action,
        severity=concern.worst,
        money="" if action.money is None else _worth(action.money, l10n),
        due=_due(action.due, l10n),
        why="",
        weight=Weight(
            severity=concern.worst,
            saves=Decimal() if action.money is None else max(action.money.per_month, Decimal()),
            due=action.due,
            findings=len(action.findings),
        ),
        findings=len(action.findings),
        seats=_seats(map(index.findings.__getitem__, rows), index) if concern.people else "",
        movement=_movement(action, index, l10n),
        who=_who(concern, l10n, _NAMES if index.long else NAMED),
        requests=tuple(map(_typed, listed)),
        more_requests=len(requests) - len(listed),
        links=tuple((link.label, link.address if is_https(link.address) else None) for link in action.links),
        guide=None,
    )


def _movement(action: Action, index: FindingIndex, l10n: Labels) -> str:
    """Return what all actions do to the seats of a product; empty for actions about people, contracts and dates."""
    seats = action.seats
    if seats is None or seats.sku_id is None or not seats.added or abs(seats.added) != action.count:
        return ""
    return seat_movement(l10n, index.context.names.get(seats.sku_id.casefold(), seats.sku_id), seats, l10n.number)


def _seats(findings: Iterable[Finding], index: FindingIndex) -> str:
    """Return what is wrong with the seats that an action about people frees or fills; empty where nothing is."""
    return next(
        (
            visible(f"{subject_label(each)}: {problem(each, index.context)}")
            for each in findings
            if each.subject.type is SubjectType.PRODUCT
        ),
        "",
    )


def _typed(request: Mapping[str, Any]) -> Markup:
    """Return a request as a person types it: method and path, the body, the PowerShell line."""
    head = " ".join(str(request[key]) for key in ("method", "path") if request.get(key))
    body = line(request["body"]).decode().strip() if request.get("body") else ""
    lines = (head, body, str(request.get("powershell") or ""))
    text = visible("\n".join(filter(None, lines)), keep="\n")
    # Quotation marks, of which requests are full, are harmless between elements: escaped they take five times the room.
    return Markup(str(escape(text)).replace("&#34;", '"').replace("&#39;", "'"))  # noqa: S704 - escaped here


def _who(concern: Concern, l10n: Labels, most: int) -> str:
    """Say by which names a person finds the people concerned; of many the first, in the order of the alphabet."""
    names = [visible(name) for name in concern.names[:most]]
    more = concern.people - len(names)
    return ", ".join([*names, l10n.ngettext("{count} more", "{count} more", more)] if more > 0 else names)


def _worth(money: Money, l10n: Labels) -> str:
    text = l10n.gettext("costs {money} a month") if money.per_month < 0 else l10n.gettext("saves {money} a month")
    return text.replace("{money}", l10n.money(abs(money.per_month), money.currency))


def _due(day: date | None, l10n: Labels) -> str:
    return "" if day is None else l10n.gettext("decide by {date}").replace("{date}", l10n.date(day))


def _of_step(step: Step, section: Section, due: str) -> Highlight:
    return Highlight(
        anchor=step.anchor,
        title=step.action.title,
        severity=step.severity,
        tenant=section.title,
        count=step.findings,
        money=step.money,
        due=due,
        why=step.seats,
        movement=step.movement,
        who=step.action.role,
        first=step.action.steps[0] if step.action.steps else "",
    )


def _of_group(group: Group, section: Section, l10n: Labels) -> Highlight:
    return Highlight(
        anchor=group.anchor,
        title=group.title,
        severity=group.severity,
        tenant=section.title,
        count=group.open,
        money=l10n.gettext("{money} a month").replace("{money}", group.money) if group.money else "",
        due="",
        why="",
        movement="",
        who=group.owner,
        first=group.rationale,
    )
