"""A trial ends soon."""

from auditor.checks.check import Check, ObjectAction
from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import SubjectType
from auditor.domain.policy import Subscriptions
from auditor.domain.result import Finding
from auditor.domain.translation import N_
from auditor.guidance.routing import Situation, trial_purchase


def _action(_finding: Finding, _situation: Situation) -> ObjectAction:
    return ObjectAction(ActionKind.TRIAL)


CHECK = Check(
    id="subscription.trial-ending",
    name=N_("trial ends soon"),
    explanation=N_("A trial ends within the days that the policy names."),
    block=Subscriptions,
    key="subscriptions: {trials}",
    subject=SubjectType.SUBSCRIPTION,
    once_per=N_("subscription"),
    routes=trial_purchase,
    action=_action,
)
