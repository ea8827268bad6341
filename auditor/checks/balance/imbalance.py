"""One tenant is short of seats of a product while another has too many."""

from auditor.checks.check import Check, SeatBalance
from auditor.domain.enums import Agreement, SubjectType
from auditor.domain.policy import Balance
from auditor.domain.translation import N_
from auditor.guidance.routing import Articles, Situation, purchase_channel


def _routes(situation: Situation) -> Articles:
    whole = situation.agreement in {Agreement.MCA, Agreement.UNKNOWN}
    return ("transfer-between-tenants", *(("multitenant-billing",) if whole else ()), *purchase_channel(situation))


CHECK = Check(
    id="balance.imbalance",
    name=N_("seats lie in the wrong tenant"),
    explanation=N_("One tenant has too few spare seats of a product while another one has too many."),
    block=Balance,
    key="balance: {spare}",
    subject=SubjectType.FLEET,
    once_per=N_("product"),
    seat_balance=SeatBalance.TOO_MANY_SPARE,
    routes=_routes,
)
