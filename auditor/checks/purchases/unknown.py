"""The tenant owns a product that the catalogue does not know."""

from collections.abc import Iterator

import numpy as np

from auditor.checks.check import Check, Cost, ObjectAction
from auditor.checks.owned_products import owned
from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import Source, SubjectType
from auditor.domain.policy.model import Purchases
from auditor.domain.result.model import Finding
from auditor.domain.translation import N_
from auditor.engine.outcome import ObjectFinding
from auditor.engine.policy.binding import BoundPolicies
from auditor.engine.policy.extent import purchase_extent
from auditor.engine.scope import TenantScope
from auditor.engine.skus.masks import Mask
from auditor.guidance.routing import Articles, Situation, purchase_channel, self_service


def _routes(situation: Situation) -> Articles:
    return (*self_service(situation), "unknown-product", *purchase_channel(situation))


def _action(_finding: Finding, _situation: Situation) -> ObjectAction:
    return ObjectAction(ActionKind.UNKNOWN_PRODUCT)


def _judge(scope: TenantScope, _block: Purchases) -> Iterator[ObjectFinding]:
    if scope.readable(Source.SUBSCRIBED_SKUS):
        yield from owned(scope, scope.bound.masks.made("unknown products", lambda: _violation(scope.bound)))


def _violation(bound: BoundPolicies) -> Mask:
    catalogue = bound.facts.catalogue
    strange = np.array([catalogue.product(sku.sku_id) is None for sku in bound.facts.skus], dtype=bool)
    return Mask(strange, np.zeros(bound.size, dtype=bool), sure=True)


CHECK = Check(
    id="purchase.unknown",
    name=N_("product in no catalogue"),
    explanation=N_("The tenant owns a product that the catalogue of products does not know."),
    block=Purchases,
    key="purchases: {unknown}",
    subject=SubjectType.PRODUCT,
    once_per=N_("product owned"),
    asked=lambda block: block.unknown,
    judge_tenant=_judge,
    extent=purchase_extent,
    cost=Cost.SEATS,
    routes=_routes,
    action=_action,
)
