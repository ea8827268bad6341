"""Groups a tenant's actions by product, and shows guidance that several actions share only once."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any, Final

from markupsafe import Markup, escape
from msgspec import Struct
from msgspec.structs import replace

from auditor.domain.actions.action import Action
from auditor.domain.actions.seat_movement import seat_movement
from auditor.domain.actions.title import about
from auditor.domain.enums import Severity, worst_severity
from auditor.findings.person_names import NAMED
from auditor.guidance.parts import GuidanceParts, SharedGuidance
from auditor.render.text.actions import amounts_text
from auditor.render.text.labels import Labels
from auditor.render.text.sanitize import is_https, shortened, visible
from auditor.render.view.actions import policies_text
from auditor.render.view.finding_index import LONG_PAGE, FindingIndex
from auditor.render.view.model import RankedAction
from auditor.result.codec.encoder import line

_REQUESTS: Final = 3
"""Requests per action on a long page; the result and the plan list all of them."""
_NAMES: Final = 5
"""People who are named per action on a long page; its findings in the table show all of them."""

_Document = tuple[str, str | None]
"""The label of a document and its address; None if the address is not https."""


class GuidedAction(Struct, frozen=True, kw_only=True, eq=False):
    """One of the actions that share guidance."""

    entry: RankedAction
    title: str
    """Without the suffix that the titles of all of them share."""
    who: str
    """The people concerned; empty if it is about a product or a group."""
    requests: tuple[Markup, ...]
    """Each as method and path, body, and PowerShell line; escaped."""
    more_requests: int
    """Number of requests that only the other files list."""


class Guide(Struct, frozen=True, kw_only=True, eq=False):
    """Actions with identical guidance, shown together at the position of the first one."""

    actions: tuple[GuidedAction, ...]
    severity: Severity
    money: str
    findings: int
    policies: str
    """The titles of the policies whose findings they fix."""
    guidance: SharedGuidance
    sources: tuple[int, ...]
    """Numbers of its documents in the list of `ActionSets.sources`."""


class ActionSet(Struct, frozen=True, kw_only=True, eq=False):
    """The actions about one product, in the order in which to do them; or a single other action."""

    product: str
    """Empty for an action that is listed on its own."""
    seats: str
    """The effect of the actions on the product's seats."""
    severity: Severity
    money: str
    due: str
    count: int
    findings: int
    first: RankedAction
    """The action to do first."""
    guides: tuple[Guide, ...]


class ActionSets(Struct, frozen=True, kw_only=True, eq=False):
    """The actions of a tenant, or of the fleet."""

    sets: tuple[ActionSet, ...]
    """The most important first; sets whose guidance is shown by other sets are left out."""
    sources: tuple[tuple[str, str | None], ...]
    """Label and address of each document; None if the address is not https."""


def action_sets(ordered: Sequence[RankedAction], index: FindingIndex, l10n: Labels) -> ActionSets:
    """Return actions in their order, with those about the same product combined into one set.

    Guidance that several actions share is shown by the first of them.
    """
    by_product = _by_product(ordered)
    groups: dict[tuple[str, object], list[RankedAction]] = {}
    for product, entries in by_product:
        for entry in entries:
            groups.setdefault((product, _guidance_key(entry.action)), []).append(entry)
    firsts = {group[0].plan_index for group in groups.values()}
    documents: dict[int, list[_Document]] = {
        entry.plan_index: [
            (link.label, link.address if is_https(link.address) else None) for link in entry.action.links
        ]
        for entry in ordered
        if entry.plan_index in firsts
    }
    sources = dict.fromkeys(document for listed in documents.values() for document in listed)
    numbers = {source: number for number, source in enumerate(sources, start=1)}
    guide_counts = Counter(product for product, _ in groups)
    movements = {
        product: _movement(product, entries[0].action, index, l10n)
        for product, entries in by_product
        if product and guide_counts[product] > 1
    }
    shown = GuidanceParts()
    guides = {
        group[0].plan_index: _guide(
            group,
            sorted(map(numbers.__getitem__, documents[group[0].plan_index])),
            shown,
            index,
            l10n,
            movement=movements.get(product, ""),
        )
        for (product, _), group in groups.items()
    }
    sets = [_action_set(product, entries, guides, movements, index, l10n) for product, entries in by_product]
    return ActionSets(sets=tuple(action_set for action_set in sets if action_set.guides), sources=tuple(sources))


