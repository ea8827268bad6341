"""How many seats to buy or to remove, from the evidence of a finding about seats."""

from auditor.checks.check import ObjectAction
from auditor.domain.actions.kind import ActionKind
from auditor.domain.result.model import Finding
from auditor.guidance.routing import Situation


def seats_to_adjust(finding: Finding) -> int | None:
    """Return the seats to buy (+) or to remove (−); None where no number of seats keeps the bounds."""
    adjust = finding.evidence.get("adjust")
    return adjust if isinstance(adjust, int) else None


def buy(finding: Finding, _situation: Situation) -> ObjectAction:
    """Return the action that buys the missing seats."""
    return ObjectAction(ActionKind.BUY, abs(seats_to_adjust(finding) or 0))
