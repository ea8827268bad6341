"""The usable seats of a tenant cost more a month than the policy allows."""

from auditor.checks.check import Check, Cost, Detail, ObjectAction
from auditor.domain.actions.kind import ActionKind
from auditor.domain.enums import SubjectType
from auditor.domain.policy import Budget
from auditor.domain.result import Finding
from auditor.domain.translation import N_
from auditor.guidance.routing import Articles, Situation


def _routes(_situation: Situation) -> Articles:
    return ("reduce-cost", "remove-licenses")


def _action(finding: Finding, _situation: Situation) -> ObjectAction:
    money = finding.money
    return ObjectAction(ActionKind.BUDGET, text="" if money is None else f"{money.per_month:.2f} {money.currency}")


CHECK = Check(
    id="budget.exceeded",
    name=N_("budget exceeded"),
    explanation=N_("The seats of a tenant cost more a month than the policy allows."),
    block=Budget,
    key="budget: {limit}",
    subject=SubjectType.TENANT,
    once_per=N_("tenant"),
    detail=Detail.CURRENCY,
    cost=Cost.TOTAL,
    routes=_routes,
    action=_action,
)
