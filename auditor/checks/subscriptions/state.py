"""A subscription is in a state that the policy denies."""

from collections.abc import Iterator

from auditor.checks.check import Check, Detail, ObjectAction
from auditor.checks.subscriptions.subscriptions import chosen
from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import Source, SubjectType
from auditor.domain.policy.model import Subscriptions
from auditor.domain.result.model import Finding
from auditor.domain.translation import N_
from auditor.engine.outcome import ObjectFinding
from auditor.engine.policy.extent import subscription_extent
from auditor.engine.scope import TenantScope
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


def _judge(scope: TenantScope, block: Subscriptions) -> Iterator[ObjectFinding]:
    denied = {state.casefold() for state in block.states}
    yield from chosen(scope, block, lambda row: (row["status"] or "").casefold() in denied, detail="status")


CHECK = Check(
    id="subscription.state",
    name=N_("state not allowed"),
    explanation=N_("A subscription is in a state that the policy does not allow."),
    block=Subscriptions,
    key="subscriptions: {states}",
    subject=SubjectType.SUBSCRIPTION,
    once_per=N_("subscription"),
    asked=lambda block: bool(block.states),
    products=lambda block: (block.of,),
    sources=(Source.SUBSCRIPTIONS,),
    judge_tenant=_judge,
    extent=subscription_extent,
    detail=Detail.STATE,
    routes=_routes,
    action=_action,
)
