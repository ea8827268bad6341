"""A licensed group has groups among its direct members."""

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
        if group.nested_groups:
            names = sorted(scope.facts.group_names.get(nested, nested) for nested in group.nested_groups)
            yield scope.finding(subject_of(group), evidence=membership_of(scope, group, nestedGroups=names))
        elif group.nested_groups is None or group.hidden_membership:
            members_unknown(scope, group)


CHECK = GroupCheck(
    id="group.nested",
    name=N_("nested groups"),
    explanation=N_("A group that assigns licences has nested groups, whose members get no licence from it."),
    key="health: {nested}",
    is_enabled=lambda block: block.nested,
    sources=(Source.GROUPS, Source.MEMBERS),
    evaluate_tenant=_evaluate,
    routes=lambda _: ("group-nested", "group-licenses"),
    action=lambda finding, _: ObjectAction(ActionKind.GROUP_NESTED, text=finding.subject.id),
)
