"""Selects the product to buy where seats of a set are missing: the one with the fewest other service plans."""

import numpy as np

from auditor.domain.policy.product_set import ProductSet, Sku, WithService, leaves
from auditor.engine.skus.masks import ProductMasks
from auditor.engine.tenant_facts import SkuFact, TenantFacts


def narrowest_product(facts: TenantFacts, products: ProductSet) -> SkuFact | None:
    """Return the product of the tenant or the catalogue with the fewest service plans in a set.

    The first element decides that names products or a service: `[{withService: AAD_PREMIUM}, ...]` is Entra ID P1. Of
    equally narrow ones a product that the tenant owns is taken, then the shortest part number, which has no suffix of
    an edition. None where no element names any, or no service plans are known.
    """
    masks = ProductMasks(facts, facts.every_sku)
    for element in leaves(products.elements):
        if isinstance(element, Sku | WithService):
            mask = masks.of(ProductSet(elements=(element,), written=products.written))
            found = [facts.every_sku[index] for index in np.flatnonzero(mask.true)]
            found = [sku for sku in found if sku.plans and sku.applies_to.casefold() == "user"]
            if found:
                return min(found, key=_breadth)
    return None


def _breadth(sku: SkuFact) -> tuple[int, bool, int, str, str]:
    return len(sku.plans or ()), not sku.owned, len(sku.part_number or ""), sku.part_number or "", sku.sku_id
