"""Drafts the plan of one tenant within the constraints of earlier drafts: the changes, and the order of actions."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import MappingProxyType

from msgspec import Struct, field
from msgspec.structs import replace

from auditor.domain.actions.action import Action
from auditor.domain.actions.kind import ActionKind
from auditor.guidance import Order
from auditor.remedy.actions.action_groups import UNSORTED, ActionGroups
from auditor.remedy.actions.action_inputs import ActionInputs
from auditor.remedy.actions.endings import settle_endings
from auditor.remedy.actions.from_groups import actions_from
from auditor.remedy.actions.guidance.routes import route_of
from auditor.remedy.actions.remedies.choice import remedies_of
from auditor.remedy.actions.remedies.model import PlannedChange
from auditor.remedy.actions.seats.planned import add_decided, add_fixed, follow_renewals
from auditor.remedy.actions.seats.settlement import settle_seats
from auditor.remedy.planner.evaluated_options import Options
from auditor.remedy.planner.optimization.optimizer import Choice, choose_options
from auditor.remedy.planner.optimization.options import Limit, People
from auditor.remedy.planner.optimization.seat_limits import blocks_of, limits_of
from auditor.remedy.planner.proposals.evaluation import EvaluatedProposal
from auditor.remedy.planner.proposals.planned_changes import (
    describe_change,
    describe_group_change,
    split_change,
    split_removal,
)
from auditor.remedy.planner.simulation.replay import ReplayedRequest, replayed
from auditor.remedy.planner.simulation.seat_answers import DecidedSeatChange, feasible_change, followed_renewals
from auditor.remedy.planner.simulation.tenant import TenantState, copy_state
from auditor.remedy.requests import RequestKind

MAX_REORDERINGS = 9
"""How often actions are reordered before changes without a free seat are left out."""


class PlanConstraints(Struct, kw_only=True):
    """Constraints found by auditing earlier drafts; they grow with each draft."""

    barred: dict[str, str] = field(default_factory=dict)
    """User id → why the user is not changed."""
    limits: dict[str, Limit] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    """SkuId → why its seats are limited."""
    unfollowed: dict[str, str] = field(default_factory=dict)
    """SkuId → why decisions about its seats are not applied."""


class Draft(Struct, frozen=True, kw_only=True):
    """A plan that is not proven yet."""

    options: Options
    proposals: Mapping[str, EvaluatedProposal]
    """User id → the change that was chosen for the person."""
    changes: tuple[PlannedChange, ...]
    actions: tuple[Action, ...]
    choice: Choice
    state: TenantState
    """The state after all requests, in the order of the actions."""
    refused: Mapping[str, str]
    """User id → the error that Graph would return."""
    deferrals: Mapping[str, int]
    """Action id → how far it is moved behind others of its rank, so that they free seats first."""
    seats: Mapping[str, DecidedSeatChange]
    """SkuId → the change of its seats by decisions, as far as they can be applied."""
    skus_taken: Mapping[str, frozenset[str]]
    """Action id → the products of which its requests take seats, by skuId."""

    @property
    def claimed(self) -> frozenset[str]:
        """The fingerprints of the findings that its requests are meant to fix."""
        return frozenset(fingerprint for change in self.changes for fingerprint in change.findings)


def draft(options: Options, constraints: PlanConstraints, *, solver: str | None) -> Draft:
    """Choose an option for everybody, build the actions, and apply their requests in order to a copy of the state."""
    users = [user for user in options.evaluated if user not in constraints.barred]
    people = People.of([evaluated.option for evaluated in options.evaluated[user]] for user in users)
    seats = {sku_id: change for sku_id, change in options.seat_changes.items() if sku_id not in constraints.unfollowed}
    limits = limits_of(options.bound, constraints.limits, {sku_id: change.sku for sku_id, change in seats.items()})
    choice = choose_options(people, limits, solver=solver)
    proposals = {
        user: options.evaluated[user][index]
        for user, index in zip(users, choice.chosen, strict=True)
        if options.evaluated[user][index].fixed
    }
    parts = (part for user, evaluated in proposals.items() for part in _planned_changes(options, user, evaluated))
    answers = options.answered.answers
    changes = tuple(replace(part, answered=all(finding in answers for finding in part.findings)) for part in parts)
    actions = build_actions(options, frozenset(), changes)
    deferrals: dict[str, int] = {}
    result = _simulate(options, seats, actions, proposals)
    for attempt in range(1, MAX_REORDERINGS):
        if not result.refused:
            break
        new_deferrals = deferrals | dict.fromkeys(result.deferrals, attempt)
        new_result = _simulate(options, seats, order_actions(actions, new_deferrals), proposals)
        if len(new_result.refused) >= len(result.refused):
            break
        deferrals, result = new_deferrals, new_result
    result.state.seats = {
        sku_id: change
        for sku_id, decided in seats.items()
        for change in [feasible_change(decided, result.state.consumed[sku_id], blocks_of(options.bound, decided.sku))]
        if change.change or change.dates
    }
    return Draft(
        options=options,
        proposals=proposals,
        changes=changes,
        actions=order_actions(actions, deferrals),
        choice=choice,
        state=result.state,
        refused=result.refused,
        deferrals=deferrals,
        seats=result.state.seats,
        skus_taken=result.skus_taken,
    )


class _SimulationResult(Struct, frozen=True, kw_only=True):
    """The result of applying requests in an order."""

    state: TenantState
    refused: dict[str, str]
    deferrals: frozenset[str]
    """Ids of the actions with a refused request."""
    skus_taken: dict[str, frozenset[str]]
    """Action id → the products of which its requests take seats."""


def _simulate(
    options: Options,
    seats: Mapping[str, DecidedSeatChange],
    actions: Sequence[Action],
    proposals: Mapping[str, EvaluatedProposal],
) -> _SimulationResult:
    """Apply the requests of actions in order to a copy of the state; seats are bought before, given back afterwards."""
    state = copy_state(options.state, seats)
    refused: dict[str, str] = {}
    actions_by_key: dict[str, set[str]] = {}
    skus_taken: dict[str, frozenset[str]] = {}
    for step in replayed(state, actions):
        key = _key(options, step)
        actions_by_key.setdefault(key, set()).add(step.action)
        gained = {sku_id for sku_id, count in step.seats.items() if count > 0}
        skus_taken[step.action] = skus_taken.get(step.action, frozenset()) | gained
        if step.refusal is not None:
            refused[key] = step.refusal
    for user, evaluated in proposals.items():
        # A retry is never refused, but there may still be no seat for it.
        if user in refused or user in options.group_changes:
            continue
        if state.accounts[user].held != evaluated.proposal.after.held:
            refused[user] = "Subscription does not have any available licenses."
    return _SimulationResult(
        state=state,
        refused=refused,
        deferrals=frozenset().union(*(actions_by_key.get(user, ()) for user in refused)),
        skus_taken=skus_taken,
    )


def build_actions(
    options: Options,
    fixed_by_others: AbstractSet[str],
    changes: tuple[PlannedChange, ...],
    seats: Mapping[str, DecidedSeatChange] = MappingProxyType({}),
) -> tuple[Action, ...]:
    """Build the actions for the tenant's open findings, each finding in exactly one, in an order that is safe.

    Only the requests of `changes` are listed, because others were not simulated. Findings with a fingerprint in
    `fixed_by_others` (the error flag of a group, seats in use) are fixed by other requests and need no action of their
    own, nor do findings that stay as they are by a decision. `seats` are the purchases and renewals that were decided:
    one action per product is about their number.
    """
    context, routes = options.context, options.routes
    if excluded := fixed_by_others | options.left_findings:
        # The route of a finding depends on the other findings about the same subject.
        rerouted = {finding.subject.id for finding in context.findings if finding.fingerprint in excluded}
        kept = [pair for pair in zip(context.findings, routes, strict=True) if pair[0].fingerprint not in excluded]
        context = context.of([finding for finding, _ in kept])
        routes = [route_of(finding, context) if finding.subject.id in rerouted else route for finding, route in kept]
    remedies = remedies_of(context, routes, changes)
    groups = ActionGroups(context.owners)
    groups.add((UNSORTED, remedy if remedy.proven else replace(remedy, requests=())) for remedy in remedies)
    decided = {sku_id: change.paid_change for sku_id, change in seats.items() if change.paid_change}
    add_decided(groups, context, decided)
    settle_seats(groups, context, decided)
    if fixed_by_others:
        fixed = options.context.of([f for f in options.context.findings if f.fingerprint in fixed_by_others])
        add_fixed(groups, context, remedies_of(fixed, [route_of(finding, fixed) for finding in fixed.findings]))
    follow_renewals(groups, dict(followed_renewals(options.answered.answers, options.seat_changes, seats)))
    settle_endings(groups, context.today)
    names = options.bound.facts.group_names
    return actions_from(
        ActionInputs.of(context, options.library, options.l10n, names, planned=True),
        [(group, tuple(sorted(group.fingerprints)), tuple(group.documents)) for group in groups],
    )


def _key(options: Options, step: ReplayedRequest) -> str:
    """Return the key in the plan of the person or group that a request changes."""
    removed = set(step.request.body.get("removeLicenses", ()))
    group_keys = (
        key
        for key, group_change in options.group_changes.items()
        if group_change.group == step.group and removed.issuperset(group_change.sku_ids)
    )
    return step.user or next(group_keys, step.group)


def _planned_changes(options: Options, user: str, evaluated: EvaluatedProposal) -> Iterator[PlannedChange]:
    """Describe the change of one person or group.

    Retrying a group licence does not assign a product: if the rest of the change is also an option on its own, these
    are two actions.
    """
    if user in options.group_changes:
        yield describe_group_change(options.group_changes[user])
        return
    before, requests = options.state.accounts[user], evaluated.proposal.requests
    if evaluated.proposal.left or evaluated.proposal.joined or evaluated.proposal.moved:
        yield from itertools.starmap(describe_change, split_removal(before, evaluated))
        return
    rest_options = (
        option for option in options.evaluated[user] if option.fixed and option.proposal.requests == requests[:-1]
    )
    has_retry = evaluated.proposal.retried and requests[-1].target.kind is RequestKind.REPROCESS
    rest = next(rest_options, None) if has_retry else None
    fixed = () if rest is None else tuple(finding for finding in evaluated.fixed if finding not in rest.fixed)
    if rest is None or not fixed:
        yield from itertools.starmap(describe_change, split_change(before, evaluated))
        return
    retry = replace(evaluated.proposal, add=(), remove=(), location=None, requests=requests[-1:])
    yield from itertools.starmap(describe_change, split_change(before, rest))
    yield describe_change(rest.proposal.after, replace(evaluated, proposal=retry, fixed=fixed, lost=()))


def order_actions(actions: Sequence[Action], deferrals: Mapping[str, int]) -> tuple[Action, ...]:
    """Sort actions by rank, and within a rank deferred actions behind those that free their seats."""
    return tuple(sorted(actions, key=lambda action: (Order(action.order).rank, deferrals.get(action.id, 0))))


def bought_first(actions: Sequence[Action], skus_taken: Mapping[str, AbstractSet[str]]) -> tuple[Action, ...]:
    """Move purchases of seats before the first action whose requests take them, such as one that sets a property.

    A person who becomes a member of a dynamic group by the property gets the licences of the group. `skus_taken` are
    the skuIds of products of which seats are taken, by action id.
    """
    ordered = list(actions)
    for action in actions:
        if action.kind == ActionKind.BUY:
            buyer = ordered.index(action)
            taker = next(
                (index for index, candidate in enumerate(ordered) if action.sku_id in skus_taken.get(candidate.id, ())),
                buyer,
            )
            ordered.insert(min(taker, buyer), ordered.pop(buyer))
    return tuple(ordered)
