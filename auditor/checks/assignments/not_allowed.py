"""A user holds a product that the policy does not list."""

from auditor.checks.check import Check, Correction, Cost
from auditor.domain.enums import SubjectType
from auditor.domain.policy import Assignments
from auditor.domain.translation import N_
from auditor.guidance.routing import unwanted_product

CHECK = Check(
    id="assignment.not-allowed",
    name=N_("product not allowed"),
    explanation=N_("A user holds a product that the policy does not allow for the people it is about."),
    block=Assignments,
    key="assignments: {allow}",
    subject=SubjectType.USER,
    once_per=N_("product held"),
    cost=Cost.SEAT,
    routes=unwanted_product,
    correction=Correction.REPLACE,
)
