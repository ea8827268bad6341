"""Reads users of a snapshot as accounts with licences, assignment paths and disabled services; writes them as rows."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct, field
from msgspec.structs import replace

from auditor.engine.columns.assignments import ACTIVE_STATES
from auditor.engine.tenant_facts import TenantFacts
from auditor.snapshot.model import UserBatch

_PROHIBITED: Final = "ProhibitedInUsageLocationViolation"
RETRIED: Final = frozenset({"CountViolation", "MutuallyExclusiveViolation", _PROHIBITED})
"""Errors of a group licence that a retry resolves once there is a seat, no conflict, or another usage location."""


class Grant(Struct, frozen=True, kw_only=True):
    """One entry of `licenseAssignmentStates`."""

    sku_id: str
    group: str | None = None
    state: str = "Active"
    error: str | None = None
    disabled_plans: frozenset[str] = frozenset()
    """Ids of the service plans that are off in this path."""
    updated: datetime | None = None
    offered: frozenset[str] = frozenset()
    """For an error of the usage location: the locations in which some user has everything that the path gives."""

    @property
    def waits(self) -> bool:
        """Whether a group should give the product, and a retry may succeed."""
        return self.group is not None and self.error in RETRIED

    @property
    def active(self) -> bool:
        """Whether the path gives the product."""
        return self.state in ACTIVE_STATES


class Account(Struct, frozen=True, kw_only=True):
    """The licences of one user."""

    id: str
    row: int
    """Its row number over the whole snapshot."""
    usage_location: str | None
    grants: tuple[Grant, ...]
    changed: bool = False
    left: frozenset[str] = frozenset()
    """Ids of the groups that the person leaves."""
    joined: frozenset[str] = frozenset()
    properties: tuple[tuple[str, Any], ...] = ()
    """Properties that are set, except the usage location, with their values."""
    rule_values: Mapping[str, Any] = field(default_factory=dict)
    """Properties that rules of dynamic groups use, as far as they were read."""
    instant: datetime | None = None
    """The assignment time of licences that a plan gives; None if there is no plan."""

    @property
    def overrides(self) -> Mapping[str, Any]:
        """The columns of the users table that differ from the snapshot's, with their values."""
        located = {"usageLocation": self.usage_location} if self.usage_location else {}
        return {**dict(self.properties), **located}

    @property
    def held(self) -> frozenset[str]:
        """The skuIds of `assignedLicenses`: the products of active paths."""
        return frozenset(grant.sku_id for grant in self.grants if grant.active)

    def direct(self, sku_id: str) -> Grant | None:
        """Return the active direct path of a product."""
        return next((g for g in self.grants if g.sku_id == sku_id and g.group is None and g.active), None)

    def groups_giving(self, sku_id: str) -> tuple[str, ...]:
        """Return the ids of the groups in the active group paths of a product."""
        return tuple(g.group for g in self.grants if g.sku_id == sku_id and g.group is not None and g.active)

    def services(self, plans: Mapping[str, Mapping[str, str]]) -> frozenset[str]:
        """Return the ids of the service plans that are on; `plans` are those of each skuId."""
        return frozenset(
            plan
            for grant in self.grants
            if grant.active
            for plan in plans.get(grant.sku_id, {})
            if plan not in grant.disabled_plans
        )

    def can_retry(self, grant: Grant) -> bool:
        """Return whether the retry of a path succeeds if there is a free seat.

        It is not known which products conflict, but there is no conflict if the person holds no other product. Nor is
        it known where a service is prohibited, but it is allowed where somebody holds the product with the services.
        """
        if grant.error == _PROHIBITED:
            return grant.waits and self.usage_location in grant.offered
        is_only = self.held <= {grant.sku_id}
        return grant.waits and (grant.error == "CountViolation" or is_only)

    def retried(self, grant: Grant) -> "Account":
        """Return the account after a successful retry of a path."""
        retried_grant = replace(grant, state="Active", error=None, updated=self.instant)
        grants = tuple(retried_grant if current is grant else current for current in self.grants)
        return replace(self, grants=grants, changed=True)

    def without_direct(self, sku_ids: Iterable[str]) -> "Account":
        """Return the account without the direct paths of products."""
        removed = set(sku_ids)
        grants = tuple(grant for grant in self.grants if grant.group is not None or grant.sku_id not in removed)
        return replace(self, grants=grants, changed=True)

    def with_direct(self, sku_id: str, disabled_plans: Iterable[str]) -> "Account":
        """Return the account with a direct path of a product, which replaces an existing one."""
        grants = tuple(g for g in self.grants if g.group is not None or g.sku_id != sku_id)
        grant = self.grant(sku_id, None, frozenset(disabled_plans))
        return replace(self, grants=(*grants, grant), changed=True)

    def grant(
        self, sku_id: str, group: str | None, disabled_plans: frozenset[str], *, error: str | None = None
    ) -> Grant:
        """Return a path that is assigned now."""
        state = "Active" if error is None else "Error"
        return Grant(
            sku_id=sku_id, group=group, state=state, error=error, disabled_plans=disabled_plans, updated=self.instant
        )

    def with_properties(self, values: Mapping[str, Any]) -> "Account":
        """Return the account with changed values of properties."""
        changed = dict(values)
        location = changed.pop("usageLocation", self.usage_location)
        return replace(
            self,
            usage_location=location,
            properties=tuple(sorted({**dict(self.properties), **changed}.items())),
            rule_values={**self.rule_values, **values},
            changed=True,
        )

    def without_group(self, group: str) -> "Account":
        """Return the account after the person left a group."""
        grants = tuple(grant for grant in self.grants if grant.group != group)
        return replace(self, grants=grants, changed=True, left=self.left | {group}, joined=self.joined - {group})

    def with_group(self, group: str, licences: Mapping[str, frozenset[str]]) -> "Account":
        """Return the account after the person joined a group and got a seat for everything that it gives."""
        grants = tuple(self.grant(sku_id, group, disabled_plans) for sku_id, disabled_plans in licences.items())
        return replace(
            self, grants=(*self.grants, *grants), changed=True, joined=self.joined | {group}, left=self.left - {group}
        )


