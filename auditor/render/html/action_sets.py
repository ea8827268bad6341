"""The steps of a tenant into sets of actions about one product, with the guidance of each told once."""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any, Final

from markupsafe import Markup, escape

from auditor.domain.actions.action import Action
from auditor.domain.actions.money import Money, rounded
from auditor.domain.actions.seat_movement import seat_movement
from auditor.domain.result.finding_stats import Concern
from auditor.findings.person_names import NAMED
from auditor.guidance.parts import GuidanceParts
from auditor.render.html.action_view import ActionSet, ActionSets, Guide, GuidedAction, Step
from auditor.render.html.actions import worth
from auditor.render.html.finding_index import LONG, FindingIndex
from auditor.render.text.labels import Labels
from auditor.render.text.sanitize import is_https, shortened, visible
from auditor.result.codec.encoder import line

_DASH: Final = " – "
"""Before the end of a title that names the article."""
_REQUESTS: Final = 3
"""Requests that an action on a long page lists: the result and the plan have all of them."""
_NAMES: Final = 5
"""People whom it names there: its findings in the table are about all of them."""

_Document = tuple[str, str | None]
"""A label, and its https address, or None for one that is none."""


def action_sets(ordered: Sequence[Step], index: FindingIndex, l10n: Labels) -> ActionSets:
    """Return actions in their order, those about one product as one set.

    The first of the actions with the same guidance shows it.
    """
    together = _by_product(ordered)
    groups: dict[object, list[Step]] = {}
    for product, own in together:
        for step in own:
            groups.setdefault((product, _guidance(step.action)), []).append(step)
    firsts = {group[0].place for group in groups.values()}
    links = {step.place: _documents(step.action) for step in ordered if step.place in firsts}
    sources = dict.fromkeys(link for own in links.values() for link in own)
    numbers = {source: number for number, source in enumerate(sources, start=1)}
    shown = GuidanceParts()
    guides = {
        group[0].place: _guide(group, sorted(map(numbers.__getitem__, links[group[0].place])), shown, index, l10n)
        for group in groups.values()
    }
    sets = [_action_set(product, own, guides, index, l10n) for product, own in together]
    return ActionSets(sets=tuple(each for each in sets if each.guides), sources=tuple(sources))


def _by_product(ordered: Sequence[Step]) -> list[tuple[str, list[Step]]]:
    """Return actions in their order, those about one product together in the order of the plan, each with its skuId.

    An action about no product, or the only one about its product, stands alone, with an empty skuId.
    """
    counts = Counter(map(_product, ordered))
    sets: dict[str, list[Step]] = {}
    for step in ordered:
        sets.setdefault(_product(step) if counts[_product(step)] > 1 else step.anchor, []).append(step)
    return [
        (_product(each[0]) if len(each) > 1 else "", sorted(each, key=lambda step: step.place))
        for each in sets.values()
    ]


def _product(step: Step) -> str:
    """Return the skuId of the product that an action is about; its anchor where it is about none."""
    seats = step.action.seats
    return step.anchor if seats is None or seats.sku_id is None else seats.sku_id


def _documents(action: Action) -> list[_Document]:
    return [(link.label, link.address if is_https(link.address) else None) for link in action.links]


def _action_set(
    product: str, together: Sequence[Step], guides: Mapping[int, Guide], index: FindingIndex, l10n: Labels
) -> ActionSet:
    own_guides = tuple(guides[step.place] for step in together if step.place in guides)
    seats, first = together[0].action.seats, together[0]
    name = shortened(index.context.names.get(product.casefold(), product)) if len(own_guides) > 1 else ""
    nearest = min((step for step in together if step.action.due), key=lambda step: str(step.action.due), default=first)
    return ActionSet(
        product=name,
        seats=seat_movement(l10n, name, seats, l10n.number) if name and seats is not None else "",
        severity=min((step.weight.severity for step in together), key=lambda severity: severity.rank),
        money=_worth_together([step.action.money for step in together], l10n),
        due=nearest.due,
        count=len(together),
        findings=sum(step.weight.findings for step in together),
        first=first,
        guides=own_guides,
    )


def _guidance(action: Action) -> object:
    """Return the guidance of an action; actions with equal guidance show it once, or it would be most of the file."""
    how = (action.role, action.prerequisites, action.steps, action.irreversible, action.warnings, action.links)
    return action.order, action.decided_by, action.confidence, how, action.next


def _guide(
    group: Sequence[Step], sources: Sequence[int], shown: GuidanceParts, index: FindingIndex, l10n: Labels
) -> Guide:
    """Return the guidance that some actions share; `shown` is the guidance that the page shows before it."""
    first = group[0].action
    source = group[0].anchor, first.title
    titles = [step.action.title for step in group]
    end = {title.rpartition(_DASH)[2] for title in titles}
    cut = len(_DASH + end.pop()) if len(group) > 1 and len(end) == 1 and all(_DASH in title for title in titles) else 0
    numbered = enumerate(first.steps, start=1)
    before = shown.add("prerequisites", [(text, False) for text in first.prerequisites], source)
    steps = shown.add("", [(text, number in first.irreversible) for number, text in numbered], source)
    warnings = shown.add("warnings", [(text, False) for text in first.warnings], source)
    then = shown.add("next", [(text, False) for text in first.next], source)
    parts = (("prerequisites", before), ("warnings", warnings), ("steps", steps), ("next", then))
    same: dict[tuple[str, str], list[str]] = {}
    for name, part in parts:
        if part.like is not None and not part.lines:
            same.setdefault(part.like, []).append(name)
    return Guide(
        actions=tuple(
            _guided(step, title[: len(title) - cut], index, l10n) for step, title in zip(group, titles, strict=True)
        ),
        severity=min((step.weight.severity for step in group), key=lambda severity: severity.rank),
        money=_worth_together([step.action.money for step in group], l10n),
        findings=sum(step.weight.findings for step in group),
        same=tuple(same.items()),
        parts=parts,
        sources=tuple(sources),
    )


def _guided(step: Step, title: str, index: FindingIndex, l10n: Labels) -> GuidedAction:
    requests = step.action.requests
    listed = tuple(map(_typed, islice(requests, _REQUESTS if index.long else LONG)))
    return GuidedAction(
        step=step,
        title=title,
        who=_who(index.concerns[step.action.id], l10n, _NAMES if index.long else NAMED),
        requests=listed,
        more_requests=len(requests) - len(listed),
    )


def _worth_together(each: Sequence[Money | None], l10n: Labels) -> str:
    """Say what some actions are worth; nothing where their currencies differ."""
    known = [money for money in each if money is not None]
    if len({money.currency for money in known}) != 1:
        return ""
    together = sum((rounded(money.per_month) for money in known), Decimal())
    return worth(Money(currency=known[0].currency, per_month=together), l10n)


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
