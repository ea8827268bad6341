"""More licences of a product are assigned than it has usable seats."""

from auditor.checks.check import Check, SeatBalance
from auditor.checks.seats.actions import buy
from auditor.domain.enums import SubjectType
from auditor.domain.policy import Seats
from auditor.domain.translation import N_
from auditor.guidance.routing import STOPPED, Articles, Situation, purchase_channel


def _routes(situation: Situation) -> Articles:
    stopped = ("subscription-end",) if (situation.status or "").lower() in {"warning", *STOPPED} else ()
    return ("over-assigned", *stopped, *purchase_channel(situation))


CHECK = Check(
    id="seats.over-assigned",
    name=N_("over-assigned"),
    explanation=N_("More licences of a product are assigned than it has usable seats."),
    block=Seats,
    key="seats: {spare}",
    subject=SubjectType.PRODUCT,
    once_per=N_("product, or pool"),
    seat_balance=SeatBalance.TOO_FEW_SPARE,
    routes=_routes,
    action=buy,
)