def seat_balance(changes: Iterable[tuple[Account, Account]]) -> dict[str, int]:
    """Return the seats that changes of accounts take, by skuId; negative for those that they free."""
    balance: Counter[str] = Counter()
    for before, after in changes:
        balance.update(after.held - before.held)
        balance.subtract(before.held - after.held)
    return {sku_id: change for sku_id, change in balance.items() if change}


def read_accounts(facts: TenantFacts, ids: frozenset[str]) -> dict[str, Account]:
    """Return the accounts of users whose assignment paths are all known; others must not be changed."""
    if not (facts.is_requested("licenseAssignmentStates") and facts.is_requested("assignedLicenses")):
        return {}
    located = facts.is_requested("usageLocation")
    accounts: dict[str, Account] = {}
    for batch in facts.snapshot.batches(("id", "usageLocation", "notCollected"), None):
        users = enumerate(batch.users.to_pylist(), start=batch.offset)
        selected = {row: user for row, user in users if user["id"] in ids}
        rows = rows_of(batch, selected) if selected else {}
        for row, user in selected.items():
            not_collected = set(user.get("notCollected") or ())
            account = _account(user["id"], row, user.get("usageLocation") if located else None, rows.get(row, []))
            if account is not None and not not_collected & {"assignedLicenses", "licenseAssignmentStates"}:
                accounts[account.id] = replace(account, instant=facts.as_of)
    return _with_locations(facts, accounts) if located else accounts


