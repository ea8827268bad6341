"""The licences of a group are not processed."""

from collections.abc import Iterator

from auditor.checks.check import Check, Detail, ObjectAction
from auditor.checks.health.groups import evidence_of, licensed_groups, subject_of
from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import Source, SubjectType
from auditor.domain.policy.model import Health
from auditor.domain.result.model import Finding
from auditor.domain.translation import N_
from auditor.engine.outcome import ObjectFinding
from auditor.engine.policy.extent import group_extent
from auditor.engine.scope import TenantScope
from auditor.guidance.routing import Articles, Situation


def _routes(_situation: Situation) -> Articles:
    return ("group-processing", "group-errors")


def _action(finding: Finding, _situation: Situation) -> ObjectAction:
    return ObjectAction(ActionKind.GROUP_PROCESSING, text=finding.subject.id)


def _judge(scope: TenantScope, _block: Health) -> Iterator[ObjectFinding]:
    for group in licensed_groups(scope, "hasMembersWithLicenseErrors"):
        state = group.processing_state
        if state is not None and state.casefold() != "processingcomplete":
            yield scope.finding(subject_of(group), detail=state, evidence=evidence_of(scope, group))


CHECK = Check(
    id="group.processing",
    name=N_("licences not processed"),
    explanation=N_("The licences of a group are not processed yet, or not for all its members."),
    block=Health,
    key="health: {groups}",
    subject=SubjectType.GROUP,
    once_per=N_("group"),
    asked=lambda block: block.groups,
    sources=(Source.GROUPS,),
    judge_tenant=_judge,
    extent=group_extent,
    detail=Detail.PROCESSING_STATE,
    routes=_routes,
    action=_action,
)
