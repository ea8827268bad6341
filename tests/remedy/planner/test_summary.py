"""The summary of a plan."""

from msgspec.structs import replace

from auditor.remedy.messages import ENGLISH
from auditor.remedy.planner.text.markdown import summary
from tests.builders.tenant.plan_tenants import E3, grant, planned, snapshot, user

LEAVERS = (
    "policies: [{id: leavers, severity: high, users: {accountEnabled: false}, assignments: {of: paid, allow: []}}]\n"
)


def test_plan_with_excluded_alternatives_is_not_called_the_best() -> None:
    plan = planned(snapshot([user("ann", grant(E3), accountEnabled=False)], {E3: 5}), LEAVERS)
    for solver in ("none", "walk", "milp"):
        limited = replace(plan, solver=replace(plan.solver, name=solver, optimal=False))
        text = " ".join(summary(limited, ENGLISH))
        assert "A better plan may exist" in text
