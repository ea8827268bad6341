"""A subscription reaches its next lifecycle date soon."""

from collections.abc import Iterator, Mapping

from auditor.checks.check import Check, ObjectAction
from auditor.checks.subscriptions.subscriptions import Row, chosen, ends_within, term_of
from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import Source, SubjectType
from auditor.domain.policy.model import Subscriptions
from auditor.domain.result.model import Finding
from auditor.domain.translation import N_
from auditor.engine.outcome import ObjectFinding
from auditor.engine.policy.extent import subscription_extent
from auditor.engine.scope import TenantScope
from auditor.guidance.routing import Situation, ending_subscription


def _action(_finding: Finding, situation: Situation) -> ObjectAction:
    return ObjectAction(ActionKind.TRIAL if situation.is_trial else ActionKind.EXPIRING)


def _judge(scope: TenantScope, block: Subscriptions) -> Iterator[ObjectFinding]:
    time = block.expiring
    if time is None:
        return

    def raised(row: Row) -> bool:
        return ends_within(scope, row, time) and not (block.except_monthly and term_of(scope, row) == "monthly")

    def more(row: Row) -> Mapping[str, str]:
        return {"term": term_of(scope, row)} if block.except_monthly else {}

    yield from chosen(scope, block, raised, more=more)


CHECK = Check(
    id="subscription.expiring",
    name=N_("ends soon"),
    explanation=N_("A subscription reaches its next date within the days that the policy names."),
    block=Subscriptions,
    key="subscriptions: {expiring}",
    subject=SubjectType.SUBSCRIPTION,
    once_per=N_("subscription"),
    asked=lambda block: block.expiring is not None and block.idle is None,
    products=lambda block: (block.of,),
    sources=(Source.SUBSCRIPTIONS,),
    judge_tenant=_judge,
    extent=subscription_extent,
    routes=ending_subscription,
    action=_action,
)
