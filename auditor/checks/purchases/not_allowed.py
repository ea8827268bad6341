"""The tenant owns a product that the policy does not allow."""

from auditor.checks.check import ObjectAction
from auditor.checks.owned_products import PurchaseCheck, owned_product_findings
from auditor.domain.actions.kind import ActionKind
from auditor.domain.policy.model import Purchases
from auditor.domain.translation import N_
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.skus.masks import Mask, empty_mask
from auditor.guidance.routing import Articles, Situation, purchase_channel, self_service, trial


def _routes(situation: Situation) -> Articles:
    return (*self_service(situation), *trial(situation), "cancel-subscription", *purchase_channel(situation))


def _violation(bound: BoundPolicies, block: Purchases) -> Mask:
    outside = empty_mask(bound.size) if block.allow is None else ~bound.masks.of(block.allow)
    inside = empty_mask(bound.size) if block.deny is None else bound.masks.of(block.deny)
    return outside | inside


CHECK = PurchaseCheck(
    id="purchase.not-allowed",
    name=N_("purchase not allowed"),
    explanation=N_("The tenant owns a product that the policy does not allow it to own."),
    key="purchases: {allow, deny}",
    is_enabled=lambda block: block.allow is not None or block.deny is not None,
    products=lambda block: filter(None, (block.allow, block.deny)),
    evaluate_tenant=lambda scope, block: owned_product_findings(
        scope, scope.bound.masks.cached(("purchases", id(block)), lambda: _violation(scope.bound, block))
    ),
    routes=_routes,
    action=lambda _, __: ObjectAction(ActionKind.PURCHASE),
)
