"""A service plan that the policy denies is enabled in a product that a user holds."""

from collections.abc import Iterator

from auditor.checks.assignments.service_plans import ServiceCheck, enabled
from auditor.checks.check import Correction
from auditor.domain.policy.model import Assignments
from auditor.domain.translation import N_
from auditor.engine.scope import Scope, UserFindings


def _evaluate(scope: Scope, block: Assignments) -> Iterator[UserFindings]:
    for plan in block.services.deny:
        yield scope.findings_of(scope.population & enabled(scope, plan), plan)


CHECK = ServiceCheck(
    id="service.denied",
    name=N_("service enabled"),
    explanation=N_("A product of a user has a service enabled that the policy denies."),
    key="assignments: {services: {deny}}",
    is_enabled=lambda block: bool(block.services.deny),
    evaluate_users=_evaluate,
    correction=Correction.DISABLE_SERVICE,
)
