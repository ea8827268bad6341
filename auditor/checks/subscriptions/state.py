"""A subscription is in a state that the policy denies."""

from collections.abc import Iterator

from auditor.checks.check import Detail, ObjectAction
from auditor.checks.subscriptions.subscriptions import Row, SubscriptionCheck, state_of, subscription_findings
from auditor.domain.actions.kind import ActionKind
from auditor.domain.policy.model import Subscriptions
from auditor.domain.translation import N_
from auditor.engine.outcome import ObjectFinding
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


def _evaluate(scope: TenantScope, block: Subscriptions) -> Iterator[ObjectFinding]:
    denied = {state.casefold() for state in block.states}

    def is_denied(row: Row) -> bool | None:
        state = state_of(row)
        return None if state is None else state in denied

    yield from subscription_findings(scope, block, is_denied, detail="status")


CHECK = SubscriptionCheck(
    id="subscription.state",
    name=N_("state not allowed"),
    explanation=N_("A subscription is in a state that the policy does not allow."),
    key="subscriptions: {states}",
    is_enabled=lambda block: bool(block.states),
    evaluate_tenant=_evaluate,
    detail=Detail.STATE,
    routes=_routes,
    action=lambda finding, _: ObjectAction(ActionKind.STATE, text=finding.detail or ""),
)
