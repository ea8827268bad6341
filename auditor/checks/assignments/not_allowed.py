"""A user holds a product that the policy does not list."""

from collections.abc import Iterator

from auditor.checks.assignments.held_products import UnwantedProductCheck, held_product_findings, pack
from auditor.domain.policy.model import Assignments
from auditor.domain.translation import N_
from auditor.engine.scope import Scope, UserFindings


def _evaluate(scope: Scope, block: Assignments) -> Iterator[UserFindings]:
    assert block.allow is not None
    masks, of, allow = scope.bound.masks, block.of, block.allow
    outside = masks.cached(("not allowed", id(block)), lambda: pack(masks.of(of) & ~masks.of(allow)))
    yield held_product_findings(scope, scope.people.assignments.assigned_skus, outside)


CHECK = UnwantedProductCheck(
    id="assignment.not-allowed",
    name=N_("product not allowed"),
    explanation=N_("A user has a product that the policy does not allow for the people to whom it applies."),
    key="assignments: {allow}",
    is_enabled=lambda block: block.allow is not None,
    products=lambda block: filter(None, (block.of, block.allow)),
    evaluate_users=_evaluate,
)
