"""A finding about a product, subscription, group or tenant into the kind of action that mends it."""

from typing import Final

from auditor.domain.enums import Agreement
from auditor.domain.result import Finding
from auditor.guidance import Situation
from auditor.remedy.kinds import Kind


def kind_of_removal(agreement: Agreement) -> Kind:
    """Return how seats are given back under an agreement."""
    return _REMOVING.get(agreement, Kind.REMOVE_AT_RENEWAL)


_REMOVING: Final = {
    Agreement.MOSA: Kind.REMOVE_NOW,
    Agreement.VOLUME: Kind.REMOVE_BY_SELLER,
    Agreement.CSP: Kind.REMOVE_BY_SELLER,
}
"""How seats are given back; at the renewal under any other agreement, and where nobody told it."""


def thing_of(finding: Finding, situation: Situation) -> tuple[Kind, int, str]:
    """Return what mends a finding that is not about a person, how many seats that takes, and the name it needs."""
    adjust = finding.evidence.get("adjust")
    seats = abs(adjust) if isinstance(adjust, int) else 0
    match finding.check:
        case "seats.below-minimum" | "seats.over-assigned":
            return Kind.BUY, seats, ""
        case "seats.above-maximum" if isinstance(adjust, int) and adjust >= 0:
            return Kind.BOUNDS, 0, ""  # the minimum leaves no seat to take away
        case "seats.above-maximum" if situation.is_trial:
            return Kind.TRIAL, 0, ""  # nobody pays for its seats, and nobody can take one away
        case "seats.above-maximum":
            return kind_of_removal(situation.agreement), seats, ""
        case "seats.quota-exceeded":
            over = int(finding.evidence.get("assigned") or 0) - int(finding.evidence.get("maximum") or 0)
            return Kind.QUOTA, max(0, over), ""
        case "purchase.trial" | "subscription.trial-ending":
            return Kind.TRIAL, 0, ""
        case "purchase.unknown":
            return Kind.UNKNOWN_PRODUCT, 0, ""
        case "subscription.expiring":
            return (Kind.TRIAL if situation.is_trial else Kind.EXPIRING), 0, ""
        case "subscription.state":
            return Kind.STATE, 0, finding.detail or ""
        case "group.license-errors":
            return Kind.GROUP_ERRORS, 0, finding.subject.id
        case "group.processing":
            return Kind.GROUP_PROCESSING, 0, finding.subject.id
        case "budget.exceeded":
            money = finding.money
            return Kind.BUDGET, 0, "" if money is None else f"{money.per_month:.2f} {money.currency}"
        case _:
            return Kind.PURCHASE, 0, ""
