"""The tenant owns a trial."""

from auditor.checks.check import ObjectAction
from auditor.checks.owned_products import PurchaseCheck, owned_product_findings
from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import Source
from auditor.domain.policy.product_set import Builtin, ProductSet
from auditor.domain.translation import N_
from auditor.guidance.routing import trial_purchase

_TRIALS = ProductSet(elements=(Builtin(name="trial"),), written="trial")


CHECK = PurchaseCheck(
    id="purchase.trial",
    name=N_("trial"),
    explanation=N_("The tenant has a trial that the policy does not allow."),
    key="purchases: {trials}",
    is_enabled=lambda block: block.trials,
    sources=(Source.SUBSCRIPTIONS,),
    evaluate_tenant=lambda scope, _: owned_product_findings(scope, scope.bound.masks.of(_TRIALS)),
    of_trials=True,
    routes=trial_purchase,
    action=lambda _, __: ObjectAction(ActionKind.TRIAL),
)
