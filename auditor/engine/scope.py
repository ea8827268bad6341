"""One batch of people under a plan, with what several policies ask of it alike, and one policy over it."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from msgspec import Struct, field

from auditor.domain.actions.money import Money
from auditor.domain.enums import Source
from auditor.domain.message import Message
from auditor.domain.policy.model import Policy
from auditor.domain.policy.prices import DatedPrice, SeatPrice
from auditor.domain.policy.product_set import ProductSet
from auditor.domain.result.finding import ProductReference, Subject
from auditor.engine.columns.assignments import Links
from auditor.engine.columns.bitsets import Products, distinct, holders, meets, rows_of, several
from auditor.engine.columns.strings import Flags
from auditor.engine.columns.users import People
from auditor.engine.coverage import NotEvaluated, unread
from auditor.engine.outcome import FindingColumns, HolderCount, ObjectFinding, Rows
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.selection.selectors import SelectorMasks
from auditor.engine.skus.masks import Mask
from auditor.engine.tenant_facts import SkuFact, TenantFacts
from auditor.snapshot.model import UserBatch

UserFindings = tuple[FindingColumns | None, Flags]
"""What one check yields: findings with rows of the batch, and for whom it stays unknown."""


class Batch:
    """People, selectors, and the answers that do not depend on a policy's population: each is worked out once."""

    def __init__(self, bound: BoundPolicies, users: UserBatch) -> None:
        self.bound = bound
        self.people = People(users, bound.facts)
        self.selectors = SelectorMasks(
            self.people, bound.masks, bound.membership, bound.conditional_access, bound.rules
        )

    @cached_property
    def unread(self) -> Flags | None:
        """Whose `assignedLicenses` were not collected; None where everybody's were."""
        unread = self.people.unknown("assignedLicenses")
        return None if unread is self.people.nobody else unread

    @cached_property
    def redundant(self) -> tuple[Rows, Rows, Rows]:
        """Who holds which SKU redundantly, and the fullest SKU held that contains it: by row, then by SKU."""
        held, bound = self.people.links.held, self.bound
        anyone, around = bound.masks.once("contained", lambda: _contained(bound))
        # Two SKUs are needed, one of them contained in another: all the rest is passed over before pairs are tried.
        who = np.flatnonzero(meets(held, anyone) & several(held))
        chosen = rows_of(held, who)
        parts_of_skus = [(_NONE, _NONE, _NONE)]
        for sku, containers in bound.containers.items():
            rows = np.flatnonzero(holders(chosen, sku) & meets(chosen, around[sku]))
            if not len(rows):
                continue
            candidates, by = rows_of(chosen, rows), np.zeros(len(rows), dtype=np.int64)
            for container in reversed(containers):  # the fullest has the last word
                by[holders(candidates, container)] = container
            parts_of_skus.append((rows, np.full(len(rows), sku), by))
        rows, skus, by = (np.concatenate(parts) for parts in zip(*parts_of_skus, strict=True))
        order = np.argsort(rows * bound.size + skus)
        return who[rows[order]], skus[order], by[order]

    @cached_property
    def errors(self) -> tuple[Rows, Rows, Rows, tuple[str, ...]]:
        """Who has an assignment in error, of which SKU, with which of the detail texts: each once, in order."""
        links = self.people.links
        entries = links.failed
        if links.pathless is not None:
            entries = entries[~links.pathless[links.owner[entries]]]
        numbers, details = _error_texts(links, entries)
        size = self.bound.size
        # One number for all three, which sorts as they do.
        pairs = distinct((links.owner[entries] * size + links.sku[entries]) * max(1, len(details)) + numbers)
        pairs, numbers = np.divmod(pairs, max(1, len(details)))
        rows, skus = np.divmod(pairs, max(1, size))
        return rows, skus, numbers, details


