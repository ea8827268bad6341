"""A licensed group has no members."""

from collections.abc import Iterator

from auditor.checks.check import Check, ObjectAction
from auditor.checks.health.groups import licensed_groups, members_unknown, membership_of, subject_of
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
    return ("group-empty", "group-licenses")


def _action(finding: Finding, _situation: Situation) -> ObjectAction:
    return ObjectAction(ActionKind.GROUP_EMPTY, text=finding.subject.id)


def _judge(scope: TenantScope, _block: Health) -> Iterator[ObjectFinding]:
    for group in licensed_groups(scope):
        if group.hidden_membership or group.member_count is None:
            members_unknown(scope, group)
        elif not group.member_count:
            yield scope.finding(subject_of(group), evidence=membership_of(scope, group, memberCount=0))


CHECK = Check(
    id="group.empty",
    name=N_("no members"),
    explanation=N_("A group that assigns licences has no members, so that its licences reach nobody."),
    block=Health,
    key="health: {empty}",
    subject=SubjectType.GROUP,
    once_per=N_("group"),
    asked=lambda block: block.empty,
    sources=(Source.GROUPS, Source.MEMBERS),
    judge_tenant=_judge,
    extent=group_extent,
    routes=_routes,
    action=_action,
)
