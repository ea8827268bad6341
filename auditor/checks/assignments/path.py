"""A product is assigned directly where the policy wants a group, or by a group where it wants it direct."""

from auditor.checks.check import Check, Correction
from auditor.domain.enums import SubjectType
from auditor.domain.policy import Assignments
from auditor.domain.translation import N_
from auditor.guidance.routing import Articles, Situation


def _routes(situation: Situation) -> Articles:
    match situation.path:
        case "direct":
            return ("direct-to-group",)
        case "group":
            return ("group-to-direct",)
        case _:
            return ("direct-to-group", "group-to-direct")


CHECK = Check(
    id="assignment.path",
    name=N_("assigned on the wrong path"),
    explanation=N_("A product is assigned directly where the policy wants a group, or the other way round."),
    block=Assignments,
    key="assignments: {via}",
    subject=SubjectType.USER,
    once_per=N_("product held"),
    routes=_routes,
    correction=Correction.CHANGE_PATH,
)
