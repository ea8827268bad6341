"""A user holds a product that the policy denies."""

from auditor.checks.assignments.held_products import UnwantedProductCheck, assigned_product_findings
from auditor.domain.translation import N_

CHECK = UnwantedProductCheck(
    id="assignment.denied",
    name=N_("product denied"),
    explanation=N_("A user has a product that the policy denies to the people to whom it applies."),
    key="assignments: {deny}",
    is_enabled=lambda block: block.deny is not None,
    products=lambda block: filter(None, (block.of, block.deny)),
    evaluate_users=lambda scope, block: assigned_product_findings(scope, block.of, block.deny, listed=True),
)
