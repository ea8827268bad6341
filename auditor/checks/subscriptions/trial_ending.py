"""A trial ends soon."""

from collections.abc import Iterator

from auditor.checks.check import Check, ObjectAction
from auditor.checks.subscriptions.subscriptions import Row, chosen, ends_within
from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import Source, SubjectType
from auditor.domain.policy.model import Subscriptions
from auditor.domain.result.model import Finding
from auditor.domain.translation import N_
from auditor.engine.outcome import ObjectFinding
from auditor.engine.policy.extent import subscription_extent
from auditor.engine.scope import TenantScope
from auditor.guidance.routing import Situation, trial_purchase


def _action(_finding: Finding, _situation: Situation) -> ObjectAction:
    return ObjectAction(ActionKind.TRIAL)


def _judge(scope: TenantScope, block: Subscriptions) -> Iterator[ObjectFinding]:
    time = block.trials_ending

    def raised(row: Row) -> bool | None:
        # Graph may leave `isTrial` out: it is then unknown, where nothing else rules a finding out.
        trial: bool | None = row["isTrial"]
        return trial if time is not None and ends_within(scope, row, time) else False

    yield from chosen(scope, block, raised)


CHECK = Check(
    id="subscription.trial-ending",
    name=N_("trial ends soon"),
    explanation=N_("A trial ends within the days that the policy names."),
    block=Subscriptions,
    key="subscriptions: {trials}",
    subject=SubjectType.SUBSCRIPTION,
    once_per=N_("subscription"),
    asked=lambda block: block.trials_ending is not None,
    products=lambda block: (block.of,),
    sources=(Source.SUBSCRIPTIONS,),
    judge_tenant=_judge,
    extent=subscription_extent,
    routes=trial_purchase,
    action=_action,
)
