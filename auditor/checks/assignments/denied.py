"""A user holds a product that the policy denies."""

from auditor.checks.check import Check, Correction, Cost
from auditor.domain.enums import SubjectType
from auditor.domain.policy import Assignments
from auditor.domain.translation import N_
from auditor.guidance.routing import unwanted_product

CHECK = Check(
    id="assignment.denied",
    name=N_("product denied"),
    explanation=N_("A user holds a product that the policy denies to the people it is about."),
    block=Assignments,
    key="assignments: {deny}",
    subject=SubjectType.USER,
    once_per=N_("product held"),
    cost=Cost.SEAT,
    routes=unwanted_product,
    correction=Correction.REPLACE,
)
