"""More people of the population hold a product than the policy allows."""

from auditor.checks.check import Check, Cost, ObjectAction, SeatBalance
from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import SubjectType
from auditor.domain.policy import Seats
from auditor.domain.result import Finding
from auditor.domain.translation import N_
from auditor.guidance.routing import Articles, Situation, licence_removal, self_service


def _routes(situation: Situation) -> Articles:
    return (*self_service(situation), *licence_removal(situation))


def _action(finding: Finding, _situation: Situation) -> ObjectAction:
    over = int(finding.evidence.get("assigned") or 0) - int(finding.evidence.get("maximum") or 0)
    return ObjectAction(ActionKind.QUOTA, max(0, over))


CHECK = Check(
    id="seats.quota-exceeded",
    name=N_("quota exceeded"),
    explanation=N_("More people hold a product than the policy allows."),
    block=Seats,
    key="seats: {assigned: {max}}",
    subject=SubjectType.PRODUCT,
    once_per=N_("product, or pool"),
    cost=Cost.SEATS,
    seat_balance=SeatBalance.TOO_FEW_SPARE,
    routes=_routes,
    action=_action,
)
