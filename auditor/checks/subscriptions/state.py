"""A subscription is in a state that the policy denies."""

from auditor.checks.check import Check, Detail, ObjectAction
from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import SubjectType
from auditor.domain.policy import Subscriptions
from auditor.domain.result import Finding
from auditor.domain.translation import N_
from auditor.guidance.routing import Articles, Situation, ending_subscription, purchase_channel


def _routes(situation: Situation) -> Articles:
    match (situation.status or "").lower():
        case "suspended" | "lockedout":
            return ("reactivate-subscription", "subscription-end", *purchase_channel(situation))
        case "deleted":
            return ("subscription-end", "buy-licenses", *purchase_channel(situation))
        case _:
            return ending_subscription(situation)


def _action(finding: Finding, _situation: Situation) -> ObjectAction:
    return ObjectAction(ActionKind.STATE, text=finding.detail or "")


CHECK = Check(
    id="subscription.state",
    name=N_("state not allowed"),
    explanation=N_("A subscription is in a state that the policy does not allow."),
    block=Subscriptions,
    key="subscriptions: {states}",
    subject=SubjectType.SUBSCRIPTION,
    once_per=N_("subscription"),
    detail=Detail.STATE,
    routes=_routes,
    action=_action,
)
