"""The rule of a licensed dynamic group is not processed."""

from collections.abc import Iterator

from auditor.checks.check import ObjectAction
from auditor.checks.health.groups import GroupCheck, licensed_groups, membership_of, subject_of
from auditor.domain.actions.kind import ActionKind
from auditor.domain.message import Message
from auditor.domain.policy.model import Health
from auditor.domain.translation import N_
from auditor.engine.outcome import ObjectFinding
from auditor.engine.scope import TenantScope


def _evaluate(scope: TenantScope, _block: Health) -> Iterator[ObjectFinding]:
    for group in licensed_groups(scope):
        state = (group.membership_rule_state or "").casefold()
        if group.dynamic and state == "paused":
            facts = {"membershipRuleProcessingState": group.membership_rule_state}
            yield scope.finding(subject_of(group), evidence=membership_of(scope, group, **facts))
        elif group.dynamic is None or (group.dynamic and state != "on"):
            scope.unknown.add(
                "groups.membershipRuleProcessingState",
                Message("the processing of some dynamic groups was not read; collect the snapshot again"),
            )


CHECK = GroupCheck(
    id="group.paused",
    name=N_("processing paused"),
    explanation=N_("A group that assigns licences has a dynamic rule whose processing is paused."),
    key="health: {paused}",
    is_enabled=lambda block: block.paused,
    evaluate_tenant=_evaluate,
    routes=lambda _: ("group-paused", "group-processing"),
    action=lambda finding, _: ObjectAction(ActionKind.GROUP_PAUSED, text=finding.subject.id),
)
