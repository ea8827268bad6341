"""The tenant owns a product that is not in the catalogue."""

import numpy as np

from auditor.checks.check import ObjectAction
from auditor.checks.owned_products import PurchaseCheck, owned_product_findings
from auditor.domain.actions.kind import ActionKind
from auditor.domain.translation import N_
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.skus.masks import Mask
from auditor.guidance.routing import purchase_channel, self_service


def _violation(bound: BoundPolicies) -> Mask:
    catalogue = bound.facts.catalogue
    unlisted = np.array([catalogue.product(sku.sku_id) is None for sku in bound.facts.skus], dtype=bool)
    return Mask(unlisted, np.zeros(bound.size, dtype=bool), sure=True)


CHECK = PurchaseCheck(
    id="purchase.unknown",
    name=N_("product not in the catalogue"),
    explanation=N_("The tenant owns a product that is not in the product catalogue."),
    key="purchases: {unknown}",
    is_enabled=lambda block: block.unknown,
    evaluate_tenant=lambda scope, _: owned_product_findings(
        scope, scope.bound.masks.cached("unknown products", lambda: _violation(scope.bound))
    ),
    routes=lambda situation: (*self_service(situation), "unknown-product", *purchase_channel(situation)),
    action=lambda _, __: ObjectAction(ActionKind.UNKNOWN_PRODUCT),
)
