"""A licensed group has no members."""

from collections.abc import Iterator

from auditor.checks.check import ObjectAction
from auditor.checks.health.groups import GroupCheck, licensed_groups, members_unknown, membership_of, subject_of
from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import Source
from auditor.domain.policy.model import Health
from auditor.domain.translation import N_
from auditor.engine.outcome import ObjectFinding
from auditor.engine.scope import TenantScope


def _evaluate(scope: TenantScope, _block: Health) -> Iterator[ObjectFinding]:
    for group in licensed_groups(scope):
        if group.hidden_membership or group.member_count is None:
            members_unknown(scope, group)
        elif not group.member_count:
            yield scope.finding(subject_of(group), evidence=membership_of(scope, group, memberCount=0))


CHECK = GroupCheck(
    id="group.empty",
    name=N_("no members"),
    explanation=N_("A group that assigns licences has no members, so nobody gets its licences."),
    key="health: {empty}",
    is_enabled=lambda block: block.empty,
    sources=(Source.GROUPS, Source.MEMBERS),
    evaluate_tenant=_evaluate,
    routes=lambda _: ("group-empty", "group-licenses"),
    action=lambda finding, _: ObjectAction(ActionKind.GROUP_EMPTY, text=finding.subject.id),
)
