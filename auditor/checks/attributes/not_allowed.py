"""A property of a user has a value that the policy does not list."""

from auditor.checks.attributes.values import AttributeCheck
from auditor.checks.check import Correction
from auditor.domain.policy.selector import OneOf
from auditor.domain.translation import N_

CHECK = AttributeCheck(
    id="attribute.not-allowed",
    name=N_("value not allowed"),
    explanation=N_("A property of a user has a value that the policy does not allow."),
    key="attributes: {allow}",
    is_enabled=lambda block: bool(block.allow),
    selectors=lambda block: tuple(OneOf(property=name, values=(*values, None)) for name, values in block.allow),
    evaluate_users=lambda scope, block: (
        scope.findings_of(scope.population & ~listed, name)
        for (name, _), listed in zip(block.allow, scope.matches(), strict=True)
    ),
    correction=Correction.CORRECT_ATTRIBUTE,
)
