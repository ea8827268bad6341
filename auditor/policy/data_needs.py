"""Policies into what must be known to judge them: sources, properties and groups, per policy and together."""

from collections.abc import Iterable

from auditor.domain.data_needs import Needs
from auditor.domain.enums import Source
from auditor.domain.policy import (
    Assignments,
    Attributes,
    Balance,
    Budget,
    Constraint,
    Health,
    Policy,
    PolicySet,
    Purchases,
    Seats,
    Subscriptions,
    Waiver,
)
from auditor.domain.product_set import ProductSet, builtins_of
from auditor.domain.selector import (
    After,
    Before,
    CreatedWithin,
    Holds,
    InactiveFor,
    Licensed,
    Matches,
    MemberOf,
    NeverSignedIn,
    OneOf,
    Selector,
    atoms,
)

ALWAYS = Needs(sources=frozenset({Source.ORGANIZATION, Source.SUBSCRIBED_SKUS}))
"""Read for every audit: the tenant's name, its seats, and the names of its products."""

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
"""Read as soon as one policy looks at people: who it is, what they hold and how, and what picks the guidance."""


def needs(policies: PolicySet) -> Needs:
    """Return what all policies and waivers together need."""
    parts = [ALWAYS, *(policy_needs(policy) for policy in policies.policies)]
    judges_people = any(Source.USERS in part.sources for part in parts)
    parts.extend(waiver_needs(waiver) for waiver in policies.waivers if judges_people)
    return Needs.of(parts)


def policy_needs(policy: Policy) -> Needs:
    """Return what one policy needs."""
    found = _constraint_needs(policy.constraint)
    if Source.USERS in found.sources:
        found = found.union(selector_needs(policy.users))
    return found


def waiver_needs(waiver: Waiver) -> Needs:
    """Return what it takes to tell whom a waiver is for."""
    people = Needs() if waiver.users is None else selector_needs(waiver.users)
    return people.union(_set_needs([] if waiver.products is None else [waiver.products]))


def selector_needs(selector: Selector) -> Needs:
    """Return what it takes to tell who belongs to a population."""
    return Needs.of(map(_atom_needs, atoms(selector)))


def _atom_needs(atom: Selector) -> Needs:
    match atom:
        case OneOf(property=name) | Matches(property=name) | Before(property=name) | After(property=name):
            return _property_needs(name)
        case Holds(products=products):
            return Needs(user_properties=("assignedLicenses",)).union(_set_needs([products]))
        case Licensed():
            return Needs(user_properties=("assignedLicenses",))
        case MemberOf(groups=groups, transitive=transitive):
            sources = frozenset({Source.GROUPS, Source.MEMBERS})
            named = tuple(sorted(groups))
            return Needs(
                sources=sources, groups=() if transitive else named, transitive_groups=named if transitive else ()
            )
        case InactiveFor():
            return Needs(sources=frozenset({Source.SIGN_IN_ACTIVITY}))
        case NeverSignedIn():
            return Needs(sources=frozenset({Source.SIGN_IN_ACTIVITY}), user_properties=("createdDateTime",))
        case CreatedWithin():
            return Needs(user_properties=("createdDateTime",))
        case _:
            return Needs()


def _property_needs(name: str) -> Needs:
    if name == "mailboxType":
        return Needs(sources=frozenset({Source.MAILBOXES}))
    if name.startswith("extensionAttribute"):
        return Needs(user_properties=("onPremisesExtensionAttributes",))
    return Needs(user_properties=(name,))


def _constraint_needs(constraint: Constraint) -> Needs:
    match constraint:
        case Assignments():
            return PEOPLE.union(_set_needs(_assignment_sets(constraint)))
        case Attributes(require=require, allow=allow):
            return PEOPLE.union(*(_property_needs(name) for name in (*require, *(key for key, _ in allow))))
        case Health(errors=errors, groups=groups):
            people = PEOPLE if errors else Needs()
            licensed = Needs(sources=frozenset({Source.GROUPS}), licensed_groups=True) if groups else Needs()
            return people.union(licensed)
        case Seats(of=products, quota=quota):
            return _set_needs([products]).union(Needs() if quota is None else PEOPLE)
        case Purchases(allow=allow, deny=deny, trials=trials):
            named = _set_needs([products for products in (allow, deny) if products is not None])
            return named.union(Needs(sources=frozenset({Source.SUBSCRIPTIONS})) if trials else Needs())
        case Subscriptions(of=products):
            return Needs(sources=frozenset({Source.SUBSCRIPTIONS})).union(_set_needs([products]))
        case Balance(of=products):
            return _set_needs([products])
        case Budget():
            return Needs()


def _assignment_sets(block: Assignments) -> Iterable[ProductSet]:
    yield block.of
    yield from (products for products in (block.allow, block.deny) if products is not None)
    yield from block.require
    for group in block.exclusive:
        yield from group


def _set_needs(sets: Iterable[ProductSet]) -> Needs:
    """Only `trial` needs more than the tenant's products: whether each subscription is a trial."""
    trial = any("trial" in builtins_of(products.elements) for products in sets)
    return Needs(sources=frozenset({Source.SUBSCRIPTIONS})) if trial else Needs()
