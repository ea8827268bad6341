"""A service plan that the policy requires is not enabled over anything that a user holds."""

from auditor.checks.check import Check, Correction, Detail
from auditor.domain.enums import SubjectType
from auditor.domain.policy import Assignments
from auditor.domain.translation import N_
from auditor.guidance.routing import services

CHECK = Check(
    id="service.missing",
    name=N_("service not enabled"),
    explanation=N_("No product of a user has a service switched on that the policy requires."),
    block=Assignments,
    key="assignments: {services: {require}}",
    subject=SubjectType.USER,
    once_per=N_("service plan"),
    detail=Detail.SERVICE,
    tells_holdings=True,
    routes=services,
    correction=Correction.ENABLE_SERVICE,
)
