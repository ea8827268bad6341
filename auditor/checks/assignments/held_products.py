"""Findings about the products of a set that users hold, optionally by assignment path."""

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from msgspec import Struct

from auditor.checks.check import Check, Correction, Cost
from auditor.domain.enums import Source, SubjectType
from auditor.domain.policy.model import Assignments
from auditor.domain.policy.product_set import ProductSet
from auditor.domain.translation import N_
from auditor.engine.columns.assignments import Paths
from auditor.engine.columns.bitsets import BitRows, SkuSet, intersects, pairs
from auditor.engine.policy.extent import Extent, population_extent
from auditor.engine.scope import Scope, UserFindings
from auditor.engine.skus.masks import Mask, ProductMasks
from auditor.guidance.routing import Articles, Situation, unwanted_product


class PackedSet(Struct, frozen=True):
    """A set of SKUs, packed for comparison with the bitsets of users."""

    mask: Mask
    true: SkuSet
    maybe: SkuSet


def pack(mask: Mask) -> PackedSet:
    """Pack a set of SKUs."""
    true = SkuSet.of(mask.true)
    return PackedSet(mask, true, true if mask.sure else SkuSet.of(mask.maybe))


def packed_set(masks: ProductMasks, products: ProductSet) -> PackedSet:
    """Return a product set of a policy, packed once per tenant."""
    return masks.cached(("packed", id(products)), lambda: pack(masks.of(products)))


def held_product_findings(scope: Scope, held: BitRows, products: PackedSet) -> UserFindings:
    """Report the SKUs of a set that members of the population hold; `held` has the SKUs that count as held."""
    if not products.maybe.indices:
        return None, scope.people.nobody
    population, violation = scope.population, products.mask
    rows, skus = pairs(held, products.true, scope.readable)
    undecided = scope.people.nobody
    if not violation.sure:
        undecided = population.true & intersects(held, violation.unknown)
    if not population.sure:
        undecided = undecided | (population.unknown & intersects(held, products.maybe))
    return scope.findings(rows, skus=skus), undecided


def assigned_product_findings(
    scope: Scope, of: ProductSet, products: ProductSet | None, *, listed: bool
) -> Iterator[UserFindings]:
    """Report the assigned SKUs of the set `of` that `products` lists, or does not list."""
    assert products is not None, "a check without a set is not enabled"
    masks = scope.bound.masks
    reported = masks.cached(
        ("listed" if listed else "not listed", id(of), id(products)),
        lambda: pack(masks.of(of) & (masks.of(products) if listed else ~masks.of(products))),
    )
    yield held_product_findings(scope, scope.people.assignments.assigned_skus, reported)


def held_product_findings_by_path(scope: Scope, kind: Paths, of: ProductSet) -> UserFindings:
    """Report held SKUs by assignment path; holders whose paths were not collected stay unknown."""
    products, assignments = packed_set(scope.bound.masks, of), scope.people.assignments
    assigned = assignments.paths(kind) & assignments.assigned_skus
    if assignments.pathless is None:
        return held_product_findings(scope, assigned, products)
    chunk, undecided = held_product_findings(
        scope, np.where(assignments.pathless[:, None], np.uint64(0), assigned), products
    )
    return chunk, undecided | (
        assignments.pathless & scope.population.maybe & intersects(assignments.assigned_skus, products.maybe)
    )


class AssignmentCheck(Check[Assignments], frozen=True, kw_only=True):
    """A check about the products that one user holds."""

    block: type[Assignments] = Assignments
    subject: SubjectType = SubjectType.USER
    properties: Callable[[Assignments], tuple[str, ...]] = lambda _: ("assignedLicenses",)
    products: Callable[[Assignments], Iterable[ProductSet]] = lambda block: (block.of,)
    sources: tuple[Source, ...] = (Source.SUBSCRIBED_SKUS,)
    extent: Extent | None = population_extent


class UnwantedProductCheck(AssignmentCheck, frozen=True, kw_only=True):
    """A check about products that a user should not hold."""

    once_per: str = N_("assigned product")
    cost: Cost = Cost.SEAT
    spares_role_holders: bool = True
    routes: Callable[[Situation], Articles] = unwanted_product
    correction: Correction | None = Correction.REPLACE
