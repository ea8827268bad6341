"""Simulates requests on a snapshot: Graph's seat counting and Graph's errors, without calling Graph."""

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct, field
from msgspec.structs import replace

from auditor.arrays.rows import arrow_rows
from auditor.engine.tenant_facts import TenantFacts
from auditor.remedy.planner.simulation.accounts import Account, assignments_of
from auditor.remedy.planner.simulation.memberships import REFUSALS, Memberships
from auditor.remedy.planner.simulation.seat_answers import DecidedSeatChange, renewed_rows
from auditor.remedy.requests import GraphRequest, RequestKind, properties_of
from auditor.snapshot.model import Snapshot, UserBatch, UserReader


class TenantState(Struct, kw_only=True):
    """The state that requests change: accounts, seats in use, and licences of groups. Only `apply` changes it."""

    accounts: dict[str, Account]
    usable: Mapping[str, int]
    """SkuId → seats that people may hold, for SKUs that the tenant owns and people can hold."""
    consumed: dict[str, int]
    groups: dict[str, dict[str, frozenset[str]]] = field(default_factory=dict)
    """Group id → skuId → plans that are off."""
    members: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    memberships: Memberships
    seats: Mapping[str, DecidedSeatChange] = field(default_factory=dict)
    """SkuId → the change of its seats by decisions."""

    def free(self, sku_id: str) -> int:
        """Return the number of free seats."""
        return self.usable.get(sku_id, 0) - self.consumed.get(sku_id, 0)


def state_of(facts: TenantFacts, accounts: Mapping[str, Account]) -> TenantState:
    """Return the state of a snapshot; a SKU without seat numbers has no free seat."""
    owned = facts.assignable_skus
    return TenantState(
        accounts=dict(accounts),
        usable={sku.sku_id: sku.usable for sku in owned if sku.usable is not None and sku.consumed is not None},
        consumed={sku.sku_id: sku.consumed for sku in owned if sku.consumed is not None},
        groups={group.id: dict.fromkeys(group.sku_ids, frozenset()) for group in facts.groups},
        memberships=Memberships(facts),
    )


def copy_state(state: TenantState, seats: Mapping[str, DecidedSeatChange] = MappingProxyType({})) -> TenantState:
    """Return an independent copy of a state, with the seats that are bought before the requests."""
    bought = {sku_id: max(0, change.change) for sku_id, change in seats.items()}
    return TenantState(
        accounts=dict(state.accounts),
        usable={sku_id: count + bought.get(sku_id, 0) for sku_id, count in state.usable.items()},
        consumed=dict(state.consumed),
        groups={group: dict(licences) for group, licences in state.groups.items()},
        members=state.members,
        memberships=state.memberships,
        seats=state.seats,
    )


def apply(state: TenantState, request: GraphRequest) -> str | None:
    """Apply one request to the state, completely or not at all; return Graph's error, or None."""
    target = request.target
    if target.kind is RequestKind.GROUP_LICENCES:
        return _assign_group(state, target.group, request.body)
    code = state.memberships.refusal(target.group) if target.group else None
    if code is not None:
        return REFUSALS[code]
    account = state.accounts.get(target.user)
    if account is None:
        return _ABSENT
    match target.kind:
        case RequestKind.USER_LICENCES:
            return _assign_user(state, account, request.body)
        case RequestKind.REPROCESS:
            return _reprocess(state, account)
        case RequestKind.PROPERTY:
            return _set_properties(state, account, properties_of(request))
        case RequestKind.JOIN | RequestKind.LEAVE:
            return _change_membership(state, target.group, account, join=target.kind is RequestKind.JOIN)


_ABSENT = "Resource does not exist."


def _change_membership(state: TenantState, group: str, account: Account, *, join: bool) -> str | None:
    """Add or remove a member, with the licences of the group, which are added as far as there are seats."""
    if join == any(grant.group == group for grant in account.grants):
        exists = "One or more added object references already exist for the following modified properties: 'members'."
        return exists if join else _ABSENT
    if join:
        _join(state, group, account.id)
    else:
        _store(state, account.held, account.without_group(group))
    return None


def _join(state: TenantState, group: str, user: str) -> None:
    state.accounts[user] = state.accounts[user].with_group(group, {})
    for sku_id, disabled_plans in (state.memberships.licences_of(group) or {}).items():
        _give(state, user, group, sku_id, disabled_plans)


def _give(state: TenantState, user: str, group: str, sku_id: str, disabled_plans: frozenset[str]) -> None:
    """Give a product by a group; without a free seat the path is in error."""
    account = state.accounts[user]
    seat = sku_id in account.held or state.free(sku_id) > 0
    grant = account.grant(sku_id, group, disabled_plans, error=None if seat else "CountViolation")
    _store(state, account.held, replace(account, grants=(*account.grants, grant), changed=True))


