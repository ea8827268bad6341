"""A service plan that the policy requires is not enabled in any product that a user holds."""

from collections.abc import Iterator

from auditor.checks.assignments.service_plans import ServiceCheck, enabled
from auditor.checks.check import Correction
from auditor.domain.policy.model import Assignments
from auditor.domain.translation import N_
from auditor.engine.scope import Scope, UserFindings


def _evaluate(scope: Scope, block: Assignments) -> Iterator[UserFindings]:
    for plan in block.services.require:
        yield scope.findings_of(scope.population & ~enabled(scope, plan), plan)


CHECK = ServiceCheck(
    id="service.missing",
    name=N_("service not enabled"),
    explanation=N_("No product of a user has a service enabled that the policy requires."),
    key="assignments: {services: {require}}",
    is_enabled=lambda block: bool(block.services.require),
    evaluate_users=_evaluate,
    correction=Correction.ENABLE_SERVICE,
)
