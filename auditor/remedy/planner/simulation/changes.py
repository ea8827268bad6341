"""What the requests of a plan change, in their order: the state before, what each waits for, and what takes it back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from auditor.domain.result.model import Action
from auditor.engine.tenant_facts import TenantFacts
from auditor.remedy.planner.simulation.accounts import Account
from auditor.remedy.planner.simulation.tenant import TenantState, apply, copied
from auditor.remedy.requests import (
    Addition,
    Command,
    assign_group,
    assign_user,
    join_group,
    leave_group,
    properties_of,
    set_property,
    subject_of,
)

_REPROCESSED = "Reprocessing has nothing to take back: what a group gave with it stays until the group changes."
_NO_LOCATION = "Graph takes no empty usageLocation."
_UNREAD = "The snapshot does not tell the {name} that was there before."
_UNKNOWN_SERVICES = "The snapshot does not tell which services the group leaves off."


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One request of an action."""

    number: int
    """Its number within the action, from 1."""
    command: Command
    user: str
    """Empty for a change of what a group gives."""
    group: str
    """Empty for a change of a person only."""
    waits: tuple[tuple[str, str], ...]
    """(skuId, group id) pairs that earlier requests lead to: the person must have them before."""
    seats: Mapping[str, int]
    """SkuId → seats that it takes; below zero for seats that it frees."""
    undo: Command | None
    final: str
    """Why nothing takes it back; empty where `undo` does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupState:
    """What a group gives in the snapshot, and to whom."""

    name: str
    licenses: Mapping[str, frozenset[str] | None]
    """SkuId → the plans that are off; None where no member tells."""
    members: tuple[str, ...] | None
    """Ids of all its people, for groups whose licences a request changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The steps of a tenant's plan, and the snapshot's state of all people and groups that they change."""

    steps: Mapping[str, tuple[Step, ...]]
    """Action id → its steps; actions without requests have none."""
    accounts: Mapping[str, Account]
    properties: Mapping[str, Mapping[str, str | None]]
    """User id → the values before of the properties that are set, as far as they were read."""
    groups: Mapping[str, GroupState]
    products: Mapping[str, str]
    """SkuId → skuPartNumber."""


def changes_of(facts: TenantFacts, state: TenantState, actions: Sequence[Action]) -> Changes:
    """Follow the requests of actions in their order, on a copy of the state."""
    commands = {action.id: tuple(map(_command, action.requests)) for action in actions if action.requests}
    properties = _values(facts, [command for each in commands.values() for command in each])
    simulation = _Simulation(facts=facts, first=state, after=copied(state), values=properties)
    steps = {
        action: tuple(simulation.step(number, command) for number, command in enumerate(each, start=1))
        for action, each in commands.items()
    }
    taken = [step for each in steps.values() for step in each]
    return Changes(
        steps=steps,
        accounts={step.user: state.accounts[step.user] for step in taken if step.user},
        properties=properties,
        groups={step.group: _group(step, state) for step in taken if step.group},
        products={sku.sku_id: sku.part_number for sku in facts.skus if sku.part_number},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Simulation:
    facts: TenantFacts
    first: TenantState
    """The state of the snapshot."""
    after: TenantState
    """The state after the steps so far; changed in place."""
    values: Mapping[str, Mapping[str, str | None]]
    """Values of properties before; every property is set once."""

    def step(self, number: int, command: Command) -> Step:
        """Apply a request and return its step."""
        kind, identifier = subject_of(command)
        user = identifier if kind == "users" else ""
        group = command.path.split("/")[2] if command.path.startswith("/groups/") else ""
        before = self.after.accounts[user] if user else None
        given = self.after.groups.get(group, {})
        consumed = dict(self.after.consumed)
        apply(self.after, command)
        if before is None:
            undo, final = self._regained(group, given)
        elif command.method == "PATCH":
            undo, final = self._reset(user, properties_of(command))
        else:
            undo, final = self._returned(command, before, self.after.accounts[user])
        waits = () if before is None else tuple(sorted(_active(before) - _active(self.first.accounts[user])))
        counts = ((sku, count - consumed.get(sku, 0)) for sku, count in self.after.consumed.items())
        seats = {sku: taken for sku, taken in counts if taken}
        return Step(
            number=number, command=command, user=user, group=group, waits=waits, seats=seats, undo=undo, final=final
        )

    def _reset(self, user: str, properties: Mapping[str, str | None]) -> tuple[Command | None, str]:
        """Set the properties to what they were."""
        ((name, _),) = properties.items()
        if name not in self.values.get(user, {}):
            return None, _UNREAD.format(name=name)
        old = self.values[user][name]
        return (None, _NO_LOCATION) if old is None and name == "usageLocation" else (set_property(user, name, old), "")

    def _returned(self, command: Command, before: Account, after: Account) -> tuple[Command | None, str]:
        """Let a person have the direct paths and the memberships as before."""
        if after.left != before.left or after.joined != before.joined:
            (group,) = (after.left ^ before.left) | (after.joined ^ before.joined)
            if command.method == "POST":
                return leave_group(group, before.id), ""
            return join_group(group, before.id, cloud=self.facts.manifest.cloud), ""
        if not command.path.endswith("/assignLicense"):
            return None, _REPROCESSED
        old, new = _direct(before), _direct(after)
        add = [
            Addition(sku_id=sku, disabled_plans=tuple(sorted(off))) for sku, off in old.items() if new.get(sku) != off
        ]
        return assign_user(before.id, add=add, remove=[sku for sku in new if sku not in old]), ""

    def _regained(self, group: str, before: Mapping[str, frozenset[str]]) -> tuple[Command | None, str]:
        """Let a group give what it gave."""
        after = self.after.groups[group]
        known = self.first.memberships.given(group)
        gone = [sku for sku in before if sku not in after]
        if known is None or any(sku not in known for sku in gone):
            return None, _UNKNOWN_SERVICES
        add = [Addition(sku_id=sku, disabled_plans=tuple(sorted(known[sku]))) for sku in gone]
        return assign_group(group, add=add, remove=[sku for sku in after if sku not in before]), ""


def _command(request: Mapping[str, Any]) -> Command:
    return Command(method=request["method"], path=request["path"], body=request["body"])


def _active(account: Account) -> set[tuple[str, str]]:
    return {(grant.sku_id, grant.group) for grant in account.grants if grant.group is not None and grant.active}


def _direct(account: Account) -> dict[str, frozenset[str]]:
    return {grant.sku_id: grant.off for grant in account.grants if grant.group is None}


def _values(facts: TenantFacts, commands: Sequence[Command]) -> dict[str, dict[str, str | None]]:
    """Return the values before of the properties that requests set, as far as they were read."""
    wanted = {subject_of(each)[1]: properties_of(each).keys() for each in commands if each.method == "PATCH"}
    names = sorted({name for own in wanted.values() for name in own if facts.asked(name)})
    found: dict[str, dict[str, str | None]] = {}
    if not names:
        return found
    for batch in facts.snapshot.batches(("id", *names, "notCollected"), None):
        for row in batch.users.to_pylist():
            hidden = set(row.get("notCollected") or ())
            for name in wanted.get(row["id"], ()):
                if name in row and name not in hidden:
                    found.setdefault(row["id"], {})[name] = row[name] or None
    return found


def _group(step: Step, state: TenantState) -> GroupState:
    known = state.memberships.given(step.group)
    fact = state.memberships.groups[step.group]
    return GroupState(
        name=fact.name or "",
        licenses={sku: None if known is None else known.get(sku) for sku in fact.sku_ids},
        members=None if step.user else tuple(sorted(state.members[step.group])),
    )
