"""More licences of a product are assigned than it has usable seats."""

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
from auditor.guidance.routing import STOPPED, Articles, Situation, purchase_channel


def _routes(situation: Situation) -> Articles:
    stopped = ("subscription-end",) if (situation.status or "").lower() in {"warning", *STOPPED} else ()
    return ("over-assigned", *stopped, *purchase_channel(situation))


def _judge(scope: TenantScope, block: Seats) -> Iterator[ObjectFinding]:
    yield from spare_findings(scope, block, Breach.OVER_ASSIGNED)


CHECK = Check(
    id="seats.over-assigned",
    name=N_("over-assigned"),
    explanation=N_("More licences of a product are assigned than it has usable seats."),
    block=Seats,
    key="seats: {spare}",
    subject=SubjectType.PRODUCT,
    once_per=N_("product, or pool"),
    asked=lambda block: block.judges_spare,
    products=lambda block: (block.of,),
    judge_tenant=_judge,
    extent=seat_extent,
    seat_balance=SeatBalance.TOO_FEW_SPARE,
    routes=_routes,
    action=buy,
)
