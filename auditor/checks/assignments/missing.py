"""A user lacks a product that the policy requires."""

from auditor.checks.check import Check, Correction
from auditor.domain.enums import SubjectType
from auditor.domain.policy import Assignments
from auditor.domain.translation import N_
from auditor.guidance.routing import STOPPED, Articles, Situation, group_licence


def _routes(situation: Situation) -> Articles:
    stopped = ("reactivate-subscription",) if (situation.status or "").lower() in STOPPED else ()
    if situation.replacement_required is True:
        return (*stopped, "move-users", *group_licence(situation))
    if situation.path == "group":
        return (*stopped, "group-licenses", "assign-licenses")
    return (*stopped, "assign-licenses")


CHECK = Check(
    id="assignment.missing",
    name=N_("product missing"),
    explanation=N_("A user does not hold a product that the policy requires for the people it is about."),
    block=Assignments,
    key="assignments: {require}",
    subject=SubjectType.USER,
    once_per=N_("element of the list"),
    tells_holdings=True,
    routes=_routes,
    correction=Correction.ASSIGN,
)
