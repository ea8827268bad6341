"""Explains why a plan does not fix a finding: a sentence for each reason code."""

from auditor.domain.translation import Localizer


def why(l10n: Localizer, code: str, detail: str = "") -> str:
    """Return a sentence for the reason why a plan does not fix a finding."""
    forms = {
        "group": l10n.gettext(
            "The licence comes from a group, or should come from one: an administrator has to change the membership in "
            "the system that manages it."
        ),
        "renewal": l10n.gettext("Under the agreement, seats can be removed only at the renewal, and only manually."),
        "billing": l10n.gettext(
            "Buying, renewing, removing and cancelling are manual steps; Microsoft Graph has no request for them."
        ),
        "seats": l10n.gettext(
            "No spare seat can be assigned without violating another policy, or the person has no usage location; "
            "make a new plan once this has changed."
        ),
        "idle": l10n.gettext(
            "There would be more spare seats than a policy allows: decide how many seats to renew, "
            "and the plan will unassign the licence."
        ),
        "cause": l10n.gettext("Find and fix the cause of the error first."),
        "services": l10n.gettext(
            "The service is set by a group, or no product that is assigned directly to the person contains it."
        ),
        "limit": l10n.gettext("Left out, because it would cause a new finding: {detail}."),
        "refused": l10n.gettext("Left out, because Graph would reject the request: {detail}"),
        "undecided": l10n.gettext("Left out, because it could not be evaluated afterwards: {detail}."),
        "premises": l10n.gettext("The account or the group is synchronised from on premises: change it there."),
        "unknown": l10n.gettext(
            "Whether the plan resolves it cannot be evaluated: the known number would be within "
            "the limit, but some data is not known."
        ),
        "paths": l10n.gettext("The assignment paths of the person's licences are not known."),
        "ends": l10n.gettext(
            "A request would remove services that no policy denies, or leave the person without a licence."
        ),
        "fleet": l10n.gettext(
            "Licences cannot be moved between tenants; each tenant buys and removes its own seats. "
            "There are two ways to move entire subscriptions: a tenant remap by volume licensing "
            "support, and an associated billing tenant under a Microsoft Customer Agreement."
        ),
        "person": l10n.gettext("It requires a decision."),
    }
    return forms[code].format(detail=detail)
