"""Seats and the policies about them into how far the seats in use may move before something new would be wrong."""

from collections.abc import Iterator, Mapping
from math import ceil, floor

from auditor.domain.policy.model import Seats
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.tenant_facts import SkuFact
from auditor.remedy.planner.optimization.options import Limit


def limits_of(
    plan: BoundPolicies, tightened: Mapping[str, Limit], decided: Mapping[str, SkuFact] | None = None
) -> dict[str, Limit]:
    """Return the limit of every product that people can hold; `tightened` are what earlier tries have taught.

    `decided` are products with the seats that somebody decided to buy or to renew, by skuId.

    No more seats are given out than are free, or than a policy wants to stay free; no more are freed than a policy
    wants idle. A bound that is broken already does not bind: what is found today is nothing new. A product without
    seat numbers cannot be given out.
    """
    limits: dict[str, Limit] = {}
    for fact in plan.facts.skus:
        if not (fact.owned and fact.applies_to.casefold() == "user"):
            continue
        sku = (decided or {}).get(fact.sku_id, fact)
        most = [0 if sku.spare is None else max(0, sku.spare)]
        least: list[int] = []
        for block in blocks_of(plan, sku):
            own = _bounds(block, sku)
            least += [own.least] if own.least is not None else []
            most += [own.most] if own.most is not None else []
        learnt = tightened.get(sku.sku_id, Limit())
        least += [learnt.least] if learnt.least is not None else []
        most += [learnt.most] if learnt.most is not None else []
        limits[sku.sku_id] = Limit(least=max(least, default=None), most=min(most))
    return limits


def blocks_of(plan: BoundPolicies, sku: SkuFact) -> Iterator[Seats]:
    """Yield what policies say about the spare seats of one product; a pool is about the sum of several."""
    index = plan.facts.index[sku.sku_id]
    for policy in plan.policies:
        block = policy.constraint
        if isinstance(block, Seats) and block.judges_spare and not block.pool and plan.masks.of(block.of).true[index]:
            yield block


def _bounds(block: Seats, sku: SkuFact) -> Limit:
    if sku.enabled is None or sku.warning is None or sku.consumed is None:
        return Limit()
    usable = sku.enabled + (sku.warning if block.count_grace_units else 0)
    spare = usable - sku.consumed
    least = most = None
    if block.maximum is not None and spare <= block.maximum.reached(usable):
        least = spare - floor(block.maximum.reached(usable))
    if spare >= 0:
        most = spare
    if block.minimum is not None and spare >= block.minimum.reached(usable):
        most = spare - ceil(block.minimum.reached(usable))
    return Limit(least=least, most=most)
