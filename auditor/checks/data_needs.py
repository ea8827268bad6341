"""Computes the data needs of policies: sources, properties and groups, for each policy and for all of them."""

from typing import TYPE_CHECKING, Any

from auditor.domain.enums import Source
from auditor.domain.policy.data_needs import Needs
from auditor.domain.policy.model import Assignments, Constraint, Policy, PolicySet
from auditor.policy.data_needs import property_needs, selector_needs, set_needs

if TYPE_CHECKING:
    from auditor.checks.check import Check

ALWAYS = Needs(sources=frozenset({Source.ORGANIZATION, Source.SUBSCRIBED_SKUS}))
"""Needed for every audit: the tenant's name, its seats, and the names of its products."""

PEOPLE = Needs(
    sources=frozenset({Source.USERS}),
    user_properties=(
        "accountEnabled",
        "assignedLicenses",
        "department",
        "displayName",
        "id",
        "licenseAssignmentStates",
        "userPrincipalName",
        "userType",
    ),
)
"""Needed if a policy evaluates people: identity, licences, assignment paths, and what the guidance depends on."""

USE = Needs(sources=frozenset({Source.USAGE, Source.APP_USAGE, Source.MAILBOX_USAGE}), app_usage_periods=("D180",))
"""Needed to decide whether a smaller product is sufficient for a user."""


def needs(policies: PolicySet) -> Needs:
    """Return the combined data needs of policies, waivers, contracts and the additions to the set `free`."""
    parts = [ALWAYS, *(policy_needs(policy) for policy in policies.policies)]
    if any(Source.USERS in part.sources for part in parts):
        parts.extend(selector_needs(waiver.users) for waiver in policies.waivers if waiver.users is not None)
    waived = (waiver.products for waiver in policies.waivers if waiver.products is not None)
    parts.append(set_needs((*waived, *(contract.products for contract in policies.contracts), *policies.free)))
    return Needs.of(parts)


def policy_needs(policy: Policy) -> Needs:
    """Return the data needs of one policy."""
    from auditor.checks.registry import all_checks  # noqa: PLC0415  imports NumPy and Arrow, which `--help` does not need

    checks = [check for check in all_checks() if check.raised_by(policy.constraint)]
    needs = Needs.of(check_needs(check, policy.constraint) for check in checks)
    if Source.USERS in needs.sources:
        needs = needs.union(selector_needs(policy.users))
    if isinstance(policy.constraint, Assignments) and policy.constraint.downgrade_to is not None:
        needs = needs.union(USE, set_needs([policy.constraint.downgrade_to]))
    return needs


def check_needs(check: "Check[Any]", block: Constraint) -> Needs:
    """Return the data needs of a check for a constraint block."""
    users = PEOPLE if check.evaluate_users is not None or check.count_holders is not None else Needs()
    check_sources = Needs(
        sources=frozenset(check.sources),
        licensed_groups=Source.GROUPS in check.sources,
        nested_groups=Source.MEMBERS in check.sources,
    )
    return users.union(
        check_sources,
        set_needs(check.products(block)),
        *map(property_needs, check.properties(block)),
        *map(selector_needs, check.selectors(block)),
    )
