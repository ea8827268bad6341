"""Turns the check of a finding and what is known of its subject into the articles that say how to mend it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from auditor.domain.enums import Agreement, Cloud
from auditor.guidance.model import Variant

Articles = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What is known of a finding's subject, product and tenant; None is not known, which is not False."""

    account_enabled: bool | None = None
    user_type: str | None = None
    mailbox_type: str | None = None
    """Graph's `mailboxSettings.userPurpose`."""
    inactive: bool | None = None
    never_signed_in: bool | None = None
    path: str | None = None
    """How the licence of the finding reaches the user: `direct`, `group` or `both`."""
    on_premises_synced: bool | None = None
    replacement_required: bool | None = None
    """A policy asks for another product for this user."""
    self_service: bool | None = None
    """The product was bought by a user, or is a viral trial."""
    error_code: str | None = None
    """The error of the assignment, with or without `@groupId`."""
    attribute: str | None = None
    """The property of an `attribute.*` finding."""
    status: str | None = None
    """The subscription's status in Graph's words."""
    is_trial: bool | None = None
    agreement: Agreement = Agreement.UNKNOWN
    cloud: Cloud = Cloud.WORLDWIDE
    leaving: bool | None = None
    """Whether the tenant that has licences to spare is going to be given up."""

    def variant(self, *, side: str | None = None) -> Variant:
        """Return the facts that pick the variant of an article; `side` is `source` or `target` of a transfer."""
        return Variant(
            cloud=self.cloud,
            agreement=self.agreement,
            path=self.path,
            status=self.status,
            side=side,
            leaving=self.leaving,
            synced=self.on_premises_synced,
        )


def choose(check: str, situation: Situation) -> Articles:
    """Return the ids of the articles for a finding: the first tells what to do, the others what else to read.

    KeyError where no check is called so. Never empty.
    """
    return tuple(dict.fromkeys(_ROUTES[check](situation)))


_ERRORS: Final = MappingProxyType(
    {
        "countviolation": "group-error-count",
        "mutuallyexclusiveviolation": "group-error-exclusive",
        "dependencyviolation": "group-error-dependency",
        "prohibitedinusagelocationviolation": "group-error-location",
        "uniquenessviolation": "group-error-uniqueness",
    }
)
"""Graph's `licenseAssignmentState.error`; `Other`, the older `Others` and what is new lead to group-error-other."""

_STOPPED: Final = frozenset({"suspended", "lockedout"})
_UNATTENDED: Final = frozenset({"shared", "room", "equipment"})


def _unwanted(situation: Situation) -> Articles:
    """Return the way out of a licence that this user should not hold."""
    ways = (*_seller(situation), *_person(situation), *_taking_away(situation))
    return ways if situation.replacement_required is not True else _replacing(situation, ways)


def _replacing(situation: Situation, ways: Articles) -> Articles:
    # A leaver or a shared mailbox needs no other product, whatever a policy for people asks.
    if _person(situation) and _person(situation)[0] in {"former-employee", "shared-mailbox"}:
        return ways
    return (*_seller(situation), "move-users", *_person(situation), *_group(situation))


def _seller(situation: Situation) -> Articles:
    # An admin can take away what a user bought only after taking over the subscription.
    return ("self-service-purchases",) if situation.self_service is True else ()


def _person(situation: Situation) -> Articles:
    """Return the articles that the kind of account calls for, what forbids most first."""
    # The account of a shared mailbox is always blocked, so this comes before the leaver.
    if (situation.mailbox_type or "").lower() in _UNATTENDED:
        return ("shared-mailbox",)
    if situation.account_enabled is False:
        return ("former-employee",)
    if (situation.user_type or "").lower() == "guest":
        return ("guests",)
    if situation.inactive is True or situation.never_signed_in is True:
        return ("inactive-users",)
    return ()


def _taking_away(situation: Situation) -> Articles:
    match situation.path:
        case "group":
            return ("group-licenses",)
        case "both" | None:
            return ("unassign-licenses", "group-licenses")
        case _:
            return ("unassign-licenses",)


def _group(situation: Situation) -> Articles:
    return ("group-licenses",) if situation.path in {"group", "both", None} else ()


def _missing(situation: Situation) -> Articles:
    stopped = ("reactivate-subscription",) if (situation.status or "").lower() in _STOPPED else ()
    if situation.replacement_required is True:
        return (*stopped, "move-users", *_group(situation))
    if situation.path == "group":
        return (*stopped, "group-licenses", "assign-licenses")
    return (*stopped, "assign-licenses")


