"""A product has fewer spare seats than the policy wants."""

from collections.abc import Iterator

from auditor.checks.check import Check, SeatBalance
from auditor.checks.seat_actions import buy
from auditor.checks.seats.spare_seats import spare_findings
from auditor.domain.enums import SubjectType
from auditor.domain.policy.model import Seats
from auditor.domain.translation import N_
from auditor.engine.outcome import ObjectFinding
from auditor.engine.policy.extent import seat_extent
from auditor.engine.scope import TenantScope
from auditor.engine.skus.seat_bounds import Breach
from auditor.guidance.routing import Articles, Situation, purchase_channel, trial


def _routes(situation: Situation) -> Articles:
    return (*trial(situation), "buy-licenses", *purchase_channel(situation))


def _judge(scope: TenantScope, block: Seats) -> Iterator[ObjectFinding]:
    yield from spare_findings(scope, block, Breach.BELOW_MINIMUM)


CHECK = Check(
    id="seats.below-minimum",
    name=N_("too few spare"),
    explanation=N_("A product has fewer spare seats than the policy wants."),
    block=Seats,
    key="seats: {spare: {min}}",
    subject=SubjectType.PRODUCT,
    once_per=N_("product, or pool"),
    asked=lambda block: block.minimum is not None,
    products=lambda block: (block.of,),
    judge_tenant=_judge,
    extent=seat_extent,
    seat_balance=SeatBalance.TOO_FEW_SPARE,
    routes=_routes,
    action=buy,
)
