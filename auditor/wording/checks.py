"""What each check is called and what it means, in words for people."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from auditor.domain.translation import N_


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckWords:
    """The English words of a check; both are messages of the catalogues."""

    name: str
    """Said after a product or a name, so without a capital: `Microsoft 365 E5: product not allowed`."""
    explanation: str


_ASSIGNMENTS: Final = {
    "assignment.not-allowed": CheckWords(
        name=N_("product not allowed"),
        explanation=N_("A user holds a product that the policy does not allow for the people it is about."),
    ),
    "assignment.denied": CheckWords(
        name=N_("product denied"),
        explanation=N_("A user holds a product that the policy denies to the people it is about."),
    ),
    "assignment.missing": CheckWords(
        name=N_("product missing"),
        explanation=N_("A user does not hold a product that the policy requires for the people it is about."),
    ),
    "assignment.overlap": CheckWords(
        name=N_("products that overlap"),
        explanation=N_("A user holds two or more products of which the policy allows only one at a time."),
    ),
    "assignment.redundant": CheckWords(
        name=N_("contained in another product"),
        explanation=N_("A user holds a product whose services are all contained in another product of the same user."),
    ),
    "assignment.path": CheckWords(
        name=N_("assigned on the wrong path"),
        explanation=N_("A product is assigned directly where the policy wants a group, or the other way round."),
    ),
    "assignment.duplicate": CheckWords(
        name=N_("assigned twice"),
        explanation=N_("A user holds the same product on two or more paths; only one seat is used all the same."),
    ),
    "assignment.error": CheckWords(
        name=N_("assignment in error"),
        explanation=N_("A product should be assigned to a user, but Microsoft reports an error instead."),
    ),
    "service.missing": CheckWords(
        name=N_("service not enabled"),
        explanation=N_("No product of a user has a service switched on that the policy requires."),
    ),
    "service.denied": CheckWords(
        name=N_("service enabled"),
        explanation=N_("A product of a user has a service switched on that the policy denies."),
    ),
    "attribute.missing": CheckWords(
        name=N_("property missing"),
        explanation=N_("A user has no value for a property that the policy requires."),
    ),
    "attribute.not-allowed": CheckWords(
        name=N_("value not allowed"),
        explanation=N_("A property of a user has a value that the policy does not allow."),
    ),
}
_SEATS: Final = {
    "seats.over-assigned": CheckWords(
        name=N_("over-assigned"),
        explanation=N_("More licences of a product are assigned than it has usable seats."),
    ),
    "seats.below-minimum": CheckWords(
        name=N_("too few spare"),
        explanation=N_("A product has fewer spare seats than the policy wants."),
    ),
    "seats.above-maximum": CheckWords(
        name=N_("too many spare"),
        explanation=N_("A product has more spare seats than the policy allows; they are paid and not used."),
    ),
    "seats.quota-exceeded": CheckWords(
        name=N_("quota exceeded"),
        explanation=N_("More people hold a product than the policy allows."),
    ),
    "balance.imbalance": CheckWords(
        name=N_("seats lie in the wrong tenant"),
        explanation=N_("One tenant has too few spare seats of a product while another one has too many."),
    ),
    "budget.exceeded": CheckWords(
        name=N_("budget exceeded"),
        explanation=N_("The seats of a tenant cost more a month than the policy allows."),
    ),
}
_PURCHASES: Final = {
    "purchase.not-allowed": CheckWords(
        name=N_("purchase not allowed"),
        explanation=N_("The tenant owns a product that the policy does not allow it to own."),
    ),
    "purchase.trial": CheckWords(
        name=N_("trial"),
        explanation=N_("The tenant has a trial that the policy does not allow."),
    ),
    "purchase.unknown": CheckWords(
        name=N_("product in no catalogue"),
        explanation=N_("The tenant owns a product that the catalogue of products does not know."),
    ),
    "subscription.expiring": CheckWords(
        name=N_("ends soon"),
        explanation=N_("A subscription reaches its next date within the days that the policy names."),
    ),
    "subscription.state": CheckWords(
        name=N_("state not allowed"),
        explanation=N_("A subscription is in a state that the policy does not allow."),
    ),
    "subscription.trial-ending": CheckWords(
        name=N_("trial ends soon"),
        explanation=N_("A trial ends within the days that the policy names."),
    ),
    "group.license-errors": CheckWords(
        name=N_("members in error"),
        explanation=N_("A group that assigns licences has members who did not get them."),
    ),
    "group.processing": CheckWords(
        name=N_("licences not processed"),
        explanation=N_("The licences of a group are not processed yet, or not for all its members."),
    ),
}

CHECKS: Final[Mapping[str, CheckWords]] = MappingProxyType({**_ASSIGNMENTS, **_SEATS, **_PURCHASES})
"""The words of every check, by its id."""
