"""Turns groups of remedies into the actions of a tenant, in an order that is safe to execute."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from auditor.catalogue import builtin
from auditor.domain.actions.action import Action
from auditor.domain.actions.kind import NUMBERED, ActionKind
from auditor.domain.actions.product_names import all_of
from auditor.domain.actions.seat_movement import SeatMovement, plan_note, renewal_price_note, seat_movement
from auditor.domain.actions.title import TitleArguments
from auditor.domain.errors import printable
from auditor.domain.money import difference
from auditor.remedy import messages
from auditor.remedy.actions.action_groups import AT_GROUPS, COUNTED_IN_SEATS, ActionGroup, shared_facts
from auditor.remedy.actions.action_inputs import ActionInputs
from auditor.remedy.actions.breakdown import breakdown_notes, named_groups, named_products, price_notes
from auditor.remedy.actions.guidance.text import GuidanceText
from auditor.remedy.actions.money import costs, counted_once, renewal_price
from auditor.remedy.actions.ranks import due_of, with_ranks
from auditor.remedy.actions.seats.notes import coverage_notes, quota_notes, recent_notes, removal_notes
from auditor.remedy.actions.seats.projection import TAKING
from auditor.remedy.actions.subscription_terms import totals
from auditor.remedy.kinds import ABOUT_GROUPS, GENERAL_ARTICLES, ORDER, REVIEW_ARTICLES, REVIEWED
from auditor.remedy.product_kinds import may_have
from auditor.remedy.titles import action_title

_SUBSCRIPTION_KINDS = NUMBERED | {
    ActionKind.STATE,
    ActionKind.EXPIRING,
    ActionKind.TRIAL,
    ActionKind.PURCHASE,
    ActionKind.UNKNOWN_PRODUCT,
}
_DATED = (_SUBSCRIPTION_KINDS | {ActionKind.CONTRACT_NOTICE, ActionKind.CONTRACT_ENDING}) - {ActionKind.REMOVE_NOW}
"""Kinds with steps into which the date is inserted; the steps of a removal name the date of the renewal."""
_SEAT_KINDS = _SUBSCRIPTION_KINDS | {ActionKind.SETTLED, ActionKind.CAP}
_MAILBOX = "shared-mailbox"
"""The article of actions about shared mailboxes."""
_KIND_RANKS = {kind: rank for rank, kind in enumerate(ORDER)}


ListedGroup = tuple[ActionGroup, Sequence[str], Sequence[Mapping[str, Any]]]
"""A group, the sorted fingerprints of all its findings, and all its requests."""


def actions_from(inputs: ActionInputs, groups: Iterable[ListedGroup]) -> tuple[Action, ...]:
    """Return the action of each group, in an order that is safe to execute."""
    actions_by_group = [
        (group, _action(inputs, group, fingerprints, requests)) for group, fingerprints, requests in groups
    ]
    actions_by_group.sort(key=lambda item: _sort_key(inputs, *item))
    actions_by_group = counted_once(actions_by_group, inputs.context)
    actions = list(_with_distinct_titles(inputs, [action for _, action in actions_by_group]))
    severities = [group.concern.worst for group, _ in actions_by_group]
    return with_ranks(actions, severities, inputs.context.today, inputs.l10n)


def _with_distinct_titles(inputs: ActionInputs, actions: Sequence[Action]) -> Iterator[Action]:
    """Append the article to titles that several actions share, and to those about leavers, guests and mailboxes.

    To titles that are equal nevertheless, append the products if the text lacks them, otherwise the owners.
    """
    titles = Counter(action.title for action in actions)
    with_articles = []
    for action in actions:
        is_distinct = titles[action.title] == 1 or action.guidance in GENERAL_ARTICLES
        has_article = not is_distinct or action.guidance in REVIEW_ARTICLES
        article = inputs.library.titles[action.guidance]
        with_articles.append(_retitled(inputs, action, article=article) if has_article else action)
    titles = Counter(action.title for action in with_articles)
    for action in with_articles:
        arguments = action.title_arguments
        named = () if arguments is None else (arguments.old, *arguments.also)
        distinction = printable(action.owner) if all(name in action.title for name in named) else ", ".join(named)
        yield _retitled(inputs, action, distinction=distinction) if titles[action.title] > 1 else action


def _retitled(inputs: ActionInputs, action: Action, **changes: str) -> Action:
    """Return an action with other arguments of its title."""
    assert action.title_arguments is not None
    arguments = replace(action.title_arguments, **changes)
    return replace(
        action, title=action_title(inputs.l10n, ActionKind(action.kind), arguments), title_arguments=arguments
    )


def _action(
    inputs: ActionInputs, group: ActionGroup, fingerprints: Sequence[str], requests: Sequence[Mapping[str, Any]]
) -> Action:
    first, l10n, article = group.first, inputs.l10n, group.article
    count = group.seats if first.kind in COUNTED_IN_SEATS else group.people
    due = due_of(group, inputs.context.tenant, inputs.context.today)
    guidance = inputs.guidance(article, shared_facts(group.variants), due if first.kind in _DATED else None)
    if first.kind is ActionKind.SETTLED:
        step = l10n.gettext(messages.SETTLED, product=inputs.product_label(first.old))
        guidance = replace(guidance, steps=(step,), prerequisites=(), notices=(), cautions=(), irreversible=())
    before, after = costs(inputs.context, group, count)
    arguments = _title_arguments(inputs, group, count)
    owners = _owners(inputs, group)
    owner = ", ".join(owners)
    resolved = _labels(inputs, group.seats_resolved)
    review = not first.answered and (first.kind in REVIEWED or article in REVIEW_ARTICLES or bool(group.lost))
    return Action(
        id=inputs.identity(group),
        guidance=article,
        findings=fingerprints,
        title=action_title(l10n, first.kind, arguments),
        title_arguments=arguments,
        role=guidance.role,
        prerequisites=(*_prerequisites(inputs, group, count), *guidance.prerequisites),
        steps=guidance.steps,
        warnings=_warnings(inputs, group, guidance),
        links=guidance.links,
        next=(
            *([l10n.gettext(messages.SEATS_RESOLVED, product=resolved)] if resolved else []),
            *guidance.next,
        ),
        checked=guidance.checked,
        requests=requests,
        money=difference(before, after),
        kind=first.kind.value,
        order=ORDER[first.kind].value,
        count=count,
        owner=owner,
        owners=owners,
        decided_by=(owner or l10n.gettext(messages.POLICY_OWNER)) if review else "",
        confidence="review" if review else "certain",
        irreversible=guidance.irreversible,
        before=before,
        after=after,
        seats=group.moved if group.moved is not None and group.moved.sku_id else None,
        due=None if due is None else due.day,
        due_included=due is not None and due.included,
        sku_id=first.old if first.kind in _SEAT_KINDS else "",
        concern=group.concern,
    )


def _owners(inputs: ActionInputs, group: ActionGroup) -> tuple[str, ...]:
    """Return the owners of the policies behind an action, the one with the worst finding first."""
    policies = [inputs.context.policies.get(name) for name in group.ordered_policies]
    return tuple(dict.fromkeys(policy.owner for policy in policies if policy is not None and policy.owner))


def _sort_key(inputs: ActionInputs, group: ActionGroup, action: Action) -> tuple[object, ...]:
    """Return the sort key of an action, which does not depend on the language."""
    first, (worst, _), title = group.first, group.worst, action.title_arguments
    assert title is not None
    saved = Decimal(0) if action.money is None else action.money.per_month
    names = (title.old, title.also, title.others, inputs.product_label(first.new), first.extra)
    return (ORDER[first.kind].rank, worst, -saved, _KIND_RANKS[first.kind], *names, -action.count, action.id)


def _title_arguments(inputs: ActionInputs, group: ActionGroup, count: int) -> TitleArguments:
    remedy, extra = group.first, group.first.extra
    (old, *also), others = _old_products(inputs, group)
    new = _sufficient_products(inputs, group) or tuple(filter(None, (inputs.product_label(remedy.new),)))
    groups = 1
    match remedy.kind:
        case ActionKind.LEAVE_GROUP if group.breakdown is not None:
            extra, groups = named_groups(group.breakdown, inputs.group_label), len(group.breakdown.groups)
        case kind if kind in AT_GROUPS | ABOUT_GROUPS:
            extra, groups = tuple(map(inputs.group_label, extra)), len(extra)
        case ActionKind.SERVICE_ON | ActionKind.SERVICE_OFF:
            new = tuple(map(_service_label, remedy.new.split(", "))) if remedy.new else ()
            extra = tuple(map(_service_label, extra))
        case ActionKind.TO_DIRECT | ActionKind.REPROCESS | ActionKind.BUDGET:
            extra = ()  # the title names no group, no error and no text
        case _:
            pass
    return TitleArguments(
        count=count,
        old=old,
        also=tuple(also),
        others=others,
        new=tuple(map(printable, new)),
        extra=tuple(map(printable, extra)),
        groups=groups,
        mailboxes=remedy.article == _MAILBOX,
        decided=not remedy.declined if remedy.answered else None,
        blocked=remedy.blocked,
        ended=group.ended,
        unneeded=group.unneeded,
        money=remedy.money,
    )


def _old_products(inputs: ActionInputs, group: ActionGroup) -> tuple[tuple[str, ...], int]:
    """Return the names of the products that are removed or concerned, and the number of those that are not named."""
    label = inputs.product_label
    if group.breakdown is None:
        return (label(group.first.old),), 0
    return named_products(group.breakdown, group.people, label, inputs.context.price)


def _labels(inputs: ActionInputs, products: Iterable[str]) -> str:
    return ", ".join(map(inputs.product_label, products))


def _prerequisites(inputs: ActionInputs, group: ActionGroup, count: int) -> Iterator[str]:
    """Yield what to know about the seats and the people before the documented prerequisites."""
    yield from _seat_notes(inputs, group, count)
    yield from recent_notes(group, inputs.context, inputs.l10n)
    if group.asked_elsewhere:
        yield inputs.l10n.gettext(messages.ASKED_ELSEWHERE)
    if group.breakdown is not None:
        l10n, label, price = inputs.l10n, inputs.product_label, inputs.context.price
        yield from breakdown_notes(l10n, group.breakdown, label, inputs.group_label, price)
        if group.first.kind in TAKING:
            yield from price_notes(l10n, group.breakdown, label, price)


def _seat_notes(inputs: ActionInputs, group: ActionGroup, count: int) -> Sequence[str]:
    l10n, moved, label = inputs.l10n, group.moved, inputs.product_label
    if group.covered:
        needed = coverage_notes(inputs.context, group, label, l10n)
        return [*needed, messages.covered_elsewhere(l10n, group.covered)]
    if group.lacking:
        notes = [messages.seats_lacking(l10n, count, label(sku)) for sku, count in group.lacking.items() if count]
        if elsewhere := _labels(inputs, (sku_id for sku_id, count in group.lacking.items() if not count)):
            notes.append(l10n.gettext(messages.SEATS_ELSEWHERE, product=elsewhere))
        return notes
    beside_paid = moved is not None and (moved.trial or 0) < moved.usable and not moved.added
    kinds = NUMBERED | {ActionKind.SETTLED, *([ActionKind.TRIAL] if beside_paid else [])}
    if moved is not None and (group.first.kind in kinds or group.seats_resolved):
        name = label(moved.sku_id or group.first.old)
        return [seat_movement(l10n, name, moved), *_number_notes(inputs, group, moved), *_total(inputs, group, count)]
    if group.first.kind is ActionKind.QUOTA:
        return list(quota_notes(group, l10n))
    if group.first.kind is ActionKind.COVER:
        return list(coverage_notes(inputs.context, group, label, l10n))
    if group.unneeded and moved is not None:
        numbers = {"needed": l10n.number(moved.assigned_after), "usable": l10n.number(moved.usable)}
        return [l10n.gettext(messages.NOT_NEEDED, product=label(group.first.old), **numbers)]
    if group.first.kind is ActionKind.BOUNDS:
        return [*removal_notes(group, l10n), l10n.gettext(messages.BOUNDS_FIRST)]
    if group.first.kind in NUMBERED and not group.first.proven:
        return [*_total(inputs, group, count), *removal_notes(group, l10n)]
    sufficient = all_of(l10n, _sufficient_products(inputs, group))
    return [l10n.gettext(messages.ANY_OF, products=sufficient)] if sufficient else ()


def _number_notes(inputs: ActionInputs, group: ActionGroup, moved: SeatMovement) -> Iterator[str]:
    """Yield why the number of seats can differ from that of a plan, and the price with which a saving is counted."""
    if group.first.kind in NUMBERED and moved.sku_id and not inputs.planned and (note := plan_note(inputs.l10n, moved)):
        yield note
    yield from removal_notes(group, inputs.l10n)
    price = renewal_price(inputs.context, group)
    if price is not None and price.money is not None:
        yield renewal_price_note(inputs.l10n, price.money, price.day)


def _total(inputs: ActionInputs, group: ActionGroup, count: int) -> tuple[str, ...]:
    """Return the new total of seats if the subscriptions are known, unless the seat movement shows it already."""
    remedy = group.first
    purchased = totals(inputs.context.tenant, remedy.old) if remedy.kind in NUMBERED else None
    if purchased is None or not count:
        return ()
    subscriptions, now = purchased
    if subscriptions == 1 and group.moved is not None and now == group.moved.usable + group.moved.revived:
        return ()
    target = now + (count if remedy.kind is ActionKind.BUY else -count)
    if target < 0:
        return ()  # some of the seats are those of a trial
    product = inputs.product_label(remedy.old)
    return (messages.seats_total(inputs.l10n, product, now=now, then=target, subscriptions=subscriptions),)


def _sufficient_products(inputs: ActionInputs, group: ActionGroup) -> tuple[str, ...]:
    """Return the products of the tenant in the product set that a policy requires."""
    context, required = inputs.context, group.first.new
    is_set = required in context.members and required not in context.seats
    return tuple(sorted(map(inputs.product_label, set(context.choices(required))))) if is_set else ()


def _warnings(inputs: ActionInputs, group: ActionGroup, guidance: GuidanceText) -> tuple[str, ...]:
    l10n, first = inputs.l10n, group.first
    lost = all_of(l10n, sorted(l10n.gettext(_service_label(name)) for name in group.lost))
    specific = [l10n.gettext(messages.SERVICES_LOST, services=printable(lost))] if lost else []
    specific += [l10n.gettext(messages.SECURITY_NOT_REPORTED)] if first.kind is ActionKind.DOWNGRADE else []
    if first.kind in {ActionKind.GROUP_LICENCE, ActionKind.GROUP_SWAP}:
        groups = map(inputs.group_label, first.extra)
        specific += [l10n.gettext(messages.WHOLE_GROUP, group=label) for label in groups]
    if first.kind is ActionKind.MOVE and group.has_requests and not first.proven:
        specific.append(l10n.gettext(messages.EVERYTHING_ON, product=inputs.product_label(first.new)))
    others = _other_products(inputs, group)
    if others:
        listed = all_of(l10n, sorted(map(inputs.product_label, others)))
        specific.append(l10n.gettext(messages.OTHER_PRODUCTS, products=listed))
    products = [] if others is None else [*group.people_by_product, *others]
    cautions = [text for text, part in guidance.cautions if not part or may_have(part, products)]
    return (*guidance.notices, *specific, *cautions)


def _other_products(inputs: ActionInputs, group: ActionGroup) -> set[str] | None:
    """Return the products that people lose besides those of the action because they leave groups; None if unknown."""
    left = group.first.old_groups if group.breakdown is None else group.breakdown.groups
    if not inputs.products_of_groups.keys() >= set(left):
        return None
    return {sku_id for name in left for sku_id in inputs.products_of_groups[name]}.difference(group.people_by_product)


def _service_label(name: str) -> str:
    """Return the friendly name of a service plan followed by Graph's name; only Graph's name if there is no other."""
    title = builtin().plan_title(name)
    return f"{title} ({name})" if title.casefold() != name.casefold() else name
