"""Titles of actions about products, subscriptions, contracts, groups and tenants."""

from typing import Protocol

from auditor.domain.actions.kind import ActionKind


class _Localizer(Protocol):
    def gettext(self, message: str, /) -> str: ...


def titled(l10n: _Localizer, kind: ActionKind) -> str:
    """Return the title of an action about things; one of a later version gets a general title."""
    match kind:
        case ActionKind.BOUNDS:
            return l10n.gettext("Correct the limits of {old}: no number of seats satisfies both")
        case ActionKind.SETTLED:
            return l10n.gettext("Check the seats of {old} once the other actions are done")
        case ActionKind.PURCHASE:
            return l10n.gettext("End the subscription of {old}")
        case ActionKind.TRIAL:
            return l10n.gettext("Decide about the trial of {old}")
        case ActionKind.UNKNOWN_PRODUCT:
            return l10n.gettext("Identify the product {old}")
        case ActionKind.EXPIRING:
            return l10n.gettext("Renew {old}, or prepare for its end")
        case ActionKind.STATE:
            return l10n.gettext("Reactivate the subscription of {old}, or prepare for its end ({extra})")
        case ActionKind.GROUP_ERRORS:
            return l10n.gettext("Fix the licence errors in the group {extra}")
        case ActionKind.GROUP_PROCESSING:
            return l10n.gettext("Check that the group {extra} is processed")
        case ActionKind.GROUP_NESTED:
            return l10n.gettext("Decide who gets licences from the groups nested in {extra}")
        case ActionKind.GROUP_PAUSED:
            return l10n.gettext("Resume the processing of the group {extra}")
        case ActionKind.GROUP_EMPTY:
            return l10n.gettext("Remove the licences of the group {extra}, which has no members, or add its members")
        case ActionKind.BUY_HERE:
            return l10n.gettext("Buy {old} for {extra}: spare seats of another tenant cannot be transferred")
        case ActionKind.GIVE_UP_HERE:
            return l10n.gettext("Remove spare seats of {old} in {extra}: they cannot be transferred")
        case ActionKind.CONTRACT_SEATS:
            return l10n.gettext("Find out why the seats of {old} differ from the contract")
        case ActionKind.CONTRACT_NOTICE:
            return l10n.gettext("Decide whether to give notice of the contract for {old} ({extra})")
        case ActionKind.CONTRACT_ENDING:
            return l10n.gettext("Renew the contract for {old}, or prepare for its end ({extra})")
        case ActionKind.CONTRACT_MISSING:
            return l10n.gettext("Record the contract for {old}, or stop using the product")
        case ActionKind.BUDGET:
            return l10n.gettext("Reduce the monthly cost by {extra}")
        case _:
            return l10n.gettext("Fix {old} {extra}")
