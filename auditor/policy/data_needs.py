"""Derives the data that selectors and product sets need: sources, properties and groups."""

from collections.abc import Iterable, Mapping
from typing import Final

from auditor.domain.enums import Source
from auditor.domain.policy import selector as kinds
from auditor.domain.policy.data_needs import Needs
from auditor.domain.policy.product_set import ProductSet, builtins_of
from auditor.domain.policy.selector import GRAPH_PROPERTIES, Selector, atoms

_LICENSES, _STATES = "assignedLicenses", "licenseAssignmentStates"
_FIXED_NEEDS: Final[Mapping[type, Needs]] = {
    kinds.ManagedDevice: Needs(sources=frozenset({Source.DEVICES})),
    kinds.Licensed: Needs(user_properties=(_LICENSES,)),
    kinds.LicensedVia: Needs(user_properties=(_LICENSES, _STATES)),
    kinds.InactiveFor: Needs(sources=frozenset({Source.SIGN_IN_ACTIVITY})),
    kinds.NeverSignedIn: Needs(sources=frozenset({Source.SIGN_IN_ACTIVITY}), user_properties=("createdDateTime",)),
    kinds.MailboxLargerThan: Needs(sources=frozenset({Source.MAILBOX_USAGE})),
    kinds.MailboxArchive: Needs(sources=frozenset({Source.MAILBOX_USAGE})),
    kinds.Agent: Needs(user_properties=("agent",)),
    kinds.CreatedWithin: Needs(user_properties=("createdDateTime",)),
    kinds.CoveredBy: Needs(
        sources=frozenset({Source.CONDITIONAL_ACCESS}), user_properties=("userPrincipalName", "userType")
    ),
}
"""Needs of conditions that do not depend on their values; conditions that are not listed need nothing."""


def selector_needs(selector: Selector) -> Needs:
    """Return what is needed to evaluate a selector."""
    return Needs.of(map(_atom_needs, atoms(selector)))


def _atom_needs(atom: Selector) -> Needs:
    match atom:
        case (
            kinds.OneOf(property=name)
            | kinds.Matches(property=name)
            | kinds.Before(property=name)
            | kinds.After(property=name)
        ):
            return property_needs(name)
        case kinds.Holds(products=products):
            return Needs(user_properties=(_LICENSES,)).union(set_needs([products]))
        case kinds.HeldFor(products=products):
            return Needs(user_properties=(_LICENSES, _STATES)).union(set_needs([products]))
        case kinds.MemberOf(groups=groups, transitive=transitive):
            sources = frozenset({Source.GROUPS, Source.MEMBERS})
            names = tuple(sorted(groups))
            return Needs(
                sources=sources, groups=() if transitive else names, transitive_groups=names if transitive else ()
            )
        case kinds.InactiveIn(services=services):
            reports = {Source.COPILOT_USAGE if service == "copilot" else Source.USAGE for service in services}
            return Needs(sources=frozenset(reports))
        case kinds.AppsUnused(period=period):
            return Needs(sources=frozenset({Source.APP_USAGE}), app_usage_periods=(period,))
        case kinds.HasRole(assigned=assigned):
            return Needs(sources=frozenset({Source.DIRECTORY_ROLES}), eligible_roles=assigned != "active")
        case _:
            return _FIXED_NEEDS.get(type(atom), Needs())


def property_needs(name: str) -> Needs:
    """Return what is needed to read a property of users, given by its name in policies."""
    if name == "mailboxType":
        return Needs(sources=frozenset({Source.MAILBOXES}))
    return Needs(user_properties=(GRAPH_PROPERTIES.get(name, name),))


def set_needs(sets: Iterable[ProductSet]) -> Needs:
    """Return what is needed to resolve product sets.

    Only `trial` needs more than the products of the tenant: whether each subscription is a trial.
    """
    trial = any("trial" in builtins_of(products.elements) for products in sets)
    return Needs(sources=frozenset({Source.SUBSCRIPTIONS})) if trial else Needs()