def _with_locations(facts: TenantFacts, accounts: dict[str, Account]) -> dict[str, Account]:
    """Add to each path with a prohibited usage location where its product is offered; other paths are unchanged."""
    grants = (grant for account in accounts.values() for grant in account.grants)
    prohibited = {grant.sku_id for grant in grants if grant.error == _PROHIBITED}
    if not prohibited:
        return accounts
    holders: set[tuple[str, str, frozenset[str]]] = set()
    columns = ("user", "skuId", "state", "pathDisabledPlans")
    for batch in facts.snapshot.batches(("usageLocation",), columns):
        locations, links = batch.users.column("usageLocation"), batch.assignments
        active = pc.equal(links.column("state").cast(pa.string()), "Active")
        same = pc.is_in(pc.utf8_lower(links.column("skuId").cast(pa.string())), pa.array(sorted(prohibited)))
        for row in links.filter(pc.and_(active, same)).to_pylist():
            disabled_plans = frozenset(row["pathDisabledPlans"] or ())
            holders.add((row["skuId"].lower(), locations[row["user"] - batch.offset].as_py() or "", disabled_plans))

    def located(grant: Grant) -> Grant:
        if grant.error != _PROHIBITED:
            return grant
        offered = {
            location
            for sku_id, location, disabled_plans in holders
            if location and sku_id == grant.sku_id and disabled_plans <= grant.disabled_plans
        }
        return replace(grant, offered=frozenset(offered))

    return {user: replace(account, grants=tuple(map(located, account.grants))) for user, account in accounts.items()}


def read_properties(facts: TenantFacts, ids: AbstractSet[str], names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Return properties of existing users, as far as they were read; None for a property without a value."""
    collected = tuple(sorted(name for name in set(names) if facts.is_requested(name)))
    properties: dict[str, dict[str, Any]] = {}
    for batch in facts.snapshot.batches(("id", *collected, "notCollected"), ()) if ids else ():
        users = batch.users
        for row in users.filter(pc.is_in(users.column("id"), pa.array(sorted(ids), pa.string()))).to_pylist():
            not_collected = row.get("notCollected") or ()
            values = {name: row.get(name) for name in collected if name not in not_collected}
            properties[row["id"]] = {name: None if value == "" else value for name, value in values.items()}
    return properties


def rows_of(batch: UserBatch, selected: Iterable[int]) -> dict[int, list[dict[str, Any]]]:
    """Return the assignment rows of some users, by row number over the whole snapshot."""
    selected_rows = np.fromiter(selected, dtype=np.int64)
    owners = batch.assignments.column("user").to_numpy()
    rows: dict[int, list[dict[str, Any]]] = {}
    for row in batch.assignments.take(np.nonzero(np.isin(owners, selected_rows))[0]).to_pylist():
        rows.setdefault(row["user"], []).append(row)
    return rows


def _account(user: str, number: int, location: str | None, rows: list[dict[str, Any]]) -> Account | None:
    """Return an account; None if its paths do not explain what is held, so that the effect of changes is not known."""
    grants = tuple(
        Grant(
            sku_id=row["skuId"].lower(),
            group=row.get("assignedByGroup"),
            state=row["state"],
            error=row.get("error"),
            disabled_plans=frozenset(row.get("pathDisabledPlans") or ()),
            updated=row.get("lastUpdatedDateTime"),
        )
        for row in rows
        if row.get("state") is not None
    )
    account = Account(id=user, row=number, usage_location=location or None, grants=grants)
    held = {row["skuId"].lower() for row in rows if row["held"]}
    paths = [(grant.sku_id, grant.group) for grant in grants]
    return account if held == account.held and len(set(paths)) == len(paths) else None


def assignment_rows(account: Account, number: int) -> Iterator[dict[str, Any]]:
    """Yield an account as rows of assignments.parquet, with the given row number of the user."""
    held = account.held
    for grant in account.grants:
        common = [g.disabled_plans for g in account.grants if g.active and g.sku_id == grant.sku_id]
        disabled = sorted(frozenset.intersection(*common)) if common else []
        yield {
            "user": number,
            "skuId": grant.sku_id,
            "held": grant.sku_id in held,
            "disabledPlans": disabled or None,
            "state": grant.state,
            "assignedByGroup": grant.group,
            "error": grant.error,
            "pathDisabledPlans": sorted(grant.disabled_plans) or None,
            "lastUpdatedDateTime": grant.updated,
        }
