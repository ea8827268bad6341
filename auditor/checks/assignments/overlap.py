"""A user holds products of which the policy allows only one at a time."""

from auditor.checks.check import Check, Correction, Detail
from auditor.domain.enums import SubjectType
from auditor.domain.policy import Assignments
from auditor.domain.translation import N_
from auditor.guidance.routing import overlapping_products

CHECK = Check(
    id="assignment.overlap",
    name=N_("products that overlap"),
    explanation=N_("A user holds two or more products of which the policy allows only one at a time."),
    block=Assignments,
    key="assignments: {exclusive}",
    subject=SubjectType.USER,
    once_per=N_("list of alternatives"),
    detail=Detail.PRODUCTS,
    tells_holdings=True,
    routes=overlapping_products,
    correction=Correction.CHOOSE,
)