def _set_properties(state: TenantState, account: Account, values: Mapping[str, Any]) -> str | None:
    """Change properties; dynamic groups whose rules use them add or remove the person."""
    moves = state.memberships.moves(account, values)
    if moves is None:
        return REFUSALS["rule"]
    changed = account.with_properties(values)
    for group in moves[0]:
        changed = changed.without_group(group)
    _store(state, account.held, changed)
    for group in moves[1]:
        _join(state, group, account.id)
    return None


def _assign_user(state: TenantState, account: Account, body: Mapping[str, Any]) -> str | None:
    """Change direct licences, all or nothing: removals, then additions, which need a usage location and free seats."""
    before = account.held
    for sku_id in body["removeLicenses"]:
        if not any(grant.sku_id == sku_id for grant in account.grants):
            return "User does not have a corresponding license."
        if not any(grant.sku_id == sku_id and grant.group is None for grant in account.grants):
            return "User license is inherited from a group membership and it cannot be removed directly from the user."
    account = account.without_direct(body["removeLicenses"])
    if body["addLicenses"] and not account.usage_location:
        return "License assignment cannot be done for user with invalid usage location."
    for added in body["addLicenses"]:
        sku_id = added["skuId"]
        if sku_id not in state.usable:
            return f"License {sku_id} does not correspond to a valid company License."
        if sku_id not in before and state.free(sku_id) < 1:
            return f"Subscription with SKU {sku_id} does not have any available licenses."
        account = account.with_direct(sku_id, added["disabledPlans"])
    _store(state, before, account)
    return None


def _store(state: TenantState, before: frozenset[str], account: Account) -> None:
    """Store the changed account and update the seats in use; a seat is counted per person, not per path."""
    for sku_id in before - account.held:
        state.consumed[sku_id] = state.consumed.get(sku_id, 0) - 1
    for sku_id in account.held - before:
        state.consumed[sku_id] = state.consumed.get(sku_id, 0) + 1
    state.accounts[account.id] = account


def _reprocess(state: TenantState, account: Account) -> str | None:
    """Retry group licences in error; errors with a remaining or unknown cause are kept."""
    for grant in account.grants:
        account = state.accounts[account.id]
        if account.can_retry(grant) and (grant.sku_id in account.held or state.free(grant.sku_id) > 0):
            _store(state, account.held, account.retried(grant))
    return None


def _assign_group(state: TenantState, group: str, body: Mapping[str, Any]) -> str | None:
    """Change the licences of a group, then process its members one by one; those without a free seat are in error."""
    before = state.groups.get(group)
    if before is None:
        return _ABSENT
    if any(sku_id not in before for sku_id in body["removeLicenses"]):
        return "Group does not have a corresponding license."
    removed = set(body["removeLicenses"])
    licenses = {sku_id: disabled_plans for sku_id, disabled_plans in before.items() if sku_id not in removed}
    licenses |= {added["skuId"]: frozenset(added["disabledPlans"]) for added in body["addLicenses"]}
    state.groups[group] = licenses
    for user in state.members.get(group, ()):
        account = state.accounts[user]
        grants = tuple(g for g in account.grants if g.group != group or g.sku_id not in removed)
        _store(state, account.held, replace(account, grants=grants, changed=True))
        for added in body["addLicenses"]:
            _give(state, user, group, added["skuId"], frozenset(added["disabledPlans"]))
    return None


def changed_snapshot(facts: TenantFacts, state: TenantState) -> Snapshot:
    """Return the snapshot with the changes of the state; users are still streamed."""
    snapshot = facts.snapshot
    changed = {account.row: account for account in state.accounts.values() if account.changed}
    skus = {grant.sku_id for account in changed.values() for grant in account.grants}
    members = state.memberships.tables(changed.values())
    return replace(
        snapshot,
        tables={
            **snapshot.tables,
            "products": _products(facts, state),
            "groups": _groups(facts, state),
            **_subscriptions(facts, state),
            **members,
        },
        members=None if members else snapshot.members,
        read_users=_reader(snapshot.read_users, changed),
        sku_ids=tuple(sorted({*snapshot.sku_ids, *skus})),
        identity=f"{snapshot.identity}+plan",
    )


def _products(facts: TenantFacts, state: TenantState) -> pa.Table:
    table = facts.snapshot.table("products")
    rows = table.to_pylist()
    for row in rows:
        sku_id = row["skuId"].lower()
        row["consumed"] = state.consumed.get(sku_id, row["consumed"])
        if sku_id in state.seats:
            row["enabled"] = state.seats[sku_id].sku.enabled
    return pa.Table.from_pylist(rows, table.schema)


