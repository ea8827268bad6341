"""A property of a user has no value."""

from auditor.checks.attributes.values import AttributeCheck
from auditor.checks.check import Correction
from auditor.domain.policy.selector import OneOf
from auditor.domain.translation import N_

CHECK = AttributeCheck(
    id="attribute.missing",
    name=N_("property missing"),
    explanation=N_("A user has no value for a property that the policy requires."),
    key="attributes: {require}",
    is_enabled=lambda block: bool(block.require),
    selectors=lambda block: tuple(OneOf(property=name, values=(None,)) for name in block.require),
    evaluate_users=lambda scope, block: (
        scope.findings_of(scope.population & absent, name)
        for name, absent in zip(block.require, scope.matches(), strict=True)
    ),
    correction=Correction.SET_ATTRIBUTE,
)
