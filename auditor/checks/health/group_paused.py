"""The rule of a licensed dynamic group is not processed."""

from collections.abc import Iterator

from auditor.checks.check import Check, ObjectAction
from auditor.checks.health.groups import licensed_groups, membership_of, subject_of
from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import Source, SubjectType
from auditor.domain.message import Message
from auditor.domain.policy.model import Health
from auditor.domain.result.model import Finding
from auditor.domain.translation import N_
from auditor.engine.outcome import ObjectFinding
from auditor.engine.policy.extent import group_extent
from auditor.engine.scope import TenantScope
from auditor.guidance.routing import Articles, Situation


def _routes(_situation: Situation) -> Articles:
    return ("group-paused", "group-processing")


def _action(finding: Finding, _situation: Situation) -> ObjectAction:
    return ObjectAction(ActionKind.GROUP_PAUSED, text=finding.subject.id)


def _judge(scope: TenantScope, _block: Health) -> Iterator[ObjectFinding]:
    for group in licensed_groups(scope):
        state = (group.membership_rule_state or "").casefold()
        if group.dynamic and state == "paused":
            facts = {"membershipRuleProcessingState": group.membership_rule_state}
            yield scope.finding(subject_of(group), evidence=membership_of(scope, group, **facts))
        elif group.dynamic is None or (group.dynamic and state != "on"):
            scope.unknown.add(
                "groups.membershipRuleProcessingState",
                Message("whether the rule of the group {id} is processed was not read", id=group.id),
            )


CHECK = Check(
    id="group.paused",
    name=N_("processing paused"),
    explanation=N_("A group that assigns licences has a dynamic rule whose processing is paused."),
    block=Health,
    key="health: {paused}",
    subject=SubjectType.GROUP,
    once_per=N_("group"),
    asked=lambda block: block.paused,
    sources=(Source.GROUPS,),
    judge_tenant=_judge,
    extent=group_extent,
    routes=_routes,
    action=_action,
)
