"""The tenant owns a paid product that no contract covers."""

from collections.abc import Iterator
from functools import reduce
from operator import or_

from auditor.checks.check import Cost, ObjectAction
from auditor.checks.contracts.terms import ContractCheck
from auditor.checks.owned_products import owned_product_extent, owned_product_findings
from auditor.domain.actions.kind import ActionKind
from auditor.domain.policy.model import Contracts
from auditor.domain.policy.product_set import PAID_PRODUCTS
from auditor.domain.translation import N_
from auditor.engine.outcome import ObjectFinding
from auditor.engine.scope import TenantScope
from auditor.engine.skus.masks import empty_mask
from auditor.guidance.routing import Articles, Situation, purchase_channel


def _evaluate(scope: TenantScope, _block: Contracts) -> Iterator[ObjectFinding]:
    bound = scope.bound
    covered = reduce(
        or_, (bound.masks.of(contract.products) for contract in bound.contracts_in_force), empty_mask(bound.size)
    )
    return owned_product_findings(scope, bound.masks.of(PAID_PRODUCTS) & ~covered)


def _routes(situation: Situation) -> Articles:
    return ("contract-missing", *purchase_channel(situation), "cancel-subscription", "self-service-purchases")


CHECK = ContractCheck(
    id="contract.missing",
    name=N_("no contract"),
    explanation=N_("The tenant owns usable seats of a paid product that no contract covers."),
    key="contracts: {missing}",
    once_per=N_("product owned"),
    is_enabled=lambda block: block.missing,
    evaluate_tenant=_evaluate,
    extent=owned_product_extent,
    cost=Cost.TOTAL,
    routes=_routes,
    action=lambda _, __: ObjectAction(ActionKind.CONTRACT_MISSING),
)
