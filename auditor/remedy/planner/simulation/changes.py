"""Computes what the requests of a plan change: the state before, their prerequisites, and how to revert them."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from auditor.engine.tenant_facts import TenantFacts
from auditor.remedy.planner.simulation.accounts import Account, read_properties
from auditor.remedy.planner.simulation.replay import ReplayedRequest
from auditor.remedy.planner.simulation.tenant import TenantState
from auditor.remedy.requests import (
    Addition,
    GraphRequest,
    RequestKind,
    assign_group,
    assign_user,
    join_group,
    leave_group,
    properties_of,
    set_property,
)

_REPROCESSED = "Reprocessing has nothing to take back: what a group gave with it stays until the group changes."
_NO_LOCATION = "Graph takes no empty usageLocation."
_UNREAD = "The snapshot does not tell the {name} that was there before."
_UNKNOWN_SERVICES = "The snapshot does not tell which services the group leaves off."


class PlannedRequest(Struct, frozen=True, kw_only=True, gc=False):
    """One request of an action."""

    number: int
    """Its number within the action, from 1."""
    request: GraphRequest
    user: str
    """Empty if the request changes the licences of a group."""
    group: str
    """Empty if the request changes only a person."""
    waits: tuple[tuple[str, str], ...]
    """(skuId, group id) pairs that result from earlier requests, and that the person must have before this one."""
    seats: Mapping[str, int]
    """SkuId → seats that must be free before it; negative for seats that it frees.

    A seat that a person gets must be free before the first one is taken away: without it the person keeps all products.
    """
    undo: GraphRequest | None
    final: str
    """Why it cannot be reverted; empty if `undo` reverts it."""


class GroupState(Struct, frozen=True, kw_only=True):
    """The licences that a group gives in the snapshot, and its people."""

    name: str
    licenses: Mapping[str, frozenset[str] | None]
    """SkuId → the plans that are off; None if no member shows which."""
    members: tuple[str, ...] | None
    """Ids of all its people; None unless a request changes the licences of the group."""


class PlannedRequests(Struct, frozen=True, kw_only=True):
    """The steps of a tenant's plan, and the snapshot's state of all people and groups that they change."""

    steps: Mapping[str, tuple[PlannedRequest, ...]]
    """Action id → its steps; actions without requests have none."""
    accounts: Mapping[str, Account]
    properties: Mapping[str, Mapping[str, Any]]
    """User id → the previous values of the properties to set, as far as they were read."""
    groups: Mapping[str, GroupState]
    products: Mapping[str, str]
    """SkuId → skuPartNumber."""


def changes_of(facts: TenantFacts, state: TenantState, replay: Sequence[ReplayedRequest]) -> PlannedRequests:
    """Return the changes of replayed requests; `state` is the state of the snapshot."""
    set_names: dict[str, set[str]] = {}
    for step in replay:
        if step.request.target.kind is RequestKind.PROPERTY:
            set_names.setdefault(step.user, set()).update(properties_of(step.request))
    values = read_properties(facts, set_names.keys(), set().union(*set_names.values()))
    properties = {
        user: {name: value for name, value in values.get(user, {}).items() if name in names}
        for user, names in set_names.items()
    }
    undo = _Undo(facts=facts, initial=state, values=properties)
    steps: dict[str, list[PlannedRequest]] = {}
    for request in replay:
        steps.setdefault(request.action, []).append(undo.step(request))
    return PlannedRequests(
        steps={action: _seats_first(action_steps) for action, action_steps in steps.items()},
        accounts={request.user: state.accounts[request.user] for request in replay if request.user},
        properties={user: user_properties for user, user_properties in properties.items() if user_properties},
        groups={request.group: _group(request, state) for request in replay if request.group},
        products={sku.sku_id: sku.part_number for sku in facts.skus if sku.part_number},
    )


def _seats_first(steps: Sequence[PlannedRequest]) -> tuple[PlannedRequest, ...]:
    """Move the seats that a step takes to the person's first step that frees one, if that step comes before."""
    reordered = list(steps)
    freeing: dict[str, int] = {}
    for index, step in enumerate(steps):
        first = freeing.get(step.user) if step.user else None
        if first is not None and max(step.seats.values(), default=0) > 0:
            reordered[first] = replace(reordered[first], seats={**reordered[first].seats, **step.seats})
            reordered[index] = replace(step, seats={})
        if min(step.seats.values(), default=0) < 0:
            freeing.setdefault(step.user, index)
    return tuple(reordered)


