"""Reads users of a snapshot as accounts with licences, assignment paths and disabled services; writes them as rows."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from itertools import repeat
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Struct, field
from msgspec.structs import replace

from auditor.arrays.texts import values_of
from auditor.engine.columns.assignments import ACTIVE_STATES
from auditor.engine.tenant_facts import TenantFacts
from auditor.snapshot.schema import ASSIGNMENTS

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


class Account(Struct, frozen=True, kw_only=True, gc=False):
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
        return frozenset([grant.sku_id for grant in self.grants if grant.state in ACTIVE_STATES])

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
        held, held_before = after.held, before.held
        balance.update(held - held_before)
        balance.subtract(held_before - held)
    return {sku_id: change for sku_id, change in balance.items() if change}


def read_accounts(facts: TenantFacts, ids: frozenset[str], *, dated: bool = False) -> dict[str, Account]:
    """Return the accounts of users whose assignment paths are all known; others must not be changed.

    Paths have their assignment times only with `dated`; without, nearly all people share their paths with others.
    """
    if not (ids and facts.is_requested("licenseAssignmentStates") and facts.is_requested("assignedLicenses")):
        return {}
    located = facts.is_requested("usageLocation")
    accounts: dict[str, Account] = {}
    shared: dict[Grant, Grant] = {}
    names = _LINK if dated else _LINK[:-1]
    for batch in facts.snapshot.batches(("id", "usageLocation", "notCollected"), names):
        users = enumerate(batch.users.to_pylist(), start=batch.offset)
        selected = {row: user for row, user in users if user["id"] in ids}
        links = _links_of(batch.assignments, selected, shared) if selected else {}
        for row, user in selected.items():
            not_collected = set(user.get("notCollected") or ())
            location = (user.get("usageLocation") or None) if located else None
            grants = _grants(links.get(row, []))
            if grants is not None and not not_collected & {"assignedLicenses", "licenseAssignmentStates"}:
                accounts[user["id"]] = Account(
                    id=user["id"], row=row, usage_location=location, grants=grants, instant=facts.as_of
                )
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


_DATE: Final = "lastUpdatedDateTime"
_LINK: Final = ("user", "skuId", "held", "state", "assignedByGroup", "error", "pathDisabledPlans", _DATE)
"""The columns of assignments that are read."""
_Link = tuple[str, bool, Grant | None]
"""The skuId of an assignment, whether it is held, and its path, if there is one."""


def _links_of(links: pa.RecordBatch, selected: Iterable[int], shared: dict[Grant, Grant]) -> dict[int, list[_Link]]:
    """Return the assignments of some users, by row number over the whole snapshot; equal paths are one of `shared`."""
    selected_rows = np.fromiter(selected, dtype=np.int64)
    rows = links.take(np.nonzero(np.isin(links.column("user").to_numpy(), selected_rows))[0])
    columns = (values_of(rows.column(name)) if name in rows.schema.names else repeat(None) for name in _LINK)
    by_user: dict[int, list[_Link]] = {}
    for user, sku_id, held, state, group, error, disabled_plans, updated in zip(*columns, strict=False):
        path = Grant(
            sku_id=sku_id.lower(),
            group=group,
            state=state or "",
            error=error,
            disabled_plans=frozenset(disabled_plans or ()),
            updated=updated,
        )
        link = path.sku_id, held, None if state is None else shared.setdefault(path, path)
        by_user.setdefault(user, []).append(link)
    return by_user


def _grants(links: Iterable[_Link]) -> tuple[Grant, ...] | None:
    """Return the paths of a user; None if they do not explain what is held, so the effect of changes is not known."""
    grants = tuple([path for *_, path in links if path is not None])
    held = {sku_id for sku_id, is_held, _ in links if is_held}
    active = {path.sku_id for path in grants if path.active}
    distinct = {(path.sku_id, path.group) for path in grants}
    return grants if held == active and len(distinct) == len(grants) else None


def assignments_of(accounts: Iterable[tuple[int, Account]]) -> pa.RecordBatch:
    """Return accounts as rows of assignments.parquet, with the given row numbers of the users."""
    rows: list[dict[str, Any]] = []
    rows_of: dict[tuple[Grant, ...], range] = {}
    owners: list[int] = []
    indices: list[int] = []
    for number, account in accounts:
        if account.grants not in rows_of:
            start = len(rows)
            rows += _rows(account)
            rows_of[account.grants] = range(start, len(rows))
        own = rows_of[account.grants]
        indices += own
        owners += repeat(number, len(own))
    assignments = pa.RecordBatch.from_pylist(rows, ASSIGNMENTS).take(pa.array(indices, pa.int64()))
    return assignments.set_column(0, ASSIGNMENTS.field(0), pa.array(owners, pa.int64()))


def _rows(account: Account) -> Iterator[dict[str, Any]]:
    """Yield the rows of one account, without its own number; other people with the same paths have the same rows."""
    held = account.held
    for grant in account.grants:
        common = [g.disabled_plans for g in account.grants if g.active and g.sku_id == grant.sku_id]
        disabled = sorted(frozenset.intersection(*common)) if common else []
        yield {
            "user": 0,
            "skuId": grant.sku_id,
            "held": grant.sku_id in held,
            "disabledPlans": disabled or None,
            "state": grant.state,
            "assignedByGroup": grant.group,
            "error": grant.error,
            "pathDisabledPlans": sorted(grant.disabled_plans) or None,
            _DATE: grant.updated,
        }
