"""Warnings of actions that remove people from groups depend on the products that the groups assign to them."""

from msgspec.structs import replace

from auditor.app.audit.pipeline import audit
from auditor.catalogue import builtin
from auditor.domain.result.model import GroupProducts, Result
from tests.builders.result.actions import with_actions
from tests.builders.tenant.plan_tenants import E3, VISIO, grant, snapshot, user
from tests.builders.tenant.tenants import NOW, policy_set

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
