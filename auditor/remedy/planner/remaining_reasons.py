"""Explains why a plan does not fix a finding: a sentence for each reason code."""

from typing import Final

from auditor.domain.translation import N_, Localizer

_SENTENCES: Final = {
    "group": N_(
        "The licence comes from a group, or should come from one: an administrator has to change the membership in "
        "the system that manages it."
    ),
    "renewal": N_("Under the agreement, seats can be removed only at the renewal, and only manually."),
    "billing": N_(
        "Buying, renewing, removing and cancelling are manual steps; Microsoft Graph has no request for them."
    ),
    "seats": N_(
        "No spare seat can be assigned without violating another policy, or the person has no usage location; "
        "make a new plan once this has changed."
    ),
    "idle": N_(
        "There would be more spare seats than a policy allows: decide how many seats to renew, "
        "and the plan will unassign the licence."
    ),
    "grace": N_(
        "There would be more spare seats than a policy allows, and their number cannot be changed in the grace period: "
        "reactivate the subscription or let it end, then make a new plan."
    ),
    "cause": N_("Find and fix the cause of the error first."),
    "services": N_("The service is set by a group, or no product that is assigned directly to the person contains it."),
    "limit": N_("Left out, because it would cause a new finding: {detail}."),
    "refused": N_("Left out, because Graph would reject the request: {detail}"),
    "undecided": N_("Left out, because it could not be evaluated afterwards: {detail}."),
    "premises": N_("The account or the group is synchronised from on premises: change it there."),
    "unknown": N_(
        "Whether the plan resolves it cannot be evaluated: the known number would be within "
        "the limit, but some data is not known."
    ),
    "paths": N_("The assignment paths of the person's licences are not known."),
    "ends": N_("A request would remove services that no policy denies, or leave the person without a licence."),
    "fleet": N_(
        "Licences cannot be moved between tenants; each tenant buys and removes its own seats. "
        "There are two ways to move entire subscriptions: a tenant remap by volume licensing "
        "support, and an associated billing tenant under a Microsoft Customer Agreement."
    ),
    "person": N_("It requires a decision."),
}


def remaining_reason(l10n: Localizer, code: str, detail: str = "") -> str:
    """Return a sentence for the reason why a plan does not fix a finding."""
    return l10n.gettext(_SENTENCES[code]).format(detail=detail)
