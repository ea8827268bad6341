"""Findings about the products that a tenant owns."""

from collections.abc import Iterator

import numpy as np

from auditor.checks.check import Check, Cost
from auditor.domain.enums import Source, SubjectType
from auditor.domain.policy.model import Purchases
from auditor.domain.result.finding import ProductReference, Subject
from auditor.domain.translation import N_
from auditor.engine.outcome import ObjectFinding
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.policy.extent import Extent, PolicyExtent
from auditor.engine.scope import TenantScope, price_of
from auditor.engine.skus.masks import Mask
from auditor.engine.tenant_facts import SkuFact


def owned_product_findings(scope: TenantScope, violation: Mask) -> Iterator[ObjectFinding]:
    """Report every SKU of a mask of which the tenant owns usable seats, including SKUs for the whole company.

    A SKU for which the mask is unknown may be a trial, or has no known part number: that is the reason that is given.
    Nothing is reported if the SKUs were not read.
    """
    facts = scope.facts
    if not scope.readable(Source.SUBSCRIBED_SKUS):
        return
    for index in np.flatnonzero(violation.maybe).tolist():
        sku = facts.skus[index]
        if not is_owned(sku):
            continue
        if violation.unknown[index]:
            scope.membership_unknown()
        elif sku.usable is None:
            scope.seats_unknown(sku.label)
        else:
            yield _finding(scope, sku, sku.usable)


def _finding(scope: TenantScope, sku: SkuFact, usable: int) -> ObjectFinding:
    return scope.finding(
        Subject(type=SubjectType.PRODUCT, id=sku.sku_id, name=scope.facts.title(sku)),
        product=ProductReference(sku_id=sku.sku_id, sku_part_number=sku.part_number),
        evidence={
            "appliesTo": sku.applies_to,
            "capabilityStatus": sku.capability_status,
            "enabled": sku.enabled,
            "warning": sku.warning,
            "consumed": sku.consumed,
            "usable": usable,
            **({"trial": sku.trial} if sku.trial else {}),
        },
        money=price_of(scope.bound, sku, usable - sku.trial),
    )


def is_owned(sku: SkuFact) -> bool:
    """Return whether the tenant owns usable seats of a SKU, or may own some."""
    return sku.owned and (sku.usable is None or sku.usable > 0)


def owned_product_extent(bound: BoundPolicies, _block: object, _people: PolicyExtent) -> PolicyExtent:
    """Count the products of which the tenant owns usable seats, or may own some."""
    owned_products = sum(map(is_owned, bound.facts.skus))
    return PolicyExtent(owned_products, not owned_products)


class PurchaseCheck(Check[Purchases], frozen=True, kw_only=True):
    """A check about a product that the tenant owns."""

    block: type[Purchases] = Purchases
    subject: SubjectType = SubjectType.PRODUCT
    once_per: str = N_("product owned")
    extent: Extent | None = owned_product_extent
    cost: Cost = Cost.ALL_SEATS
