"""The tenant owns a product that is not in the catalogue."""

from collections.abc import Iterator

import numpy as np

from auditor.checks.check import ObjectAction
from auditor.checks.owned_products import PurchaseCheck, owned_product_findings
from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import Source
from auditor.domain.policy.model import Purchases
from auditor.domain.translation import N_
from auditor.engine.outcome import ObjectFinding
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.scope import TenantScope
from auditor.engine.skus.masks import Mask
from auditor.guidance.routing import purchase_channel, self_service


def _evaluate(scope: TenantScope, _block: Purchases) -> Iterator[ObjectFinding]:
    if scope.readable(Source.SUBSCRIBED_SKUS):
        yield from owned_product_findings(
            scope, scope.bound.masks.cached("unknown products", lambda: _violation(scope.bound))
        )


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
    evaluate_tenant=_evaluate,
    routes=lambda situation: (*self_service(situation), "unknown-product", *purchase_channel(situation)),
    action=lambda _, __: ObjectAction(ActionKind.UNKNOWN_PRODUCT),
)
