"""A product has fewer spare seats than the policy requires."""

from auditor.checks.check import SeatBalance, buy
from auditor.checks.seats.spare_seats import spare_findings
from auditor.checks.seats.stock import SeatCheck
from auditor.domain.translation import N_
from auditor.engine.skus.seat_bounds import Breach
from auditor.guidance.routing import purchase_channel, trial

CHECK = SeatCheck(
    id="seats.below-minimum",
    name=N_("too few spare"),
    explanation=N_("A product has fewer spare seats than the policy requires."),
    key="seats: {spare: {min}}",
    is_enabled=lambda block: block.minimum is not None,
    limits_spare=True,
    evaluate_tenant=lambda scope, block: spare_findings(scope, block, Breach.BELOW_MINIMUM),
    seat_balance=SeatBalance.TOO_FEW_SPARE,
    routes=lambda situation: (*trial(situation), "buy-licenses", *purchase_channel(situation)),
    action=buy,
)
