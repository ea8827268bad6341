"""The tenant owns a trial."""

from collections.abc import Iterator

from auditor.checks.check import Check, Cost, ObjectAction
from auditor.checks.owned_products import owned
from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import Source, SubjectType
from auditor.domain.policy.model import Purchases
from auditor.domain.policy.product_set import Builtin, ProductSet
from auditor.domain.result.model import Finding
from auditor.domain.translation import N_
from auditor.engine.outcome import ObjectFinding
from auditor.engine.policy.extent import purchase_extent
from auditor.engine.scope import TenantScope
from auditor.guidance.routing import Situation, trial_purchase


def _action(_finding: Finding, _situation: Situation) -> ObjectAction:
    return ObjectAction(ActionKind.TRIAL)


_TRIALS = ProductSet(elements=(Builtin(name="trial"),), written="trial")


def _judge(scope: TenantScope, _block: Purchases) -> Iterator[ObjectFinding]:
    if scope.readable(Source.SUBSCRIBED_SKUS):
        yield from owned(scope, scope.bound.masks.of(_TRIALS))


CHECK = Check(
    id="purchase.trial",
    name=N_("trial"),
    explanation=N_("The tenant has a trial that the policy does not allow."),
    block=Purchases,
    key="purchases: {trials}",
    subject=SubjectType.PRODUCT,
    once_per=N_("product owned"),
    asked=lambda block: block.trials,
    sources=(Source.SUBSCRIPTIONS,),
    judge_tenant=_judge,
    extent=purchase_extent,
    of_trials=True,
    cost=Cost.SEATS,
    routes=trial_purchase,
    action=_action,
)
