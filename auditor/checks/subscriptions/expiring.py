"""A subscription reaches its next lifecycle date soon."""

from auditor.checks.check import Check, ObjectAction
from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import SubjectType
from auditor.domain.policy import Subscriptions
from auditor.domain.result import Finding
from auditor.domain.translation import N_
from auditor.guidance.routing import Situation, ending_subscription


def _action(_finding: Finding, situation: Situation) -> ObjectAction:
    return ObjectAction(ActionKind.TRIAL if situation.is_trial else ActionKind.EXPIRING)


CHECK = Check(
    id="subscription.expiring",
    name=N_("ends soon"),
    explanation=N_("A subscription reaches its next date within the days that the policy names."),
    block=Subscriptions,
    key="subscriptions: {expiring}",
    subject=SubjectType.SUBSCRIPTION,
    once_per=N_("subscription"),
    routes=ending_subscription,
    action=_action,
)
