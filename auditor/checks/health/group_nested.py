"""A licensed group has groups among its direct members."""

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
    return ("group-nested", "group-licenses")


def _action(finding: Finding, _situation: Situation) -> ObjectAction:
    return ObjectAction(ActionKind.GROUP_NESTED, text=finding.subject.id)


def _judge(scope: TenantScope, _block: Health) -> Iterator[ObjectFinding]:
    for group in licensed_groups(scope):
        if group.nested_groups:
            names = sorted(scope.facts.group_names.get(nested, nested) for nested in group.nested_groups)
            yield scope.finding(subject_of(group), evidence=membership_of(scope, group, nestedGroups=names))
        elif group.nested_groups is None or group.hidden_membership:
            members_unknown(scope, group)


CHECK = Check(
    id="group.nested",
    name=N_("groups nested in it"),
    explanation=N_("A group that assigns licences has nested groups, whose members get no licence from it."),
    block=Health,
    key="health: {nested}",
    subject=SubjectType.GROUP,
    once_per=N_("group"),
    asked=lambda block: block.nested,
    sources=(Source.GROUPS, Source.MEMBERS),
    judge_tenant=_judge,
    extent=group_extent,
    routes=_routes,
    action=_action,
)
