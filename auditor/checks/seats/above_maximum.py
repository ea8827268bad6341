"""A product has more spare seats than the policy allows."""

from auditor.checks.check import Cost, ObjectAction, SeatBalance, seats_to_adjust
from auditor.checks.seats.spare_seats import spare_findings
from auditor.checks.seats.stock import SeatCheck
from auditor.domain.actions.kind import ActionKind, removal_kind
from auditor.domain.result.finding import Finding
from auditor.domain.translation import N_
from auditor.engine.skus.seat_bounds import Breach
from auditor.guidance.routing import Articles, Situation, purchase_channel, self_service, trial


def _routes(situation: Situation) -> Articles:
    return (*self_service(situation), *trial(situation), "remove-licenses", *purchase_channel(situation))


def _action(finding: Finding, situation: Situation) -> ObjectAction:
    adjust = seats_to_adjust(finding)
    if adjust is not None and adjust >= 0:
        return ObjectAction(ActionKind.BOUNDS)  # because of the minimum, no seat can be removed
    if situation.is_trial:
        return ObjectAction(ActionKind.TRIAL)  # the seats of a trial cost nothing and cannot be removed one by one
    return ObjectAction(removal_kind(situation.agreement), abs(adjust or 0))


CHECK = SeatCheck(
    id="seats.above-maximum",
    name=N_("too many spare"),
    explanation=N_("A product has more spare seats than the policy allows; they are paid for but not used."),
    key="seats: {spare: {max}}",
    is_enabled=lambda block: block.maximum is not None,
    evaluate_tenant=lambda scope, block: spare_findings(scope, block, Breach.ABOVE_MAXIMUM),
    cost=Cost.SEATS,
    seat_balance=SeatBalance.TOO_MANY_SPARE,
    routes=_routes,
    action=_action,
)
