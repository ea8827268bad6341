"""An entry of `licenseAssignmentStates` has an error."""

from auditor.checks.check import Check, Correction, Detail
from auditor.domain.enums import SubjectType
from auditor.domain.policy import Health
from auditor.domain.translation import N_
from auditor.guidance.routing import assignment_error

CHECK = Check(
    id="assignment.error",
    name=N_("assignment in error"),
    explanation=N_("A product should be assigned to a user, but Microsoft reports an error instead."),
    block=Health,
    key="health: {errors}",
    subject=SubjectType.USER,
    once_per=N_("product and error"),
    detail=Detail.ERROR,
    routes=assignment_error,
    correction=Correction.RETRY,
)
