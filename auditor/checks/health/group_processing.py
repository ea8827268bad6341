"""The licences of a group are not processed."""

from collections.abc import Iterator

from auditor.checks.check import Detail, ObjectAction
from auditor.checks.health.groups import GroupCheck, evidence_of, licensed_groups, subject_of
from auditor.domain.actions.kind import ActionKind
from auditor.domain.message import Message
from auditor.domain.policy.model import Health
from auditor.domain.translation import N_
from auditor.engine.outcome import ObjectFinding
from auditor.engine.scope import TenantScope


def _evaluate(scope: TenantScope, _block: Health) -> Iterator[ObjectFinding]:
    for group in licensed_groups(scope, "hasMembersWithLicenseErrors"):
        state = group.processing_state
        if state is None:
            scope.unknown.add(
                "groups.licenseProcessingState",
                Message(
                    "it is not known whether the licences of the group {id} are processed: Graph gave no state;"
                    " collect again later",
                    id=group.id,
                ),
            )
        elif state.casefold() != "processingcomplete":
            yield scope.finding(subject_of(group), detail=state, evidence=evidence_of(scope, group))


CHECK = GroupCheck(
    id="group.processing",
    name=N_("licences not processed"),
    explanation=N_("The licences of a group are not processed yet, or not for all its members."),
    key="health: {groups}",
    is_enabled=lambda block: block.groups,
    evaluate_tenant=_evaluate,
    detail=Detail.PROCESSING_STATE,
    routes=lambda _: ("group-processing", "group-errors"),
    action=lambda finding, _: ObjectAction(ActionKind.GROUP_PROCESSING, text=finding.subject.id),
)
