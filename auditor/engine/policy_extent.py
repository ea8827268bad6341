"""How much a policy looks at in one tenant: people, products, subscriptions and groups, counted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from auditor.domain.policy import (
    Assignments,
    Attributes,
    Balance,
    Budget,
    Health,
    Policy,
    Purchases,
    Seats,
    Subscriptions,
)
from auditor.domain.product_set import ProductSet
from auditor.engine.binding import BoundPolicies
from auditor.engine.checks.holdings import sku_of
from auditor.engine.outcome import BatchOutcome
from auditor.engine.policy_index import looks_at_people
from auditor.engine.skus.masks import ProductMasks


@dataclass(frozen=True, slots=True)
class PolicyExtent:
    """What a policy looks at."""

    judged: int
    """How many people, products, subscriptions or groups it certainly looks at."""
    empty: bool
    """Whether it is certain that it looks at nothing."""

    def __add__(self, other: "PolicyExtent") -> "PolicyExtent":
        return PolicyExtent(self.judged + other.judged, self.empty and other.empty)


def extent_of(plan: BoundPolicies, place: int, policy: Policy, outcome: BatchOutcome) -> PolicyExtent:
    """Count what a policy looks at: the people of its population, or what the tenant owns where it looks at nobody."""
    people = PolicyExtent(outcome.judged.get(place, 0), place not in outcome.reached)
    if looks_at_people(policy) and not isinstance(policy.constraint, Health):
        return people
    match policy.constraint:
        case Health(errors=errors, groups=groups):
            return (people if errors else NONE) + (_groups(plan) if groups else NONE)
        case Seats(of=wanted):
            return _products(plan, wanted, plan.facts.assignable)
        case Subscriptions(of=wanted):
            return _subscriptions(plan, wanted)
        case Purchases() | Budget():
            bought = sum(sku.owned and (sku.usable is None or sku.usable > 0) for sku in plan.facts.skus)
            return PolicyExtent(bought, not bought)
        case Assignments() | Attributes() | Balance():
            return NONE
        case _ as block:
            assert_never(block)


def _groups(plan: BoundPolicies) -> PolicyExtent:
    licensed = sum(bool(group.sku_ids) for group in plan.facts.groups)
    return PolicyExtent(licensed, not licensed)


def _products(plan: BoundPolicies, wanted: ProductSet, places: Sequence[int]) -> PolicyExtent:
    mask = plan.masks.of(wanted)
    chosen = list(places)
    return PolicyExtent(int(mask.true[chosen].sum()), not mask.maybe[chosen].any())


def _subscriptions(plan: BoundPolicies, wanted: ProductSet) -> PolicyExtent:
    facts, mask = plan.facts, plan.masks.of(wanted)
    judged, possible = 0, False
    for row in facts.subscriptions:
        number, sku = facts.index.get(row["skuId"] or ""), sku_of(plan, row)
        if number is not None and sku.owned:
            included, open_ = mask.true[number], mask.unknown[number]
        else:
            own = ProductMasks(facts, (sku,)).of(wanted)
            included, open_ = own.true[0], own.unknown[0]
        judged += int(included)
        possible = possible or bool(included or open_)
    return PolicyExtent(judged, not possible)


NONE = PolicyExtent(0, empty=True)
