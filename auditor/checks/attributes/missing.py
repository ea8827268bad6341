"""A property of a user has no value."""

from collections.abc import Iterator

from auditor.checks.attributes.values import AttributeCheck
from auditor.checks.check import Correction
from auditor.domain.policy.model import Attributes
from auditor.domain.policy.selector import OneOf
from auditor.domain.translation import N_
from auditor.engine.scope import Scope, UserFindings


def _evaluate(scope: Scope, block: Attributes) -> Iterator[UserFindings]:
    for name, absent in zip(block.require, scope.matches(), strict=True):
        yield scope.findings_of(scope.population & absent, name)


CHECK = AttributeCheck(
    id="attribute.missing",
    name=N_("property missing"),
    explanation=N_("A user has no value for a property that the policy requires."),
    key="attributes: {require}",
    is_enabled=lambda block: bool(block.require),
    selectors=lambda block: tuple(OneOf(property=name, values=(None,)) for name in block.require),
    evaluate_users=_evaluate,
    correction=Correction.SET_ATTRIBUTE,
)
