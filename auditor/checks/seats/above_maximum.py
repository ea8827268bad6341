"""A product has more spare seats than the policy allows."""

from collections.abc import Iterator

from auditor.checks.check import Check, Cost, ObjectAction, SeatBalance
from auditor.checks.seat_actions import seats_to_adjust
from auditor.checks.seats.spare_seats import spare_findings
from auditor.domain.actions.kind import ActionKind, removal_kind
from auditor.domain.enums import SubjectType
from auditor.domain.policy.model import Seats
from auditor.domain.result.model import Finding
from auditor.domain.translation import N_
from auditor.engine.outcome import ObjectFinding
from auditor.engine.policy.extent import seat_extent
from auditor.engine.scope import TenantScope
from auditor.engine.skus.seat_bounds import Breach
from auditor.guidance.routing import Articles, Situation, purchase_channel, self_service, trial


def _routes(situation: Situation) -> Articles:
    return (*self_service(situation), *trial(situation), "remove-licenses", *purchase_channel(situation))


def _action(finding: Finding, situation: Situation) -> ObjectAction:
    adjust = seats_to_adjust(finding)
    if adjust is not None and adjust >= 0:
        return ObjectAction(ActionKind.BOUNDS)  # the minimum leaves no seat to take away
    if situation.is_trial:
        return ObjectAction(ActionKind.TRIAL)  # nobody pays for its seats, and nobody can take one away
    return ObjectAction(removal_kind(situation.agreement), abs(adjust or 0))


def _judge(scope: TenantScope, block: Seats) -> Iterator[ObjectFinding]:
    yield from spare_findings(scope, block, Breach.ABOVE_MAXIMUM)


CHECK = Check(
    id="seats.above-maximum",
    name=N_("too many spare"),
    explanation=N_("A product has more spare seats than the policy allows; they are paid and not used."),
    block=Seats,
    key="seats: {spare: {max}}",
    subject=SubjectType.PRODUCT,
    once_per=N_("product, or pool"),
    asked=lambda block: block.maximum is not None,
    products=lambda block: (block.of,),
    judge_tenant=_judge,
    extent=seat_extent,
    cost=Cost.SEATS,
    seat_balance=SeatBalance.TOO_MANY_SPARE,
    routes=_routes,
    action=_action,
)
