"""The extent of a policy in one tenant: how many people, products, subscriptions or groups it evaluates."""

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from auditor.domain.policy.model import Policy, Seats, Subscriptions
from auditor.domain.policy.product_set import ProductSet
from auditor.engine.outcome import BatchOutcome
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.tenant_facts import SkuFact


class PolicyExtent(Struct, frozen=True):
    """How much a policy evaluates in one tenant."""

    judged: int
    """The number of people, products, subscriptions or groups that it certainly evaluates."""
    empty: bool
    """Whether it certainly evaluates nothing."""

    def __add__(self, other: "PolicyExtent") -> "PolicyExtent":
        return PolicyExtent(self.judged + other.judged, self.empty and other.empty)


Extent = Callable[[BoundPolicies, Any, PolicyExtent], PolicyExtent]
"""Counts what a check evaluates, from the constraint block of a policy and the extent of its population."""


def extent_of(bound: BoundPolicies, index: int, policy: Policy, outcome: BatchOutcome) -> PolicyExtent:
    """Return the extent of a policy; what several of its checks evaluate counts once."""
    extents = dict.fromkeys(check.extent for check in bound.rules.checks(policy) if check.extent is not None)
    people = PolicyExtent(outcome.judged[index], index not in outcome.reached)
    return sum((extent(bound, policy.constraint, people) for extent in extents), NONE)


def population_extent(_bound: BoundPolicies, _block: object, people: PolicyExtent) -> PolicyExtent:
    """Count the people of the population."""
    return people


def purchase_extent(bound: BoundPolicies, _block: object, _people: PolicyExtent) -> PolicyExtent:
    """Count the products of which the tenant owns usable seats, or may own some."""
    owned_products = sum(map(is_owned, bound.facts.skus))
    return PolicyExtent(owned_products, not owned_products)


def is_owned(sku: SkuFact) -> bool:
    """Return whether the tenant owns usable seats of a SKU, or may own some."""
    return sku.owned and (sku.usable is None or sku.usable > 0)


def group_extent(bound: BoundPolicies, _block: object, _people: PolicyExtent) -> PolicyExtent:
    """Count the groups that assign licences."""
    licensed = sum(bool(group.sku_ids) for group in bound.facts.groups)
    return PolicyExtent(licensed, not licensed)


def seat_extent(bound: BoundPolicies, block: Seats, people: PolicyExtent) -> PolicyExtent:
    """Count the people, if the block counts a population, or else the products whose seats are evaluated."""
    if block.quota is not None or block.covers:
        return people
    mask, indices = bound.masks.of(block.of), list(bound.facts.assignable)
    return PolicyExtent(int(mask.true[indices].sum()), not mask.maybe[indices].any())


def subscription_extent(bound: BoundPolicies, block: Subscriptions, _people: PolicyExtent) -> PolicyExtent:
    """Count the subscriptions to products of the set."""
    judged, possible = 0, False
    for row in bound.facts.subscriptions:
        included, unknown = includes(bound, row, block.of)
        judged += int(included)
        possible = possible or included or unknown
    return PolicyExtent(judged, not possible)


def includes(bound: BoundPolicies, row: Mapping[str, Any], products: ProductSet) -> tuple[bool, bool]:
    """Return whether the product of a subscription is in a set, and whether that is not known."""
    contained = bound.contains(products, bound.facts.subscription_sku(row))
    return bool(contained.true[0]), bool(contained.unknown[0])


NONE = PolicyExtent(0, empty=True)
