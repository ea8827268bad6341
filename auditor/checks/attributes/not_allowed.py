"""A property of a user has a value that the policy does not list."""

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
    for name, values in block.allow:
        listed = selecting.of(rules.listed(name, (*values, None)))
        yield reported(scope, scope.population & ~listed, name)


CHECK = Check(
    id="attribute.not-allowed",
    name=N_("value not allowed"),
    explanation=N_("A property of a user has a value that the policy does not allow."),
    block=Attributes,
    key="attributes: {allow}",
    subject=SubjectType.USER,
    once_per=N_("property"),
    asked=lambda block: bool(block.allow),
    properties=lambda block: tuple(name for name, _ in block.allow),
    judge_users=_judge,
    extent=population_extent,
    detail=Detail.PROPERTY,
    routes=user_property,
    correction=Correction.CORRECT_ATTRIBUTE,
)
