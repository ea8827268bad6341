"""Determines which groups people can leave and join through Graph, and what they give; updates the members table."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

import pyarrow as pa

from auditor.engine.groups import GroupFact
from auditor.engine.tenant_facts import TenantFacts
from auditor.remedy.planner.simulation.accounts import Account
from auditor.remedy.planner.simulation.membership_rules import rule_matches, rule_properties
from auditor.snapshot.schema import MEMBERS

REFUSALS: Mapping[str, str] = {
    "unread": "Resource does not exist.",
    "dynamic": "Insufficient privileges to complete the operation.",
    "synced": "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects "
    "currently undergoing migration.",
    "role": "Insufficient privileges to complete the operation.",
    "mail": "Unable to update the specified properties for objects that have originated within an external service.",
    "nested": "The transitive members of other groups are not known.",
    "rule": "Which dynamic groups the person would be in is not known.",
}
"""Code → Graph's error for a change of members; `unread`, `nested` and `rule` are reasons of the plan itself."""


class Memberships:
    """The groups of a tenant, and how their members can be changed."""

    def __init__(self, facts: TenantFacts) -> None:
        self._facts = facts
        self.groups: Mapping[str, GroupFact] = {group.id: group for group in facts.groups}
        self._member_ids: dict[str, frozenset[str]] = {}
        self._refusals: dict[str, str | None] = {}
        self._changeable_groups: dict[str, tuple[str, ...]] = {}

    def refusal(self, group_id: str) -> str | None:
        """Return why no request can change the members of a group, as a key of REFUSALS; None if one can."""
        if group_id not in self._refusals:
            self._refusals[group_id] = self._refusal(group_id)
        return self._refusals[group_id]

    def _refusal(self, group_id: str) -> str | None:
        group = self.groups.get(group_id)
        if group is None or group.types is None:
            return "unread"
        unified = any(kind.casefold() == "unified" for kind in group.types)
        if group.dynamic:
            return "dynamic"
        if group.on_premises_synced:
            return "synced"
        if group.role_assignable:
            return "role"
        if group.mail_enabled is not False and not unified:
            return "mail" if group.mail_enabled else "unread"
        return "nested" if self._is_unclear(group_id) else None

    def licences_of(self, group_id: str) -> Mapping[str, frozenset[str]] | None:
        """Return what a group gives a new member, skuId → plans that are off; None if no member shows it."""
        group = self.groups.get(group_id)
        if group is None or group.processing_state != "ProcessingComplete":
            return None
        services_off = {sku_id: self._disabled_plans.get((group_id, sku_id)) for sku_id in group.sku_ids}
        certain = {
            sku_id: next(iter(offs)) for sku_id, offs in services_off.items() if offs is not None and len(offs) == 1
        }
        return certain if certain and len(certain) == len(services_off) else None

    def changeable_groups(self, sku_id: str) -> tuple[str, ...]:
        """Return the groups that give a product and whose members requests can change."""
        if sku_id not in self._changeable_groups:
            giving = (group.id for group in self.groups.values() if sku_id in group.sku_ids)
            self._changeable_groups[sku_id] = tuple(group for group in giving if self.refusal(group) is None)
        return self._changeable_groups[sku_id]

    @cached_property
    def rule_properties(self) -> frozenset[str]:
        """The user properties in the rules of dynamic groups."""
        rules = (group.membership_rule for group in self.groups.values() if group.dynamic)
        return frozenset(name for rule in rules if rule for name in rule_properties(rule))

    def moves(self, account: Account, values: Mapping[str, Any]) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
        """Return the dynamic groups that a person leaves and joins if properties are set to these values.

        None if that is not known, or what a group gives. Groups without licences are included if their members were
        read, because a policy may use them.
        """
        left: list[str] = []
        joined: list[str] = []
        if not values:
            return (), ()
        changed = {name.casefold() for name in values}
        for group in self.groups.values():
            rule, state = group.membership_rule or "", (group.membership_rule_state or "").casefold()
            named = {name.casefold() for name in rule_properties(rule)} if group.dynamic else set[str]()
            if not named & changed or state == "paused" or not (group.sku_ids or group.members_status.is_read):
                continue
            matches = rule_matches(rule, {**account.rule_values, **values})
            if matches is None or state != "on":
                return None
            if matches is self._is_member(account, group):
                continue
            if matches and group.sku_ids and self.licences_of(group.id) is None:
                return None
            (joined if matches else left).append(group.id)
        return tuple(left), tuple(joined)

    def _is_member(self, account: Account, group: GroupFact) -> bool:
        if group.id in account.left | account.joined or not group.members_status.is_read:
            return group.id in account.joined or any(grant.group == group.id for grant in account.grants)
        if group.id not in self._member_ids:
            members = self._facts.snapshot.members_of(group.id, transitive=False)
            self._member_ids[group.id] = frozenset(members.to_pylist())
        return account.id in self._member_ids[group.id]

    @cached_property
    def _disabled_plans(self) -> Mapping[tuple[str, str], set[frozenset[str]]]:
        """(group, skuId) → the sets of plans that are off in the paths of its members."""
        services_off: dict[tuple[str, str], set[frozenset[str]]] = {}
        for batch in self._facts.snapshot.batches(("id",), ("user", "skuId", "assignedByGroup", "pathDisabledPlans")):
            links = batch.assignments
            rows = links.filter(links.column("assignedByGroup").is_valid())
            table = pa.Table.from_batches([rows]).select(["skuId", "assignedByGroup", "pathDisabledPlans"])
            for row in table.to_pylist():
                key = row["assignedByGroup"], row["skuId"].lower()
                services_off.setdefault(key, set()).add(frozenset(row["pathDisabledPlans"] or ()))
        return services_off

    @cached_property
    def _nested_groups(self) -> Mapping[str, frozenset[str] | None]:
        """Group whose transitive members were read → the groups nested in it; None if not all are known."""
        return {
            group.id: self._find_nested_groups(group.id)
            for group in self.groups.values()
            if group.transitive_members_status.is_read
        }

    def _find_nested_groups(self, group_id: str) -> frozenset[str] | None:
        nested: set[str] = set()
        pending = [group_id]
        while pending:
            group = self.groups.get(pending.pop())
            if group is None or group.nested_groups is None:
                return None
            new = set(group.nested_groups) - nested - {group_id}
            nested |= new
            pending += sorted(new)
        return frozenset(nested)

    def _is_unclear(self, group_id: str) -> bool:
        """Whether a policy may use transitive members on which the effect of a change of this group is not known."""
        return any(
            (nested is None and outer != group_id)
            or (
                (outer == group_id or (nested is not None and group_id in nested))
                and any(not self.groups[group].members_status.is_read for group in {outer, *(nested or ())})
            )
            for outer, nested in self._nested_groups.items()
        )

    def tables(self, accounts: Iterable[Account]) -> Mapping[str, pa.Table]:
        """Return the members table after accounts left and joined groups; empty if nobody did."""
        changed = [account for account in accounts if account.left or account.joined]
        if not changed:
            return {}
        rows = self._facts.snapshot.table("members").to_pylist()
        direct = {(row["groupId"], row["userId"]) for row in rows if not row["transitive"]}
        nested = {(row["groupId"], row["userId"]) for row in rows if row["transitive"]}
        for account in changed:
            direct -= {(group, account.id) for group in account.left}
            direct |= {(g, account.id) for g in account.joined if self.groups[g].members_status.is_read}
            for outer, nested_groups in self._nested_groups.items():
                group_ids = {outer, *(nested_groups or ())}
                if group_ids.isdisjoint({*account.left, *account.joined}):
                    continue
                is_member = any((group, account.id) in direct for group in group_ids)
                nested = nested | {(outer, account.id)} if is_member else nested - {(outer, account.id)}
        members = [
            {"groupId": group, "userId": user, "transitive": transitive}
            for transitive, pairs in ((False, direct), (True, nested))
            for group, user in sorted(pairs)
        ]
        return {"members": pa.Table.from_pylist(members, MEMBERS)}
