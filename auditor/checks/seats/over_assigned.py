"""More licences of a product are assigned than it has usable seats."""

from auditor.checks.check import SeatBalance, buy
from auditor.checks.seats.spare_seats import spare_findings
from auditor.checks.seats.stock import SeatCheck
from auditor.domain.translation import N_
from auditor.engine.skus.seat_bounds import Breach
from auditor.guidance.routing import STOPPED, Articles, Situation, purchase_channel


def _routes(situation: Situation) -> Articles:
    stopped = ("subscription-end",) if (situation.status or "").lower() in {"warning", *STOPPED} else ()
    return ("over-assigned", *stopped, *purchase_channel(situation))


CHECK = SeatCheck(
    id="seats.over-assigned",
    name=N_("over-assigned"),
    explanation=N_("More licences of a product are assigned than it has usable seats."),
    key="seats: {spare}",
    is_enabled=lambda block: block.limits_spare,
    limits_spare=True,
    evaluate_tenant=lambda scope, block: spare_findings(scope, block, Breach.OVER_ASSIGNED),
    seat_balance=SeatBalance.TOO_FEW_SPARE,
    routes=_routes,
    action=buy,
)