class Scope(Struct, frozen=True, kw_only=True):
    """One policy over one batch: whom it concerns, and what it may look at."""

    batch: Batch
    index: int
    """The policy's index among the bound policies."""
    policy: Policy
    population: Mask
    check: str = ""
    """The id of the check that evaluates."""

    @property
    def bound(self) -> BoundPolicies:
        """The policies and what they are evaluated by."""
        return self.batch.bound

    @property
    def people(self) -> People:
        """Everybody in the batch."""
        return self.batch.people

    @property
    def unread(self) -> Flags | None:
        """Whose `assignedLicenses` were not collected; None where everybody's were."""
        return self.batch.unread

    @property
    def readable(self) -> Flags:
        """Who belongs to the population for certain and whose `assignedLicenses` were collected."""
        unread = self.unread
        return self.population.true if unread is None else self.population.true & ~unread

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


_Shared = TypeVar("_Shared")


class TenantScope(Struct, frozen=True, kw_only=True):
    """One policy over what a tenant owns, for one check after the other."""

    bound: BoundPolicies
    index: int
    """The policy's index among the bound policies."""
    policy: Policy
    check: str
    """The id of the check that evaluates."""
    holders: HolderCount | None
    """How many people of the population hold what, where a check of the policy counts them."""
    unknown: NotEvaluated
    """What keeps the policy from being evaluated; the checks add to it."""
    shared: dict[str, Any] = field(default_factory=dict)

    @property
    def facts(self) -> TenantFacts:
        """What is known of the tenant."""
        return self.bound.facts

    def readable(self, source: Source) -> bool:
        """Tell whether a source was read at all, and note why it is not known whole."""
        self.unknown.add_all(unread(self.facts, source))
        return self.facts.status(source).is_read

    def seats_unknown(self, product: str) -> None:
        """Note that Graph gave no numbers for the seats of a product."""
        self.unknown.add("subscribedSkus", Message("Graph gave no seat numbers for {product}", product=product))

    def once(self, name: str, make: Callable[[], _Shared]) -> _Shared:
        """Return a value that several checks of the policy share: it is computed for the first of them."""
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

    def price_change(self, price: DatedPrice | SeatPrice) -> dict[str, Any]:
        """Return the evidence of a price that begins after the day of the audit; empty for one in force."""
        if price.amount is None or price.starts <= self.facts.as_of.date():
            return {}
        return {"pricePerSeat": float(price.amount), "priceFrom": price.starts.isoformat()}

    def price(self, sku: SkuFact, seats: int, day: date | None = None) -> Money | None:
        """Return what seats of a SKU cost a month, on the day of the audit or another; None where that is not known."""
        return price_of(self.bound, sku, seats, day)


def price_of(bound: BoundPolicies, sku: SkuFact, seats: int, day: date | None = None) -> Money | None:
    """Return what seats of a SKU cost a month, on the day of the audit or another; None where that is not known."""
    prices = bound.prices if day is None else bound.prices_on(day)
    price = None if prices is None else prices.of(sku_id=sku.sku_id, part_number=sku.part_number)
    return None if prices is None or price is None else Money(currency=prices.currency, per_month=price * seats)


def _contained(bound: BoundPolicies) -> tuple[Products, Mapping[int, Products]]:
    """Pack the SKUs that others contain, and for each of them those others."""

    def packed(places: Iterable[int]) -> Products:
        flags = np.zeros(bound.size, dtype=bool)
        flags[list(places)] = True
        return Products.of(flags)

    return packed(bound.containers), {sku: packed(containers) for sku, containers in bound.containers.items()}


def _error_texts(links: Links, entries: Rows) -> tuple[Rows, tuple[str, ...]]:
    """Return what the details of the entries in error are: a number for each, and the texts in order."""
    errors, groups = links.column("error"), links.column("assignedByGroup")
    size = len(groups.dictionary) + 1
    error = links.codes("error")[entries].astype(np.int64)
    group = links.codes("assignedByGroup")[entries].astype(np.int64)
    different, places = np.unique(error * size + group, return_inverse=True)
    codes, ids = errors.dictionary.to_pylist(), [*groups.dictionary.to_pylist(), None]
    pairs = ((codes[pair // size], ids[pair % size]) for pair in different.tolist())
    texts = [f"{error}@{group}" if group else error for error, group in pairs]
    details = tuple(sorted(set(texts)))
    return np.array([details.index(text) for text in texts], dtype=np.int64)[places], details


_NONE: Rows = np.zeros(0, dtype=np.int64)
