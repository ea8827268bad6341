"""Computes how far the number of seats in use may change without causing a new finding."""

from collections.abc import Iterator, Mapping
from math import ceil, floor

from auditor.domain.policy.model import Seats
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.tenant_facts import SkuFact
from auditor.remedy.planner.optimization.options import Limit


def limits_of(bound: BoundPolicies, tightened: Mapping[str, Limit], decided: Mapping[str, SkuFact]) -> dict[str, Limit]:
    """Return the limit of every product that people can hold; `tightened` are limits learnt from earlier drafts.

    `decided` are products with the seats that somebody decided to buy or to renew, by skuId.

    Not more seats are assigned than are free, less those that a policy requires to stay free; not more are freed than
    policies allow to be idle. A bound that is already violated is ignored, because its finding is not new. A product
    without seat numbers cannot be assigned.
    """
    limits: dict[str, Limit] = {}
    for fact in bound.facts.assignable_skus:
        sku = decided.get(fact.sku_id, fact)
        product_limits = [Limit(maximum=max(0, sku.spare or 0)), tightened.get(sku.sku_id, Limit())]
        product_limits += [_bounds(block, sku) for block in blocks_of(bound, sku)]
        limits[sku.sku_id] = Limit(
            minimum=max((limit.minimum for limit in product_limits if limit.minimum is not None), default=None),
            maximum=min(limit.maximum for limit in product_limits if limit.maximum is not None),
        )
    return limits


def blocks_of(bound: BoundPolicies, sku: SkuFact) -> Iterator[Seats]:
    """Yield the constraints of policies on the spare seats of one product, without pools, which are about a sum."""
    index = bound.facts.index[sku.sku_id]
    for policy in bound.policies:
        block = policy.constraint
        if isinstance(block, Seats) and block.limits_spare and not block.pool and bound.masks.of(block.of).true[index]:
            yield block


def _bounds(block: Seats, sku: SkuFact) -> Limit:
    usable = block.usable(sku.enabled, sku.warning)
    if usable is None or sku.consumed is None:
        return Limit()
    spare = usable - sku.consumed
    minimum = maximum = None
    if block.maximum is not None and spare <= block.maximum.seats_of(usable):
        minimum = spare - floor(block.maximum.seats_of(usable))
    if spare >= 0:
        maximum = spare
    if block.minimum is not None and spare >= block.minimum.seats_of(usable):
        maximum = spare - ceil(block.minimum.seats_of(usable))
    return Limit(minimum=minimum, maximum=maximum)
