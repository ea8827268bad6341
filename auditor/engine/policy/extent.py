"""The extent of a policy in one tenant: how many people, products, subscriptions or groups its checks evaluate."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from auditor.domain.policy.model import Policy
from auditor.engine.outcome import BatchOutcome
from auditor.engine.policy.binding import BoundPolicies


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


NONE = PolicyExtent(0, empty=True)
