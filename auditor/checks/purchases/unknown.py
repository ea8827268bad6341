"""The tenant owns a product that the catalogue does not know."""

from auditor.checks.check import Check, Cost, ObjectAction
from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import SubjectType
from auditor.domain.policy import Purchases
from auditor.domain.result import Finding
from auditor.domain.translation import N_
from auditor.guidance.routing import Articles, Situation, purchase_channel, self_service


def _routes(situation: Situation) -> Articles:
    return (*self_service(situation), "unknown-product", *purchase_channel(situation))


def _action(_finding: Finding, _situation: Situation) -> ObjectAction:
    return ObjectAction(ActionKind.UNKNOWN_PRODUCT)


CHECK = Check(
    id="purchase.unknown",
    name=N_("product in no catalogue"),
    explanation=N_("The tenant owns a product that the catalogue of products does not know."),
    block=Purchases,
    key="purchases: {unknown}",
    subject=SubjectType.PRODUCT,
    once_per=N_("product owned"),
    cost=Cost.SEATS,
    routes=_routes,
    action=_action,
)
