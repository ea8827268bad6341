"""Actions about groups: licences that a group assigns or fails to assign, and the data that people lose."""

import pytest
from msgspec.structs import replace

from auditor.app.audit.pipeline import audit
from auditor.catalogue import builtin
from auditor.domain.result.model import GroupProducts, Result
from tests.builders.result.actions import with_actions
from tests.builders.tenant.plan_tenants import E3, F3, VISIO, fleet, grant, snapshot, user
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


NO_VISIO = policy_set("policies: [{id: no-visio, severity: high, assignments: {deny: [VISIOCLIENT]}}]")


def audited(*others: str) -> Result:
    """Audit a person with Visio and other products from one group."""
    people = [user("ann", grant(VISIO, "g1"), *(grant(sku, "g1") for sku in others)), user("bob", grant(E3, "g2"))]
    return audit([snapshot(people, {E3: 10, VISIO: 10})], NO_VISIO, builtin(), NOW)


def warnings(result: Result) -> str:
    (action,) = with_actions(result, NO_VISIO).tenants[0].actions
    assert action.kind == "leave-group"
    return "\n".join(action.warnings)


def test_products_of_groups_are_those_of_people_with_findings() -> None:
    assert audited(E3).tenants[0].group_products == (GroupProducts(group="g1", sku_ids=tuple(sorted([E3, VISIO]))),)
    assert (
        audit([snapshot([user("bob", grant(E3, "g2"))], {E3: 10})], NO_VISIO, builtin(), NOW).tenants[0].group_products
        is None
    )


def test_leaving_a_group_without_a_mailbox_does_not_warn_about_mail() -> None:
    text = warnings(audited())
    assert "mailbox" not in text
    assert "Leaving also removes" not in text
    assert "every other access that it grants" in text


def test_leaving_a_group_names_the_other_products_and_warns_about_their_data() -> None:
    text = warnings(audited(E3))
    assert "Leaving also removes these products, which the action is not about: Microsoft 365 E3." in text
    assert "The data of the mailbox is kept for 30 days" in text


def test_unknown_products_of_a_group_count_as_any_product() -> None:
    result = audited()
    earlier_version = replace(result, tenants=(replace(result.tenants[0], group_products=None),))
    assert "The data of the mailbox is kept for 30 days" in warnings(earlier_version)


def test_leaving_a_group_lists_the_other_products_by_name() -> None:
    assert "not about: Microsoft 365 E3 and Microsoft 365 F3." in warnings(audited(F3, E3))


def test_report_warns_that_a_move_turns_on_every_service_and_the_plan_needs_no_warning() -> None:
    state = snapshot([user("ann", grant(E3), department="Store")], {E3: 5, F3: 5})
    loaded = policy_set(TEXT)
    (tenant,) = with_actions(audit([state], loaded, builtin(), NOW), loaded).tenants
    (plan,) = fleet([state], TEXT).tenants
    warned = [
        any(text.startswith("The requests turn on every service of Microsoft 365 F3:") for text in action.warnings)
        for action in (*tenant.actions, *plan.actions)
    ]
    assert warned == [True, False]
