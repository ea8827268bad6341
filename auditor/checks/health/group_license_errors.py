"""A licensed group has members in error."""

from collections.abc import Iterator

from auditor.checks.check import Check, ObjectAction
from auditor.checks.health.groups import evidence_of, licensed_groups, subject_of
from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import Source, SubjectType
from auditor.domain.message import Message
from auditor.domain.policy.model import Health
from auditor.domain.result.model import Finding
from auditor.domain.translation import N_
from auditor.engine.outcome import ObjectFinding
from auditor.engine.policy.extent import group_extent
from auditor.engine.scope import TenantScope
from auditor.guidance.routing import Articles, Situation, assignment_error


def _routes(situation: Situation) -> Articles:
    return ("group-errors",) if situation.error_code is None else tuple(reversed(assignment_error(situation)))


def _action(finding: Finding, _situation: Situation) -> ObjectAction:
    return ObjectAction(ActionKind.GROUP_ERRORS, text=finding.subject.id)


def _judge(scope: TenantScope, _block: Health) -> Iterator[ObjectFinding]:
    for group in licensed_groups(scope, "hasMembersWithLicenseErrors"):
        if group.has_errors is None:
            scope.unknown.add(
                "groups.hasMembersWithLicenseErrors",
                Message("whether the group {id} has errors was not read", id=group.id),
            )
        if group.has_errors:
            yield scope.finding(subject_of(group), evidence=evidence_of(scope, group))


CHECK = Check(
    id="group.license-errors",
    name=N_("members in error"),
    explanation=N_("A group that assigns licences has members who did not get them."),
    block=Health,
    key="health: {groups}",
    subject=SubjectType.GROUP,
    once_per=N_("group"),
    asked=lambda block: block.groups,
    sources=(Source.GROUPS,),
    judge_tenant=_judge,
    extent=group_extent,
    routes=_routes,
    action=_action,
)
