"""The scopes that checks evaluate: one policy over a batch of users, or over a tenant."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from msgspec import Struct, field

from auditor.arrays.columns import Flags
from auditor.arrays.rows import Rows, distinct
from auditor.arrays.texts import distinct_texts
from auditor.domain.enums import Source
from auditor.domain.message import Message
from auditor.domain.money import Money
from auditor.domain.policy.model import Policy
from auditor.domain.policy.prices import AgreedPrice, DatedPrice
from auditor.domain.policy.product_set import ProductSet
from auditor.domain.result.finding import ProductReference, Subject
from auditor.engine.columns.assignments import AssignmentColumns
from auditor.engine.columns.bitsets import SkuSet, has_multiple, holders, intersects, rows_of
from auditor.engine.columns.users import UserColumns
from auditor.engine.not_evaluated import NotEvaluated, unknown_membership, unread_source
from auditor.engine.outcome import FindingColumns, HolderCount, ObjectFinding
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.selection.selectors import SelectorMasks
from auditor.engine.skus.masks import Mask
from auditor.engine.tenant_facts import SkuFact, TenantFacts
from auditor.snapshot.model import UserBatch

UserFindings = tuple[FindingColumns | None, Flags]
"""The output of one check: findings with rows of the batch, and flags of the users whose outcome is unknown."""


class Batch:
    """One batch of users, with everything that does not depend on a policy's population, computed once."""

    def __init__(self, bound: BoundPolicies, users: UserBatch) -> None:
        self.bound = bound
        self.people = UserColumns(users, bound.facts)
        self.selectors = SelectorMasks(
            self.people, bound.masks, bound.membership, bound.conditional_access, bound.rules
        )

    @cached_property
    def unread(self) -> Flags | None:
        """Flags of the users whose `assignedLicenses` were not collected; None if all were."""
        unread = self.people.unknown("assignedLicenses")
        return None if unread is self.people.nobody else unread

    @cached_property
    def redundant(self) -> tuple[Rows, Rows, Rows]:
        """Redundant holdings as (rows, SKUs, containing SKUs), sorted by row and SKU.

        If several held SKUs contain the redundant one, the fullest of them is given.
        """
        held, bound = self.people.assignments.assigned_skus, self.bound
        contained, containers_of = bound.masks.cached("contained", lambda: _contained(bound))
        # Only users with two SKUs or more, at least one of which another SKU contains, need to be compared in pairs.
        users = np.flatnonzero(intersects(held, contained) & has_multiple(held))
        bits = rows_of(held, users)
        columns = [(_NONE, _NONE, _NONE)]
        for sku, containers in bound.masks.containers.items():
            rows = np.flatnonzero(holders(bits, sku) & intersects(bits, containers_of[sku]))
            if not len(rows):
                continue
            candidates, containing = rows_of(bits, rows), np.zeros(len(rows), dtype=np.int64)
            for container in reversed(containers):  # the fullest is the last one
                containing[holders(candidates, container)] = container
            columns.append((rows, np.full(len(rows), sku), containing))
        rows, skus, containing = (np.concatenate(parts) for parts in zip(*columns, strict=True))
        order = np.argsort(rows * bound.size + skus)
        return users[rows[order]], skus[order], containing[order]

    @cached_property
    def errors(self) -> tuple[Rows, Rows, Rows, tuple[str, ...]]:
        """Assignments in error as (rows, SKUs, detail codes, detail texts), distinct and sorted."""
        assignments = self.people.assignments
        entries = assignments.failed
        if assignments.pathless is not None:
            entries = entries[~assignments.pathless[assignments.owner[entries]]]
        codes, details = _error_texts(assignments, entries)
        size = self.bound.size
        # Encode the three columns as one number that sorts in the same order.
        keys = distinct((assignments.owner[entries] * size + assignments.sku[entries]) * max(1, len(details)) + codes)
        keys, codes = np.divmod(keys, max(1, len(details)))
        rows, skus = np.divmod(keys, max(1, size))
        return rows, skus, codes, details


class Scope(Struct, frozen=True, kw_only=True):
    """One policy over one batch of users: its population, and the data that it may read."""

    batch: Batch
    index: int
    """The policy's index among the bound policies."""
    policy: Policy
    population: Mask
    check: str = ""
    """The id of the check that evaluates."""

    @property
    def bound(self) -> BoundPolicies:
        """The policies, bound to the facts of the tenant."""
        return self.batch.bound

    @property
    def people(self) -> UserColumns:
        """All users of the batch."""
        return self.batch.people

    @property
    def unread(self) -> Flags | None:
        """Flags of the users whose `assignedLicenses` were not collected; None if all were."""
        return self.batch.unread

    @property
    def readable(self) -> Flags:
        """Users who certainly belong to the population and whose `assignedLicenses` were collected."""
        unread = self.unread
        return self.population.true if unread is None else self.population.true & ~unread

    def matches(self) -> Iterator[Mask]:
        """Yield the users who match each of the check's `selectors`, of all users of the batch."""
        return map(self.batch.selectors.of, self.bound.rules.selectors(self.policy)[self.check])

    def findings(
        self,
        rows: Rows,
        *,
        skus: Rows | None = None,
        written: str | None = None,
        detail_codes: Rows | None = None,
        details: tuple[str, ...] = (),
    ) -> FindingColumns:
        """Return findings of the check about users.

        `rows` are rows of the batch, ascending; the other arguments are as in FindingColumns.
        """
        return FindingColumns(
            policy=self.index,
            check=self.check,
            rows=rows,
            skus=skus,
            written=written,
            detail_codes=detail_codes,
            details=details,
        )

    def findings_of(self, violation: Mask, detail: str) -> UserFindings:
        """Report the users of a mask with a detail, and those for whom it is unknown."""
        return self.findings(np.flatnonzero(violation.true), details=(detail,)), violation.unknown


