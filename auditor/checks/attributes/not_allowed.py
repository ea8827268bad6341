"""A property of a user has a value that the policy does not list."""

from collections.abc import Iterator

from auditor.checks.attributes.values import AttributeCheck
from auditor.checks.check import Correction
from auditor.domain.policy.model import Attributes
from auditor.domain.policy.selector import OneOf
from auditor.domain.translation import N_
from auditor.engine.scope import Scope, UserFindings


def _evaluate(scope: Scope, block: Attributes) -> Iterator[UserFindings]:
    for (name, _), listed in zip(block.allow, scope.matches(), strict=True):
        yield scope.findings_of(scope.population & ~listed, name)


CHECK = AttributeCheck(
    id="attribute.not-allowed",
    name=N_("value not allowed"),
    explanation=N_("A property of a user has a value that the policy does not allow."),
    key="attributes: {allow}",
    is_enabled=lambda block: bool(block.allow),
    selectors=lambda block: tuple(OneOf(property=name, values=(*values, None)) for name, values in block.allow),
    evaluate_users=_evaluate,
    correction=Correction.CORRECT_ATTRIBUTE,
)
