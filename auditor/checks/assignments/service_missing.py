"""A service plan that the policy requires is not enabled in any product that a user holds."""

from auditor.checks.assignments.service_plans import ServiceCheck, enabled
from auditor.checks.check import Correction
from auditor.domain.translation import N_

CHECK = ServiceCheck(
    id="service.missing",
    name=N_("service not enabled"),
    explanation=N_("No product of a user has a service enabled that the policy requires."),
    key="assignments: {services: {require}}",
    is_enabled=lambda block: bool(block.services.require),
    evaluate_users=lambda scope, block: (
        scope.findings_of(scope.population & ~enabled(scope, plan), plan) for plan in block.services.require
    ),
    correction=Correction.ENABLE_SERVICE,
)
