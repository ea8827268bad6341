"""A user holds a product that the policy denies."""

from collections.abc import Iterator

from auditor.checks.assignments.held_products import UnwantedProductCheck, held_product_findings, pack
from auditor.domain.policy.model import Assignments
from auditor.domain.translation import N_
from auditor.engine.scope import Scope, UserFindings


def _evaluate(scope: Scope, block: Assignments) -> Iterator[UserFindings]:
    assert block.deny is not None
    masks, of, deny = scope.bound.masks, block.of, block.deny
    denied = masks.cached(("denied", id(block)), lambda: pack(masks.of(of) & masks.of(deny)))
    yield held_product_findings(scope, scope.people.assignments.assigned_skus, denied)


CHECK = UnwantedProductCheck(
    id="assignment.denied",
    name=N_("product denied"),
    explanation=N_("A user has a product that the policy denies to the people to whom it applies."),
    key="assignments: {deny}",
    is_enabled=lambda block: block.deny is not None,
    products=lambda block: filter(None, (block.of, block.deny)),
    evaluate_users=_evaluate,
)
