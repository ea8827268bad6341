"""Draft the plan of one tenant within the constraints that earlier drafts led to: who changes how, in which order."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import MappingProxyType

from msgspec import Struct, field
from msgspec.structs import replace

from auditor.domain.actions.action import Action
from auditor.domain.actions.kind import ActionKind
from auditor.guidance import Library, Order
from auditor.remedy.actions.build import actions_of
from auditor.remedy.actions.guidance.routes import route_of
from auditor.remedy.actions.remedies.model import Decided
from auditor.remedy.actions.subscription_terms import terms_of
from auditor.remedy.messages import ENGLISH, Localizer
from auditor.remedy.planner.optimization.optimizer import Choice, choose_options
from auditor.remedy.planner.optimization.options import Limit
from auditor.remedy.planner.optimization.seat_limits import blocks_of, limits_of
from auditor.remedy.planner.proposals.change_kinds import changed, changed_group
from auditor.remedy.planner.proposals.change_parts import divided
from auditor.remedy.planner.proposals.evaluation import Weighed
from auditor.remedy.planner.simulation.replay import Replayed, replayed
from auditor.remedy.planner.simulation.seat_answers import SeatChange, followed, followed_renewals
from auditor.remedy.planner.simulation.tenant import TenantState, copied
from auditor.remedy.planner.weighed_options import Options

MAX_REORDERINGS = 9
"""How often actions are tried in another order before what finds no seat is left out."""


class PlanConstraints(Struct, kw_only=True):
    """The constraints that the audits of earlier drafts led to; they grow from draft to draft."""

    barred: dict[str, str] = field(default_factory=dict)
    """User id → why the user is left alone."""
    limits: dict[str, Limit] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    """SkuId → why its seats are limited."""
    unfollowed: dict[str, str] = field(default_factory=dict)
    """SkuId → why its seats stay as they are, whatever was decided."""


class Draft(Struct, frozen=True, kw_only=True):
    """A plan before its proof."""

    taken: Mapping[str, Weighed]
    decided: tuple[Decided, ...]
    actions: tuple[Action, ...]
    choice: Choice
    state: TenantState
    """The state after all requests, in the order of the actions."""
    refused: Mapping[str, str]
    """User id → what Graph would say."""
    deferrals: Mapping[str, int]
    """Action id → how far behind the others of its rank it goes, for the seats that they free."""
    seats: Mapping[str, SeatChange]
    """SkuId → what decisions make of its seats, as far as that can be followed."""
    takers: Mapping[str, frozenset[str]]
    """Action id → the products of which its requests take seats, by skuId."""


def draft(
    options: Options,
    constraints: PlanConstraints,
    library: Library,
    *,
    l10n: Localizer = ENGLISH,
    solver: str | None = None,
) -> Draft:
    """Choose for everybody, write the actions and apply their requests in order, on a copy."""
    users = [user for user in options.weighed if user not in constraints.barred]
    alternatives = [[weighed.option for weighed in options.weighed[user]] for user in users]
    seats = {sku_id: each for sku_id, each in options.seat_changes.items() if sku_id not in constraints.unfollowed}
    limits = limits_of(options.plan, constraints.limits, {sku_id: each.sku for sku_id, each in seats.items()})
    choice = choose_options(alternatives, limits, solver=solver)
    taken = {
        user: options.weighed[user][index]
        for user, index in zip(users, choice.chosen, strict=True)
        if options.weighed[user][index].fixed
    }
    parts = (one for user, weighed in taken.items() for one in _decided(options, user, weighed))
    answers = options.answered.answers
    decided = tuple(replace(one, answered=all(fingerprint in answers for fingerprint in one.findings)) for one in parts)
    actions = listed(options, frozenset(), decided, library, l10n)
    deferrals: dict[str, int] = {}
    ran = _simulated(options, seats, actions, taken)
    for turn in range(1, MAX_REORDERINGS):
        if not ran.refused:
            break
        later = deferrals | dict.fromkeys(ran.deferrals, turn)
        tried = _simulated(options, seats, reordered(actions, later), taken)
        if len(tried.refused) >= len(ran.refused):
            break
        deferrals, ran = later, tried
    ran.state.seats = {
        sku_id: each
        for sku_id, decided in seats.items()
        for each in [followed(decided, ran.state.consumed[sku_id], blocks_of(options.plan, decided.sku))]
        if each.change or each.dates
    }
    return Draft(
        taken=taken,
        decided=decided,
        actions=reordered(actions, deferrals),
        choice=choice,
        state=ran.state,
        refused=ran.refused,
        deferrals=deferrals,
        seats=ran.state.seats,
        takers=ran.takers,
    )


class _SimulationResult(Struct, frozen=True, kw_only=True):
    """What applying requests in an order came to."""

    state: TenantState
    refused: dict[str, str]
    deferrals: frozenset[str]
    """Ids of the actions in which something was refused."""
    takers: dict[str, frozenset[str]]
    """Action id → the products of which its requests take seats."""


def _simulated(
    options: Options, seats: Mapping[str, SeatChange], actions: Sequence[Action], taken: Mapping[str, Weighed]
) -> _SimulationResult:
    """Apply the requests of actions in their order, on a copy; seats are bought before, and given back afterwards."""
    state = copied(options.state, seats)
    refused: dict[str, str] = {}
    acting: dict[str, set[str]] = {}
    takers: dict[str, frozenset[str]] = {}
    for step in replayed(state, actions):
        key = _key(options, step)
        acting.setdefault(key, set()).add(step.action)
        gained = {sku_id for sku_id, count in step.seats.items() if count > 0}
        takers[step.action] = takers.get(step.action, frozenset()) | gained
        if step.refusal is not None:
            refused[key] = step.refusal
    for user, weighed in taken.items():
        # A retry is never refused; it may find no seat all the same.
        if user not in {*refused, *options.group_changes} and state.accounts[user].held != weighed.proposal.after.held:
            refused[user] = "Subscription does not have any available licenses."
    return _SimulationResult(
        state=state,
        refused=refused,
        deferrals=frozenset().union(*(acting.get(user, ()) for user in refused)),
        takers=takers,
    )


def listed(
    options: Options,
    passing: AbstractSet[str],
    decided: tuple[Decided, ...],
    library: Library,
    l10n: Localizer,
    seats: Mapping[str, SeatChange] = MappingProxyType({}),
) -> tuple[Action, ...]:
    """Write the actions for the tenant's findings, with all that the snapshot knows of groups and subscriptions.

    Findings with a fingerprint in `passing` are fixed besides and need no action; `seats` are the purchases and
    renewals that were decided.
    """
    facts, context, routes = options.plan.facts, options.context, options.routes
    if passing:
        context = context.of([finding for finding in context.findings if finding.fingerprint not in passing])
        routes = [route_of(finding, context) for finding in context.findings]
    return actions_of(
        context,
        routes,
        library,
        l10n=l10n,
        decided=decided,
        groups={group.id: group.name for group in facts.groups if group.name},
        terms=terms_of(facts),
        seats={sku_id: each.change for sku_id, each in seats.items() if each.change},
        renewals=dict(followed_renewals(options.answered.answers, options.seat_changes, seats)),
    )


def _key(options: Options, step: Replayed) -> str:
    """Return under which key the request stands in the plan."""
    removed = set(step.command.body.get("removeLicenses", ()))
    joint = (
        key
        for key, group_change in options.group_changes.items()
        if group_change.group == step.group and removed.issuperset(group_change.sku_ids)
    )
    return step.user or next(joint, step.group)


def _decided(options: Options, user: str, weighed: Weighed) -> Iterator[Decided]:
    """Name what a change of one person or group is.

    A group licence that is tried again is nothing that is assigned: if the rest is worth doing by itself, these are
    two actions.
    """
    if user in options.group_changes:
        yield changed_group(options.group_changes[user])
        return
    before, commands = options.state.accounts[user], weighed.proposal.commands
    if weighed.proposal.left or weighed.proposal.joined or weighed.proposal.moved:
        yield changed(before, weighed)
        return
    alone = (own for own in options.weighed[user] if own.fixed and own.proposal.commands == commands[:-1])
    apart = weighed.proposal.retried and commands[-1].path.endswith("/reprocessLicenseAssignment")
    rest = next(alone, None) if apart else None
    fixed = () if rest is None else tuple(finding for finding in weighed.fixed if finding not in rest.fixed)
    if rest is None or not fixed:
        yield from itertools.starmap(changed, divided(before, weighed))
        return
    again = replace(weighed.proposal, add=(), remove=(), location=None, commands=commands[-1:])
    yield from itertools.starmap(changed, divided(before, rest))
    yield changed(rest.proposal.after, replace(weighed, proposal=again, fixed=fixed, lost=()))


def reordered(actions: Sequence[Action], deferrals: Mapping[str, int]) -> tuple[Action, ...]:
    """Put actions that find no seat at first behind those of the same rank that free it."""
    return tuple(sorted(actions, key=lambda action: (Order(action.order).rank, deferrals.get(action.id, 0))))


def bought_first(actions: Sequence[Action], takers: Mapping[str, AbstractSet[str]]) -> tuple[Action, ...]:
    """Put what buys seats before the first action whose requests take them, such as one that sets a property.

    A person who becomes a member of a dynamic group by the property gets what the group gives. `takers` are the skuIds
    of these products by the id of the action.
    """
    ordered = list(actions)
    for action in actions:
        if action.kind == ActionKind.BUY:
            buyer = ordered.index(action)
            taker = next((n for n, each in enumerate(ordered) if action.sku_id in takers.get(each.id, ())), buyer)
            ordered.insert(min(taker, buyer), ordered.pop(buyer))
    return tuple(ordered)
