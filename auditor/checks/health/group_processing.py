"""The licences of a group are not processed."""

from auditor.checks.check import Check, Detail, ObjectAction
from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import SubjectType
from auditor.domain.policy import Health
from auditor.domain.result import Finding
from auditor.domain.translation import N_
from auditor.guidance.routing import Articles, Situation


def _routes(_situation: Situation) -> Articles:
    return ("group-processing", "group-errors")


def _action(finding: Finding, _situation: Situation) -> ObjectAction:
    return ObjectAction(ActionKind.GROUP_PROCESSING, text=finding.subject.id)


CHECK = Check(
    id="group.processing",
    name=N_("licences not processed"),
    explanation=N_("The licences of a group are not processed yet, or not for all its members."),
    block=Health,
    key="health: {groups}",
    subject=SubjectType.GROUP,
    once_per=N_("group"),
    detail=Detail.PROCESSING_STATE,
    routes=_routes,
    action=_action,
)
