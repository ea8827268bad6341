"""A subscription reaches its next lifecycle date soon."""

from collections.abc import Iterator, Mapping

from auditor.checks.check import ObjectAction
from auditor.checks.subscriptions.subscriptions import (
    Row,
    SubscriptionCheck,
    renews_within,
    subscription_findings,
    term_of,
)
from auditor.domain.actions.kind import ActionKind
from auditor.domain.policy.model import Subscriptions
from auditor.domain.translation import N_
from auditor.engine.outcome import ObjectFinding
from auditor.engine.scope import TenantScope
from auditor.guidance.routing import ending_subscription


def _evaluate(scope: TenantScope, block: Subscriptions) -> Iterator[ObjectFinding]:
    time = block.expiring
    assert time is not None

    def more(row: Row) -> Mapping[str, str]:
        return {"term": term_of(scope, row)} if block.except_monthly else {}

    yield from subscription_findings(scope, block, lambda row: renews_within(scope, block, row, time), more=more)


CHECK = SubscriptionCheck(
    id="subscription.expiring",
    name=N_("ends soon"),
    explanation=N_("A subscription reaches its next lifecycle date within the number of days set in the policy."),
    key="subscriptions: {expiring}",
    is_enabled=lambda block: block.expiring is not None and block.idle is None,
    evaluate_tenant=_evaluate,
    routes=ending_subscription,
    action=lambda _, situation: ObjectAction(ActionKind.TRIAL if situation.is_trial else ActionKind.EXPIRING),
)