def _subscriptions(facts: TenantFacts, state: TenantState) -> Mapping[str, pa.Table]:
    if not state.seats:
        return {}
    table = facts.snapshot.table("subscriptions")
    rows = renewed_rows(state.seats.values(), table.to_pylist())
    return {"subscriptions": pa.Table.from_pylist(list(map(dict, rows)), table.schema)}


def _groups(facts: TenantFacts, state: TenantState) -> pa.Table:
    """Return groups with new licences; the error flag is cleared if all members in error were changed and have none."""
    table = facts.snapshot.table("groups")
    rows = table.to_pylist()
    in_error = _groups_in_error(facts, state)
    for row in rows:
        licenses = state.groups.get(row["id"])
        if licenses is not None and set(licenses) != set(row["assignedLicenses"] or ()):
            row["assignedLicenses"] = sorted(licenses)
        if row["hasMembersWithLicenseErrors"] and row["id"] not in in_error:
            row["hasMembersWithLicenseErrors"] = False
    return pa.Table.from_pylist(rows, table.schema)


def _groups_in_error(facts: TenantFacts, state: TenantState) -> frozenset[str]:
    """Return the groups that still have members in error, and those whose members in error are not known."""
    before: set[str] = set()
    changed = {account.row: account for account in state.accounts.values() if account.changed}
    in_error: set[str] = set()
    for batch in facts.snapshot.batches(("id",), ("user", "assignedByGroup", "error", "state")):
        links = batch.assignments
        errors = links.column("error").cast(pa.string())
        no_error = pc.is_in(errors, pa.array([None, "None", ""], pa.string()))
        faulty = links.filter(pc.and_(pc.invert(no_error), links.column("assignedByGroup").is_valid()))
        for row in faulty.select(["user", "assignedByGroup"]).to_pylist():
            before.add(row["assignedByGroup"])
            if row["user"] not in changed:
                in_error.add(row["assignedByGroup"])
    for account in changed.values():
        in_error.update(
            g.group for g in account.grants if g.group is not None and (g.error or "None") not in {"None", ""}
        )
    all_groups = {row["id"] for row in facts.snapshot.table("groups").to_pylist()}
    return frozenset(in_error | (all_groups - before))


def _reader(read: UserReader, changed: Mapping[int, Account]) -> UserReader:
    """Return a reader of users in which the rows of changed accounts are replaced."""
    rows = np.array(sorted(changed), dtype=np.int64)

    def read_changed(users: tuple[str, ...] | None, assignments: tuple[str, ...] | None) -> Iterator[UserBatch]:
        for batch in read(users, assignments):
            batch_rows = rows[(rows >= batch.offset) & (rows < batch.offset + batch.users.num_rows)].tolist()
            yield _replaced(batch, [changed[row] for row in batch_rows]) if batch_rows else batch

    return read_changed


def _replaced(batch: UserBatch, accounts: Iterable[Account]) -> UserBatch:
    changed = list(accounts)
    links = batch.assignments
    overrides = {account.row - batch.offset: account.overrides for account in changed}
    if "user" not in links.schema.names:  # no assignments were requested
        return UserBatch(users=overridden(batch.users, overrides), assignments=links, offset=batch.offset)
    owners = links.column("user").to_numpy()
    numbers = np.array([account.row for account in changed], dtype=np.int64)
    unchanged_links = links.filter(pa.array(~np.isin(owners, numbers)))
    new_links = assignments_of((account.row, account) for account in changed).select(links.schema.names)
    table = pa.Table.from_batches([unchanged_links, new_links.cast(links.schema)]).unify_dictionaries()
    batches = table.sort_by("user").combine_chunks().to_batches()
    joined = batches[0] if batches else links.slice(0, 0)
    return UserBatch(users=overridden(batch.users, overrides), assignments=joined, offset=batch.offset)


def overridden(users: pa.RecordBatch, rows: Mapping[int, Mapping[str, Any]]) -> pa.RecordBatch:
    """Overwrite properties of users: row of the batch → column → value; other columns and rows are unchanged."""
    for name in sorted({name for values in rows.values() for name in values} & {*users.schema.names}):
        column, field_ = users.column(name), users.schema.field(name)
        changed = {row: values[name] for row, values in rows.items() if name in values}
        source = np.arange(len(column))
        source[list(changed)] = np.arange(len(column), len(column) + len(changed))
        values = pa.concat_arrays([column, pa.array(changed.values(), field_.type)]).take(arrow_rows(source))
        users = users.set_column(users.schema.get_field_index(name), field_, values)
    return users
