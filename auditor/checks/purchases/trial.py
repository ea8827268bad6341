"""The tenant owns a trial."""

from auditor.checks.check import Check, Cost, ObjectAction
from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import SubjectType
from auditor.domain.policy import Purchases
from auditor.domain.result import Finding
from auditor.domain.translation import N_
from auditor.guidance.routing import Situation, trial_purchase


def _action(_finding: Finding, _situation: Situation) -> ObjectAction:
    return ObjectAction(ActionKind.TRIAL)


CHECK = Check(
    id="purchase.trial",
    name=N_("trial"),
    explanation=N_("The tenant has a trial that the policy does not allow."),
    block=Purchases,
    key="purchases: {trials}",
    subject=SubjectType.PRODUCT,
    once_per=N_("product owned"),
    of_trials=True,
    cost=Cost.SEATS,
    routes=trial_purchase,
    action=_action,
)
