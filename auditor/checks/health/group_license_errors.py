"""A licensed group has members in error."""

from auditor.checks.check import Check, ObjectAction
from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import SubjectType
from auditor.domain.policy import Health
from auditor.domain.result import Finding
from auditor.domain.translation import N_
from auditor.guidance.routing import Articles, Situation, assignment_error


def _routes(situation: Situation) -> Articles:
    return ("group-errors",) if situation.error_code is None else tuple(reversed(assignment_error(situation)))


def _action(finding: Finding, _situation: Situation) -> ObjectAction:
    return ObjectAction(ActionKind.GROUP_ERRORS, text=finding.subject.id)


CHECK = Check(
    id="group.license-errors",
    name=N_("members in error"),
    explanation=N_("A group that assigns licences has members who did not get them."),
    block=Health,
    key="health: {groups}",
    subject=SubjectType.GROUP,
    once_per=N_("group"),
    routes=_routes,
    action=_action,
)
