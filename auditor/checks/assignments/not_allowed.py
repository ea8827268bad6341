"""A user holds a product that the policy does not list."""

from auditor.checks.assignments.held_products import UnwantedProductCheck, assigned_product_findings
from auditor.domain.translation import N_

CHECK = UnwantedProductCheck(
    id="assignment.not-allowed",
    name=N_("product not allowed"),
    explanation=N_("A user has a product that the policy does not allow for the people to whom it applies."),
    key="assignments: {allow}",
    is_enabled=lambda block: block.allow is not None,
    products=lambda block: filter(None, (block.of, block.allow)),
    evaluate_users=lambda scope, block: assigned_product_findings(scope, block.of, block.allow, listed=False),
)