class _Undo(Struct, frozen=True, kw_only=True):
    """Determines the requests that revert others."""

    facts: TenantFacts
    initial: TenantState
    """The state of the snapshot."""
    values: Mapping[str, Mapping[str, Any]]
    """Previous values of properties; every property is set at most once."""

    def step(self, replayed: ReplayedRequest) -> PlannedRequest:
        """Return the step of a request, with its prerequisites and the request that reverts it."""
        user, request, waits = replayed.user, replayed.request, set[tuple[str, str]]()
        if not user:
            undo, final = self._restore_group(replayed.group, *replayed.group_licences)
        else:
            before = replayed.before[user]
            waits = _active(before) - _active(self.initial.accounts[user])
            if request.target.kind is RequestKind.PROPERTY:
                undo, final = self._restore_property(user, properties_of(request))
            else:
                undo, final = self._restore_person(request, before, replayed.after[user])
        return PlannedRequest(
            number=replayed.number,
            request=request,
            user=user,
            group=replayed.group,
            waits=tuple(sorted(waits)),
            seats=replayed.seats,
            undo=undo,
            final=final,
        )

    def _restore_property(self, user: str, properties: Mapping[str, Any]) -> tuple[GraphRequest | None, str]:
        """Return the request that restores a property."""
        ((name, _),) = properties.items()
        if name not in self.values.get(user, {}):
            return None, _UNREAD.format(name=name)
        old = self.values[user][name]
        return (None, _NO_LOCATION) if old is None and name == "usageLocation" else (set_property(user, name, old), "")

    def _restore_person(
        self, request: GraphRequest, before: Account, after: Account
    ) -> tuple[GraphRequest | None, str]:
        """Return the request that restores the direct paths or the membership of a person."""
        if after.left != before.left or after.joined != before.joined:
            (group,) = (after.left ^ before.left) | (after.joined ^ before.joined)
            if request.target.kind is RequestKind.JOIN:
                return leave_group(group, before.id), ""
            return join_group(group, before.id, cloud=self.facts.manifest.cloud), ""
        if request.target.kind is RequestKind.REPROCESS:
            return None, _REPROCESSED
        old, new = _direct(before), _direct(after)
        add = [
            Addition(sku_id=sku, disabled_plans=tuple(sorted(disabled_plans)))
            for sku, disabled_plans in old.items()
            if new.get(sku) != disabled_plans
        ]
        return assign_user(before.id, add=add, remove=[sku for sku in new if sku not in old]), ""

    def _restore_group(
        self, group: str, before: Mapping[str, frozenset[str]], after: Mapping[str, frozenset[str]]
    ) -> tuple[GraphRequest | None, str]:
        """Return the request that restores the licences of a group."""
        services_off = self.initial.memberships.licences_of(group)
        removed = [sku for sku in before if sku not in after]
        if services_off is None or any(sku not in services_off for sku in removed):
            return None, _UNKNOWN_SERVICES
        add = [Addition(sku_id=sku, disabled_plans=tuple(sorted(services_off[sku]))) for sku in removed]
        return assign_group(group, add=add, remove=[sku for sku in after if sku not in before]), ""


def _active(account: Account) -> set[tuple[str, str]]:
    return {(grant.sku_id, grant.group) for grant in account.grants if grant.group is not None and grant.active}


def _direct(account: Account) -> dict[str, frozenset[str]]:
    return {grant.sku_id: grant.disabled_plans for grant in account.grants if grant.group is None}


def _group(step: ReplayedRequest, state: TenantState) -> GroupState:
    services_off = state.memberships.licences_of(step.group)
    fact = state.memberships.groups[step.group]
    return GroupState(
        name=fact.name or "",
        licenses={sku: None if services_off is None else services_off.get(sku) for sku in fact.sku_ids},
        members=None if step.user else tuple(sorted(state.members[step.group])),
    )
