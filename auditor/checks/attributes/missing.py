"""A property of a user has no value."""

from collections.abc import Iterator

from auditor.checks.attributes.values import reported
from auditor.checks.check import Check, Correction, Detail
from auditor.domain.enums import SubjectType
from auditor.domain.policy.model import Attributes
from auditor.domain.translation import N_
from auditor.engine.policy.extent import population_extent
from auditor.engine.scope import Found, Scope
from auditor.guidance.routing import user_property


def _judge(scope: Scope, block: Attributes) -> Iterator[Found]:
    selecting, rules = scope.batch.selecting, scope.bound.rules
    for name in block.require:
        absent = selecting.of(rules.listed(name, (None,)))
        yield reported(scope, scope.population & absent, name)


CHECK = Check(
    id="attribute.missing",
    name=N_("property missing"),
    explanation=N_("A user has no value for a property that the policy requires."),
    block=Attributes,
    key="attributes: {require}",
    subject=SubjectType.USER,
    once_per=N_("property"),
    asked=lambda block: bool(block.require),
    properties=lambda block: block.require,
    judge_users=_judge,
    extent=population_extent,
    detail=Detail.PROPERTY,
    routes=user_property,
    correction=Correction.SET_ATTRIBUTE,
)
