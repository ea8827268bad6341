"""The seats of the products of a set: of single SKUs, or of a pool of SKUs."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from auditor.checks.check import Check
from auditor.domain.actions.product_names import pooled
from auditor.domain.enums import Source, SubjectType
from auditor.domain.policy.model import Seats
from auditor.domain.policy.product_set import ProductSet, Sku, WithService, leaves
from auditor.domain.result.finding import ProductReference, Subject
from auditor.domain.translation import N_
from auditor.engine.outcome import ObjectFinding
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.policy.extent import Extent, PolicyExtent
from auditor.engine.scope import TenantScope, price_of
from auditor.engine.skus.seat_pools import purchased_units
from auditor.engine.tenant_facts import SkuFact, TenantFacts


class Stock(Struct, frozen=True, kw_only=True):
    """The seats of one SKU, or of a pool of SKUs; a number that Graph did not give is None."""

    subject: Subject
    product: ProductReference
    skus: tuple[int, ...]
    enabled: int | None
    warning: int | None
    suspended: int | None
    locked_out: int | None
    consumed: int | None
    trial: int
    """Usable seats of trials."""
    purchased: int | None
    """The purchased units, as `purchased_units` counts them."""

    @property
    def pool(self) -> bool:
        """Whether these are the seats of several SKUs together."""
        return self.product.sku_id is None

    def usable(self, block: Seats) -> int | None:
        """Return the usable seats as the block counts them; None if Graph did not give them."""
        return block.usable(self.enabled, self.warning)

    @property
    def label(self) -> str:
        """The part number of the SKU, or its skuId if that is not known; for a pool, the set as written."""
        return self.product.sku_part_number or self.subject.id


class SelectedSkus(Struct, frozen=True, kw_only=True):
    """The SKUs whose seats a policy evaluates, as indices into the SKUs of the tenant."""

    certain: Sequence[int]
    possible: Sequence[int]
    """SKUs that may or may not be in the set: whether they are trials, or their names, are not known."""


def selected_skus(scope: TenantScope, block: Seats) -> SelectedSkus | None:
    """Return the SKUs of the set that people can hold; None if the tenant's SKUs were not read."""
    if not scope.readable(Source.SUBSCRIBED_SKUS):
        return None
    mask, assignable = scope.bound.masks.of(block.of), scope.facts.assignable
    return SelectedSkus(
        certain=[index for index in assignable if mask.true[index]],
        possible=() if mask.sure else [index for index in assignable if mask.unknown[index]],
    )


def stock_of(facts: TenantFacts, index: int) -> Stock:
    """Return the seats of one SKU."""
    sku = facts.skus[index]
    return Stock(
        subject=Subject(type=SubjectType.PRODUCT, id=sku.sku_id, name=facts.title(sku)),
        product=ProductReference(sku_id=sku.sku_id, sku_part_number=sku.part_number),
        skus=(index,),
        enabled=sku.enabled,
        warning=sku.warning,
        suspended=sku.suspended,
        locked_out=sku.locked_out,
        consumed=sku.consumed,
        trial=sku.trial,
        purchased=purchased_units([sku]),
    )


def pool_of(facts: TenantFacts, products: ProductSet, indices: Sequence[int]) -> Stock:
    """Return the seats of several SKUs together."""
    skus = [facts.skus[index] for index in indices]
    name = pooled(map(facts.title, [sku for sku in skus if sku.usable] or skus)) or products.written
    return Stock(
        subject=Subject(type=SubjectType.PRODUCT, id=products.written, name=name),
        product=ProductReference(sku_id=None, sku_part_number=products.written),
        skus=tuple(indices),
        enabled=_sum(skus, "enabled"),
        warning=_sum(skus, "warning"),
        suspended=_sum(skus, "suspended"),
        locked_out=_sum(skus, "locked_out"),
        consumed=_sum(skus, "consumed"),
        trial=sum(sku.trial for sku in skus),
        purchased=purchased_units(skus),
    )


def _sum(skus: list[SkuFact], name: str) -> int | None:
    numbers = [getattr(sku, name) for sku in skus]
    return None if None in numbers else sum(numbers)


def same_sum(facts: TenantFacts, skus: SelectedSkus) -> bool:
    """Return whether a pool has the same sums whichever of the possible SKUs are in it."""
    possible = (facts.skus[index] for index in skus.possible)
    return bool(skus.certain) and all(
        {sku.enabled, sku.warning, sku.suspended, sku.locked_out, sku.consumed} == {0} for sku in possible
    )


def narrowest_product(bound: BoundPolicies, products: ProductSet) -> SkuFact | None:
    """Return the product of the tenant or the catalogue with the fewest service plans in a set.

    The first element that names products or a service decides: `[{withService: AAD_PREMIUM}, ...]` is Entra ID P1. Ties
    go to a product that the tenant owns, then to the shortest part number, which has no suffix of an edition. None if
    no element names a product, or no service plans are known.
    """
    every_sku, masks = bound.facts.every_sku, bound.catalogue_masks
    for element in leaves(products.elements):
        if isinstance(element, Sku | WithService):
            mask = masks.of(ProductSet(elements=(element,), written=products.written))
            skus = [every_sku[index] for index in np.flatnonzero(mask.true)]
            skus = [sku for sku in skus if sku.plans and sku.is_for_people]
            if skus:
                skus.sort(key=lambda sku: (not sku.owned, len(sku.part_number or ""), sku.sort_key))
                return min(skus, key=lambda sku: len(sku.plans or ()))
    return None


def with_unknown_seats(stock: Stock) -> Stock:
    """Return a pool with all numbers set to unknown."""
    numbers = dict.fromkeys(("enabled", "warning", "suspended", "locked_out", "consumed", "purchased"))
    return replace(stock, **numbers, trial=0)


def seat_finding(
    scope: TenantScope, block: Seats, stock: Stock, evidence: dict[str, Any], seats: int | None
) -> ObjectFinding:
    """Return a finding about the seats of a SKU or a pool; `seats` are the superfluous paid ones, if known."""
    usable = stock.usable(block)
    numbers = {
        "enabled": stock.enabled,
        "warning": stock.warning,
        "suspended": stock.suspended,
        "lockedOut": stock.locked_out,
        "consumed": stock.consumed,
        "usable": usable,
        "spare": None if usable is None or stock.consumed is None else usable - stock.consumed,
        **({"trial": stock.trial} if stock.trial else {}),
    }
    return scope.finding(
        stock.subject,
        product=stock.product,
        evidence=numbers | evidence,
        # The SKUs of a pool have different prices.
        money=None if seats is None or stock.pool else price_of(scope.bound, scope.facts.skus[stock.skus[0]], seats),
        pool=block.of if stock.pool else None,
    )


def seat_extent(bound: BoundPolicies, block: Seats, people: PolicyExtent) -> PolicyExtent:
    """Count the people, if the block counts a population, or else the products whose seats are evaluated."""
    if block.quota is not None or block.covers:
        return people
    mask, indices = bound.masks.of(block.of), list(bound.facts.assignable)
    return PolicyExtent(int(mask.true[indices].sum()), not mask.maybe[indices].any())


class SeatCheck(Check[Seats], frozen=True, kw_only=True):
    """A check about the seats of a product or a pool."""

    block: type[Seats] = Seats
    subject: SubjectType = SubjectType.PRODUCT
    once_per: str = N_("product, or pool")
    products: Callable[[Seats], Iterable[ProductSet]] = lambda block: (block.of,)
    extent: Extent | None = seat_extent
