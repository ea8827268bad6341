"""A trial ends soon."""

from collections.abc import Iterator

from auditor.checks.check import ObjectAction
from auditor.checks.subscriptions.subscriptions import Row, SubscriptionCheck, ends_within, subscription_findings
from auditor.domain.actions.kind import ActionKind
from auditor.domain.policy.model import Subscriptions
from auditor.domain.translation import N_
from auditor.engine.outcome import ObjectFinding
from auditor.engine.scope import TenantScope
from auditor.guidance.routing import trial_purchase


def _evaluate(scope: TenantScope, block: Subscriptions) -> Iterator[ObjectFinding]:
    time = block.trials_ending

    def ends_soon(row: Row) -> bool | None:
        # Graph may omit `isTrial`: the result is then unknown, unless the date rules a finding out.
        trial: bool | None = row["isTrial"]
        ends = False if time is None else ends_within(scope, row, time)
        if trial is False or ends is False:
            return False
        return None if trial is None or ends is None else True

    yield from subscription_findings(scope, block, ends_soon)


CHECK = SubscriptionCheck(
    id="subscription.trial-ending",
    name=N_("trial ends soon"),
    explanation=N_("A trial ends within the number of days set in the policy."),
    key="subscriptions: {trials}",
    is_enabled=lambda block: block.trials_ending is not None,
    evaluate_tenant=_evaluate,
    routes=trial_purchase,
    action=lambda _, __: ObjectAction(ActionKind.TRIAL),
)
