"""A user holds the same product on two or more paths."""

from auditor.checks.check import Check, Correction
from auditor.domain.enums import SubjectType
from auditor.domain.policy import Assignments
from auditor.domain.translation import N_
from auditor.guidance.routing import Articles, Situation


def _routes(situation: Situation) -> Articles:
    return ("duplicate-assignment", *(("group-licenses",) if situation.path == "group" else ()))


CHECK = Check(
    id="assignment.duplicate",
    name=N_("assigned twice"),
    explanation=N_("A user holds the same product on two or more paths; only one seat is used all the same."),
    block=Assignments,
    key="assignments: {duplicates}",
    subject=SubjectType.USER,
    once_per=N_("product held"),
    routes=_routes,
    correction=Correction.REMOVE_COPY,
)
