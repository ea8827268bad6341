"""A product has fewer spare seats than the policy wants."""

from auditor.checks.check import Check, SeatBalance
from auditor.checks.seats.actions import buy
from auditor.domain.enums import SubjectType
from auditor.domain.policy import Seats
from auditor.domain.translation import N_
from auditor.guidance.routing import Articles, Situation, purchase_channel, trial


def _routes(situation: Situation) -> Articles:
    return (*trial(situation), "buy-licenses", *purchase_channel(situation))


CHECK = Check(
    id="seats.below-minimum",
    name=N_("too few spare"),
    explanation=N_("A product has fewer spare seats than the policy wants."),
    block=Seats,
    key="seats: {spare: {min}}",
    subject=SubjectType.PRODUCT,
    once_per=N_("product, or pool"),
    seat_balance=SeatBalance.TOO_FEW_SPARE,
    routes=_routes,
    action=buy,
)