def _overlapping(situation: Situation) -> Articles:
    return (*_seller(situation), "overlap", *_person(situation), *_taking_away(situation))


def _other_path(situation: Situation) -> Articles:
    match situation.path:
        case "direct":
            return ("direct-to-group",)
        case "group":
            return ("group-to-direct",)
        case _:
            return ("direct-to-group", "group-to-direct")


def _duplicate(situation: Situation) -> Articles:
    return ("duplicate-assignment", *(("group-licenses",) if situation.path == "group" else ()))


def _services(situation: Situation) -> Articles:
    return (*_seller(situation), "apps-and-services", *_group(situation))


def _channel(situation: Situation) -> Articles:
    """Return what the agreement adds to buying, removing and cancelling."""
    match situation.agreement:
        case Agreement.VOLUME:
            return ("volume-licensing",)
        case Agreement.CSP:
            return ("partner-bought",)
        case _:
            return ()


def _over_assigned(situation: Situation) -> Articles:
    stopped = ("subscription-end",) if (situation.status or "").lower() in {"warning", *_STOPPED} else ()
    return ("over-assigned", *stopped, *_channel(situation))


def _short(situation: Situation) -> Articles:
    return (*_trial(situation), "buy-licenses", *_channel(situation))


def _spare(situation: Situation) -> Articles:
    return (*_seller(situation), *_trial(situation), "remove-licenses", *_channel(situation))


def _trial(situation: Situation) -> Articles:
    return ("trials",) if situation.is_trial is True else ()


def _quota(situation: Situation) -> Articles:
    return (*_seller(situation), *_taking_away(situation))


def _unwanted_purchase(situation: Situation) -> Articles:
    return (*_seller(situation), *_trial(situation), "cancel-subscription", *_channel(situation))


def _trial_purchase(situation: Situation) -> Articles:
    return (*_seller(situation), "trials", *_channel(situation))


def _unknown_purchase(situation: Situation) -> Articles:
    return (*_seller(situation), "unknown-product", *_channel(situation))


def _expiring(situation: Situation) -> Articles:
    return (*_trial(situation), "subscription-end", *_channel(situation))


def _state(situation: Situation) -> Articles:
    match (situation.status or "").lower():
        case "suspended" | "lockedout":
            return ("reactivate-subscription", "subscription-end", *_channel(situation))
        case "deleted":
            return ("subscription-end", "buy-licenses", *_channel(situation))
        case _:
            return _expiring(situation)


def _attribute(situation: Situation) -> Articles:
    match (situation.attribute or "").lower():
        case "usagelocation":
            return ("usage-location",)
        case "":
            return ("usage-location", "user-attributes")
        case _:
            return ("user-attributes",)


def _error(situation: Situation) -> Articles:
    code = (situation.error_code or "").partition("@")[0].lower()
    return (_ERRORS.get(code, "group-error-other"), "group-errors")


def _group_errors(situation: Situation) -> Articles:
    return ("group-errors",) if situation.error_code is None else tuple(reversed(_error(situation)))


def _imbalance(situation: Situation) -> Articles:
    whole = situation.agreement in {Agreement.MCA, Agreement.UNKNOWN}
    return ("transfer-between-tenants", *(("multitenant-billing",) if whole else ()), *_channel(situation))


_ROUTES: Final[Mapping[str, Callable[[Situation], Articles]]] = MappingProxyType(
    {
        "assignment.not-allowed": _unwanted,
        "assignment.denied": _unwanted,
        "assignment.missing": _missing,
        "assignment.overlap": _overlapping,
        "assignment.redundant": _overlapping,
        "assignment.path": _other_path,
        "assignment.duplicate": _duplicate,
        "assignment.error": _error,
        "service.missing": _services,
        "service.denied": _services,
        "seats.over-assigned": _over_assigned,
        "seats.below-minimum": _short,
        "seats.above-maximum": _spare,
        "seats.quota-exceeded": _quota,
        "purchase.not-allowed": _unwanted_purchase,
        "purchase.trial": _trial_purchase,
        "purchase.unknown": _unknown_purchase,
        "subscription.expiring": _expiring,
        "subscription.state": _state,
        "subscription.trial-ending": _trial_purchase,
        "attribute.missing": _attribute,
        "attribute.not-allowed": _attribute,
        "group.license-errors": _group_errors,
        "group.processing": lambda _: ("group-processing", "group-errors"),
        "balance.imbalance": _imbalance,
        "budget.exceeded": lambda _: ("reduce-cost", "remove-licenses"),
    }
)

CHECKS: Final = frozenset(_ROUTES)
"""Every check that a policy can raise."""
