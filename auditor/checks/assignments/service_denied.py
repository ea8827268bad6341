"""A service plan that the policy denies is enabled over something that a user holds."""

from auditor.checks.check import Check, Correction, Detail
from auditor.domain.enums import SubjectType
from auditor.domain.policy import Assignments
from auditor.domain.translation import N_
from auditor.guidance.routing import services

CHECK = Check(
    id="service.denied",
    name=N_("service enabled"),
    explanation=N_("A product of a user has a service switched on that the policy denies."),
    block=Assignments,
    key="assignments: {services: {deny}}",
    subject=SubjectType.USER,
    once_per=N_("service plan"),
    detail=Detail.SERVICE,
    tells_holdings=True,
    routes=services,
    correction=Correction.DISABLE_SERVICE,
)
