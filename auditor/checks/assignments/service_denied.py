"""A service plan that the policy denies is enabled in a product that a user holds."""

from auditor.checks.assignments.service_plans import ServiceCheck, enabled
from auditor.checks.check import Correction
from auditor.domain.translation import N_

CHECK = ServiceCheck(
    id="service.denied",
    name=N_("service enabled"),
    explanation=N_("A product of a user has a service enabled that the policy denies."),
    key="assignments: {services: {deny}}",
    is_enabled=lambda block: bool(block.services.deny),
    evaluate_users=lambda scope, block: (
        scope.findings_of(scope.population & enabled(scope, plan), plan) for plan in block.services.deny
    ),
    correction=Correction.DISABLE_SERVICE,
)
