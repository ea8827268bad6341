"""A user holds a product whose services all come with another product of the user."""

from auditor.checks.check import Check, Correction, Cost, Detail
from auditor.domain.enums import SubjectType
from auditor.domain.policy import Assignments
from auditor.domain.translation import N_
from auditor.guidance.routing import overlapping_products

CHECK = Check(
    id="assignment.redundant",
    name=N_("contained in another product"),
    explanation=N_("A user holds a product whose services are all contained in another product of the same user."),
    block=Assignments,
    key="assignments: {redundant}",
    subject=SubjectType.USER,
    once_per=N_("product contained"),
    detail=Detail.PRODUCTS,
    tells_holdings=True,
    cost=Cost.SEAT,
    routes=overlapping_products,
    correction=Correction.REMOVE,
)
