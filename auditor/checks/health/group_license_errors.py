"""A licensed group has members with licence errors."""

from collections.abc import Iterator

from auditor.checks.check import ObjectAction
from auditor.checks.health.groups import GroupCheck, evidence_of, licensed_groups, subject_of
from auditor.domain.actions.kind import ActionKind
from auditor.domain.message import Message
from auditor.domain.policy.model import Health
from auditor.domain.translation import N_
from auditor.engine.outcome import ObjectFinding
from auditor.engine.scope import TenantScope
from auditor.guidance.routing import Articles, Situation, assignment_error


def _routes(situation: Situation) -> Articles:
    return ("group-errors",) if situation.error_code is None else tuple(reversed(assignment_error(situation)))


def _evaluate(scope: TenantScope, _block: Health) -> Iterator[ObjectFinding]:
    for group in licensed_groups(scope, "hasMembersWithLicenseErrors"):
        if group.has_errors is None:
            scope.unknown.add(
                "groups.hasMembersWithLicenseErrors",
                Message("it is not known whether the group {id} has errors: this was not read", id=group.id),
            )
        if group.has_errors:
            yield scope.finding(subject_of(group), evidence=evidence_of(scope, group))


CHECK = GroupCheck(
    id="group.license-errors",
    name=N_("members with licence errors"),
    explanation=N_("A group that assigns licences has members who did not get them."),
    key="health: {groups}",
    is_enabled=lambda block: block.groups,
    evaluate_tenant=_evaluate,
    routes=_routes,
    action=lambda finding, _: ObjectAction(ActionKind.GROUP_ERRORS, text=finding.subject.id),
)
