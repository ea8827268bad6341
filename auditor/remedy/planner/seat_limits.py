"""Seats and the policies about them into how far the seats in use may move before something new would be wrong."""

from collections.abc import Iterator, Mapping
from math import ceil, floor

from auditor.domain.policy import Seats
from auditor.engine.binding import BoundPolicies
from auditor.engine.tenant_facts import SkuFact
from auditor.remedy.planner.options import Limit


def limits_of(plan: BoundPolicies, tightened: Mapping[str, Limit]) -> dict[str, Limit]:
    """Return the limit of every product that people can hold; `tightened` are what earlier tries have taught.

    No more seats are given out than are free, or than a policy wants to stay free; no more are freed than a policy
    wants idle. A bound that is broken already does not bind: what is found today is nothing new. A product without
    seat numbers cannot be given out.
    """
    limits: dict[str, Limit] = {}
    for place, sku in enumerate(plan.facts.skus):
        if not (sku.owned and sku.applies_to.casefold() == "user"):
            continue
        most = [0 if sku.spare is None else max(0, sku.spare)]
        least: list[int] = []
        for block in _blocks(plan):
            if plan.masks.of(block.of).true[place] and not block.pool:
                own = _bounds(block, sku)
                least += [own.least] if own.least is not None else []
                most += [own.most] if own.most is not None else []
        learnt = tightened.get(sku.sku_id, Limit())
        least += [learnt.least] if learnt.least is not None else []
        most += [learnt.most] if learnt.most is not None else []
        limits[sku.sku_id] = Limit(least=max(least, default=None), most=min(most))
    return limits


def _blocks(plan: BoundPolicies) -> Iterator[Seats]:
    for policy in plan.policies:
        if isinstance(policy.constraint, Seats) and policy.constraint.judges_spare:
            yield policy.constraint


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
