"""Which SKU contains which: service plans of one that all come with another."""

from collections.abc import Mapping, Sequence

from auditor.engine.tenant_facts import SkuFact

FILLER = "113feb6c-3fe4-4440-bddc-54d774bf0318"
"""EXCHANGE_S_FOUNDATION: part of nearly every SKU, so that it says nothing about what a SKU is for."""

Containers = Mapping[int, tuple[int, ...]]
"""Place of a SKU → places of the SKUs that contain it, the fullest first."""


def containers(skus: Sequence[SkuFact]) -> Containers:
    """Tell for each SKU which others contain it.

    Of two equal SKUs the one with the greater skuId is contained. A SKU without a plan, or whose plans nobody knows,
    neither contains nor is contained.
    """
    plans = {place: _plans(sku) for place, sku in enumerate(skus) if sku.plans is not None}
    found: dict[int, tuple[int, ...]] = {}
    for place, own in plans.items():
        if not own:
            continue
        around = [
            other
            for other, theirs in plans.items()
            if other != place and (own < theirs or (own == theirs and skus[place].sku_id > skus[other].sku_id))
        ]
        if around:
            found[place] = tuple(sorted(around, key=lambda other: (-len(plans[other]), skus[other].sku_id)))
    return found


def _plans(sku: SkuFact) -> frozenset[str]:
    return frozenset(
        plan
        for plan, name in (sku.plans or {}).items()
        if plan != FILLER and name.casefold() != "exchange_s_foundation"
    )
