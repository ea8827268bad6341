"""A finding about a product, subscription, group or tenant into the kind of action that mends it."""

from typing import Final

from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import Agreement
from auditor.domain.result import Finding
from auditor.guidance import Situation


def kind_of_removal(agreement: Agreement) -> ActionKind:
    """Return how seats are given back under an agreement."""
    return _REMOVING.get(agreement, ActionKind.REMOVE_AT_RENEWAL)


_REMOVING: Final = {
    Agreement.MOSA: ActionKind.REMOVE_NOW,
    Agreement.VOLUME: ActionKind.REMOVE_BY_SELLER,
    Agreement.CSP: ActionKind.REMOVE_BY_SELLER,
}
"""How seats are given back; at the renewal under any other agreement, and where nobody told it."""


def object_remedy(finding: Finding, situation: Situation) -> tuple[ActionKind, int, str]:
    """Return what mends a finding that is not about a person, how many seats that takes, and the name it needs."""
    adjust = finding.evidence.get("adjust")
    seats = abs(adjust) if isinstance(adjust, int) else 0
    match finding.check:
        case "seats.below-minimum" | "seats.over-assigned":
            return ActionKind.BUY, seats, ""
        case "seats.above-maximum" if isinstance(adjust, int) and adjust >= 0:
            return ActionKind.BOUNDS, 0, ""  # the minimum leaves no seat to take away
        case "seats.above-maximum" if situation.is_trial:
            return ActionKind.TRIAL, 0, ""  # nobody pays for its seats, and nobody can take one away
        case "seats.above-maximum":
            return kind_of_removal(situation.agreement), seats, ""
        case "seats.quota-exceeded":
            over = int(finding.evidence.get("assigned") or 0) - int(finding.evidence.get("maximum") or 0)
            return ActionKind.QUOTA, max(0, over), ""
        case "purchase.trial" | "subscription.trial-ending":
            return ActionKind.TRIAL, 0, ""
        case "purchase.unknown":
            return ActionKind.UNKNOWN_PRODUCT, 0, ""
        case "subscription.expiring":
            return (ActionKind.TRIAL if situation.is_trial else ActionKind.EXPIRING), 0, ""
        case "subscription.state":
            return ActionKind.STATE, 0, finding.detail or ""
        case "group.license-errors":
            return ActionKind.GROUP_ERRORS, 0, finding.subject.id
        case "group.processing":
            return ActionKind.GROUP_PROCESSING, 0, finding.subject.id
        case "budget.exceeded":
            money = finding.money
            return ActionKind.BUDGET, 0, "" if money is None else f"{money.per_month:.2f} {money.currency}"
        case _:
            return ActionKind.PURCHASE, 0, ""
