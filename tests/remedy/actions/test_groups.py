"""Which remedies are combined into one action, and which stay separate."""

import pytest

from auditor.app.audit.pipeline import audit
from auditor.catalogue import builtin
from tests.builders.result.actions import with_actions
from tests.builders.tenant.plan_tenants import E3, F3, fleet, grant, snapshot, user
from tests.builders.tenant.tenants import NOW, policy_set

TEXT = """policies:
  - id: store
    severity: medium
    users: {department: Store}
    assignments: {of: [SPE_E3, SPE_F1], allow: [SPE_F1], require: [SPE_F1]}
  - id: errors
    severity: high
    health: {errors: deny}
"""


@pytest.mark.slow
@pytest.mark.parametrize("error", ["MutuallyExclusiveViolation", "CountViolation"])
def test_move_to_a_product_whose_group_licence_fails_adds_no_direct_licence(error: str) -> None:
    ann = user("ann", grant(E3), grant(F3, "g1", error=error), department="Store")
    state = snapshot([ann], {E3: 5, F3: 0})
    loaded = policy_set(TEXT)
    (tenant,) = with_actions(audit([state], loaded, builtin(), NOW), loaded).tenants
    (plan,) = fleet([state], TEXT).tenants
    for actions in (tenant.actions, plan.actions):
        (action,) = actions
        assert action.title == "Move 1 person from Microsoft 365 E3 to Microsoft 365 F3"
        assert action.guidance.startswith("group-error-"), "the article about the error has the steps"
        assert len(action.findings) == 3
        assert action.requests == ()


def test_actions_with_requests_and_without_have_different_ids() -> None:
    ann = user("ann", grant(E3))
    bob = user("bob", assignedLicenses=[{"skuId": E3, "disabledPlans": []}])  # Graph reports no assignment path
    loaded = policy_set("policies:\n  - {id: none, severity: low, assignments: {of: [SPE_E3], allow: []}}\n")
    (tenant,) = with_actions(audit([snapshot([ann, bob], {E3: 5})], loaded, builtin(), NOW), loaded).tenants
    assert sorted(len(action.requests) for action in tenant.actions) == [0, 1]
    assert len({action.id for action in tenant.actions}) == 2
