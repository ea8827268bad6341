"""The product sets in results: which products of the tenant have seats and are certainly in a set."""

from typing import Any

import pytest

from auditor.domain.enums import Source, SourceStatus
from auditor.domain.result.model import TenantResult
from tests.builders.tenant.crowded_tenant import subscription
from tests.builders.tenant.tenants import audited, bought, sku_id, tenant

TEXT = """
products: {office: [suite], suite: [SPE_E3, SPE_E5], Office: [VISIOCLIENT], free: [VISIOCLIENT]}
policies: [{id: p, title: P, severity: low, rationale: r, assignments: {require: [%s]}}]
"""
OWN_PLAN = {"servicePlanId": "00000001-aaaa-4bcd-8ef0-000000000001", "servicePlanName": "CONTOSO_PLAN"}
OWN_ID = "00000001-bbbb-4bcd-8ef0-000000000001"
STATE = [
    *(
        bought("SPE_E3"),
        bought("SPE_E5", 0),
        bought("VISIOCLIENT"),
        bought("FLOW_FREE"),
        bought("SPE_F1", 0, warning=2),
    ),
    bought("POWER_BI_PRO", appliesTo="Company"),
    bought("CONTOSO_OWN", skuId=OWN_ID, servicePlans=[OWN_PLAN]),
]


def members(element: str, **state: Any) -> dict[str, tuple[str, ...]]:
    """Set as written → its members, for one required element."""
    result: TenantResult = audited(TEXT % element, tenant(subscribedSkus=STATE, **state)).tenants[0]
    return {item.written: item.sku_ids for item in result.product_sets or ()}


@pytest.mark.parametrize(
    ("element", "parts"),
    [
        ("office", ["SPE_E3"]),
        ("Office", ["VISIOCLIENT"]),
        ("[spe_e3, 'visio*']", ["SPE_E3", "VISIOCLIENT"]),
        ("free", ["FLOW_FREE", "VISIOCLIENT"]),
        ("paid", ["CONTOSO_OWN", "SPE_E3", "SPE_F1"]),
        ("'*'", ["CONTOSO_OWN", "FLOW_FREE", "SPE_E3", "SPE_F1", "VISIOCLIENT"]),
        ("trial", ["SPE_F1"]),
        ("{withService: contoso_plan}", ["CONTOSO_OWN"]),
    ],
)
def test_sets_have_the_products_with_seats_for_people(element: str, parts: list[str]) -> None:
    trial = {**subscription("SPE_F1", 2, "2027-01-31"), "isTrial": True}
    (found,) = members(element, subscriptions=[trial]).values()
    assert list(found) == [OWN_ID if part == "CONTOSO_OWN" else sku_id(part) for part in parts]


@pytest.mark.parametrize("element", ["SPE_E3", "spe_e3", "SPE_E5", "'PROJECT*'", "trial"])
def test_single_names_and_sets_without_members_are_left_out(element: str) -> None:
    assert members(element, subscriptions=[]) == {}


def test_set_leaves_out_products_that_may_be_trials() -> None:
    assert members("trial", unread={Source.SUBSCRIPTIONS: SourceStatus.DENIED}) == {}