_Shared = TypeVar("_Shared")


class TenantScope(Struct, frozen=True, kw_only=True):
    """One policy over what a tenant owns, for one check."""

    bound: BoundPolicies
    index: int
    """The policy's index among the bound policies."""
    policy: Policy
    check: str
    """The id of the check that evaluates."""
    holders: HolderCount | None
    """How many people of the population hold each SKU, if a check of the policy counts them."""
    unknown: NotEvaluated
    """What keeps the policy from being evaluated; the checks add to it."""
    shared: dict[str, Any] = field(default_factory=dict)

    @property
    def facts(self) -> TenantFacts:
        """The facts of the tenant."""
        return self.bound.facts

    def readable(self, source: Source) -> bool:
        """Return whether a source was read, at least in part; record why it is not complete."""
        self.unknown.add_all(unread_source(self.facts, source))
        return self.facts.status(source).is_read

    def seats_unknown(self, product: str) -> None:
        """Record that Graph gave no seat numbers for a product."""
        self.unknown.add("subscribedSkus", Message("Graph returned no seat numbers for {product}", product=product))

    def membership_unknown(self) -> None:
        """Record that it is not known whether SKUs of the tenant are in the set."""
        self.unknown.add_all(unknown_membership(self.facts))

    def cached(self, name: str, make: Callable[[], _Shared]) -> _Shared:
        """Return a value that several checks of the policy share; the first call computes it."""
        if name not in self.shared:
            self.shared[name] = make()
        value: _Shared = self.shared[name]
        return value

    def finding(
        self,
        subject: Subject,
        *,
        product: ProductReference | None = None,
        detail: str | None = None,
        evidence: Mapping[str, Any],
        money: Money | None = None,
        pool: ProductSet | None = None,
    ) -> ObjectFinding:
        """Return a finding of the check about a product, subscription, group or tenant."""
        return ObjectFinding(
            policy=self.index,
            check=self.check,
            subject=subject,
            product=product,
            detail=detail,
            evidence=evidence,
            money=money,
            pool=pool,
        )

    def price_change(self, price: DatedPrice | AgreedPrice) -> dict[str, Any]:
        """Return the evidence for a price that starts after the day of the audit; empty if it is in force already."""
        if price.amount is None or price.starts <= self.facts.as_of.date():
            return {}
        return {"pricePerSeat": float(price.amount), "priceFrom": price.starts.isoformat()}


def price_of(bound: BoundPolicies, sku: SkuFact, seats: int, day: date | None = None) -> Money | None:
    """Return the monthly cost of seats of a SKU on a day, by default that of the audit; None if not known."""
    prices = bound.prices if day is None else bound.prices_on(day)
    price = None if prices is None else prices.of(sku_id=sku.sku_id, part_number=sku.part_number)
    return None if prices is None or price is None else Money(currency=prices.currency, per_month=price * seats)


def price_of_assigned(bound: BoundPolicies, sku: SkuFact, seats: int) -> Money | None:
    """Return the monthly cost of seats that people have, which is 0 if all are seats of trials; None if not known."""
    return price_of(bound, sku, 0 if sku.costs_nothing else seats)


def _contained(bound: BoundPolicies) -> tuple[SkuSet, Mapping[int, SkuSet]]:
    """Return the SKUs that other SKUs contain as one bitset, and the containing SKUs of each as bitsets."""

    def packed(indices: Iterable[int]) -> SkuSet:
        flags = np.zeros(bound.size, dtype=bool)
        flags[list(indices)] = True
        return SkuSet.of(flags)

    containers_of = bound.masks.containers
    return packed(containers_of), {sku: packed(containers) for sku, containers in containers_of.items()}


def _error_texts(assignments: AssignmentColumns, entries: Rows) -> tuple[Rows, tuple[str, ...]]:
    """Return the details of the entries in error: the code of each, and the sorted texts."""
    errors, groups = assignments.column("error"), assignments.column("assignedByGroup")
    size = len(groups.dictionary) + 1
    error = assignments.codes("error")[entries].astype(np.int64)
    group = assignments.codes("assignedByGroup")[entries].astype(np.int64)
    distinct_pairs, positions = np.unique(error * size + group, return_inverse=True)
    codes, ids = errors.dictionary.to_pylist(), [*groups.dictionary.to_pylist(), None]
    pairs = ((codes[pair // size], ids[pair % size]) for pair in distinct_pairs.tolist())
    details, detail_of = distinct_texts([f"{error}@{group}" if group else error for error, group in pairs])
    return detail_of[positions], details


_NONE: Rows = np.zeros(0, dtype=np.int64)