def _by_product(ordered: Sequence[RankedAction]) -> list[tuple[str, list[RankedAction]]]:
    """Return groups of actions with their skuId; those about one product are grouped, in the order of the plan.

    An action about no product, and the only action about a product, form a group of one with an empty skuId.
    """
    counts = Counter(map(_product, ordered))
    sets: dict[str, list[RankedAction]] = {}
    for entry in ordered:
        sets.setdefault(_product(entry) if counts[_product(entry)] > 1 else entry.anchor, []).append(entry)
    return [
        (_product(entries[0]) if len(entries) > 1 else "", sorted(entries, key=lambda entry: entry.plan_index))
        for entries in sets.values()
    ]


def _product(entry: RankedAction) -> str:
    """Return the skuId of the product that an action is about, or the anchor of the action if it is about none."""
    seats = entry.action.seats
    return entry.anchor if seats is None or seats.sku_id is None else seats.sku_id


def _movement(product: str, action: Action, index: FindingIndex, l10n: Labels) -> str:
    """Return how the actions about a product change its seats."""
    return "" if action.seats is None else seat_movement(l10n, _name(product, index), action.seats)


def _name(product: str, index: FindingIndex) -> str:
    return shortened(visible(index.context.names.get(product.casefold(), product)))


def _action_set(
    product: str,
    entries: Sequence[RankedAction],
    guides: Mapping[int, Guide],
    movements: Mapping[str, str],
    index: FindingIndex,
    l10n: Labels,
) -> ActionSet:
    set_guides = tuple(guides[entry.plan_index] for entry in entries if entry.plan_index in guides)
    first = entries[0]
    nearest = min(
        (entry for entry in entries if entry.action.due), key=lambda entry: str(entry.action.due), default=first
    )
    return ActionSet(
        product=_name(product, index) if product in movements else "",
        seats=movements.get(product, ""),
        severity=worst_severity(entry.weight.severity for entry in entries),
        money=amounts_text([entry.action for entry in entries], l10n),
        due=nearest.due,
        count=len(entries),
        findings=sum(entry.weight.findings for entry in entries),
        first=first,
        guides=set_guides,
    )


def _guidance_key(action: Action) -> object:
    """Return a key that is equal for actions with the same guidance, which is shown once to keep the file small."""
    how = (action.role, action.prerequisites, action.steps, action.irreversible, action.warnings, action.links)
    return action.order, action.decided_by, action.confidence, how, action.next


def _guide(
    group: Sequence[RankedAction],
    sources: Sequence[int],
    shown: GuidanceParts,
    index: FindingIndex,
    l10n: Labels,
    *,
    movement: str,
) -> Guide:
    """Return the guidance of a group of actions; `shown` collects the guidance that the page has shown so far.

    `movement` is the sentence about seats that the set of actions shows already.
    """
    first = group[0].action
    first = replace(first, prerequisites=tuple(text for text in first.prerequisites if text != movement))
    articles = {"" if (arguments := entry.action.title_arguments) is None else arguments.article for entry in group}
    article = articles.pop() if len(group) > 1 and len(articles) == 1 else ""
    suffix = about(l10n, "", article) if article else ""
    return Guide(
        actions=tuple(_guided(entry, entry.action.title.removesuffix(suffix), index, l10n) for entry in group),
        severity=worst_severity(entry.weight.severity for entry in group),
        money=amounts_text([entry.action for entry in group], l10n),
        findings=sum(entry.weight.findings for entry in group),
        policies=policies_text([entry.action for entry in group], index, l10n),
        guidance=shown.add_action(first, (group[0].anchor, first.title)),
        sources=tuple(sources),
    )


def _guided(entry: RankedAction, title: str, index: FindingIndex, l10n: Labels) -> GuidedAction:
    requests = entry.action.requests
    listed = tuple(map(_request_text, islice(requests, _REQUESTS if index.long else LONG_PAGE)))
    stats, limit = index.concerns[entry.action.id], _NAMES if index.long else NAMED
    return GuidedAction(
        entry=entry,
        title=title,
        who=l10n.first_people([visible(name) for name in stats.names[:limit]], limit, total=stats.people),
        requests=listed,
        more_requests=len(requests) - len(listed),
    )


def _request_text(request: Mapping[str, Any]) -> Markup:
    """Return the text of a request: method and path, body, PowerShell line."""
    head = " ".join(str(request[key]) for key in ("method", "path") if request.get(key))
    body = line(request["body"]).decode().strip() if request.get("body") else ""
    lines = (head, body, str(request.get("powershell") or ""))
    text = visible("\n".join(filter(None, lines)), keep="\n")
    # Quotation marks need no escaping between elements; requests have many, and escaped they are five times as long.
    return Markup(str(escape(text)).replace("&#34;", '"').replace("&#39;", "'"))  # noqa: S704 - escaped here
