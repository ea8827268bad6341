"""The tenant owns a product that the policy does not allow."""

from auditor.checks.check import Check, Cost, ObjectAction
from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import SubjectType
from auditor.domain.policy import Purchases
from auditor.domain.result import Finding
from auditor.domain.translation import N_
from auditor.guidance.routing import Articles, Situation, purchase_channel, self_service, trial


def _routes(situation: Situation) -> Articles:
    return (*self_service(situation), *trial(situation), "cancel-subscription", *purchase_channel(situation))


def _action(_finding: Finding, _situation: Situation) -> ObjectAction:
    return ObjectAction(ActionKind.PURCHASE)


CHECK = Check(
    id="purchase.not-allowed",
    name=N_("purchase not allowed"),
    explanation=N_("The tenant owns a product that the policy does not allow it to own."),
    block=Purchases,
    key="purchases: {allow, deny}",
    subject=SubjectType.PRODUCT,
    once_per=N_("product owned"),
    cost=Cost.SEATS,
    routes=_routes,
    action=_action,
)
