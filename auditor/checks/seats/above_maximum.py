"""A product has more spare seats than the policy allows."""

from auditor.checks.check import Cost, SeatBalance, give_back
from auditor.checks.seats.spare_seats import spare_findings
from auditor.checks.seats.stock import SeatCheck
from auditor.domain.translation import N_
from auditor.engine.skus.seat_bounds import Breach
from auditor.guidance.routing import Articles, Situation, purchase_channel, self_service, trial


def _routes(situation: Situation) -> Articles:
    return (*self_service(situation), *trial(situation), "remove-licenses", *purchase_channel(situation))


CHECK = SeatCheck(
    id="seats.above-maximum",
    name=N_("too many spare"),
    explanation=N_("A product has more spare seats than the policy allows; they are paid for but not used."),
    key="seats: {spare: {max}}",
    is_enabled=lambda block: block.maximum is not None,
    limits_spare=True,
    evaluate_tenant=lambda scope, block: spare_findings(scope, block, Breach.ABOVE_MAXIMUM),
    cost=Cost.SEATS,
    seat_balance=SeatBalance.TOO_MANY_SPARE,
    routes=_routes,
    action=give_back,
)
