"""Tests that a value of a tenant that is null or undocumented makes a policy not evaluated instead of passing."""

from typing import Any

import pytest

from auditor.domain.result.model import PolicyOutcome
from tests.builders.tenant.tenants import bought, judged, subscription, tenant, user

E3 = bought("SPE_E3")["skuId"]
UNLISTED = "99999999-0000-4000-8000-000000000001"


def outcome(block: str, **state: Any) -> PolicyOutcome:
    people = state.pop("users", ())
    return judged(block, tenant(*people, **state)).policies[0]


@pytest.mark.parametrize("name", [None, ""])
def test_product_without_a_part_number_has_that_of_the_catalogue(name: str | None) -> None:
    products = [bought("SPE_E3", 10, 10) | {"skuPartNumber": name}]
    assert outcome("seats: {of: [SPE_E3], spare: {min: 1}}", subscribedSkus=products).status == "fail"


@pytest.mark.parametrize(
    "block",
    [
        "seats: {of: [CONTOSO_X], spare: {min: 1}}",
        "seats: {of: [CONTOSO_*], pool: true, spare: {min: 1}}",
        "purchases: {deny: [CONTOSO_X]}",
        "assignments: {deny: [CONTOSO_X]}",
    ],
)
def test_unlisted_product_without_a_part_number_may_have_any_name(block: str) -> None:
    plans = [{"servicePlanId": "p", "servicePlanName": "PLAN"}]
    product = bought("CONTOSO_X", 10, 10) | {"skuId": UNLISTED, "skuPartNumber": None, "servicePlans": plans}
    holder = user("ann") | {"assignedLicenses": [{"skuId": UNLISTED, "disabledPlans": []}]}
    result = outcome(block, subscribedSkus=[product], users=[holder])
    assert (result.status, result.missing) == ("not-evaluated", ("subscribedSkus.skuPartNumber",))
    assert f"the part number of {UNLISTED}" in str(result.reason)


@pytest.mark.parametrize("name", ["PLAN", None])
def test_service_plans_that_were_not_read_are_those_of_the_catalogue(name: str | None) -> None:
    plans = [] if name else [{"servicePlanId": "p", "servicePlanName": None}]
    products = [bought("SPE_E3", 10, 10) | {"servicePlans": plans}]
    block = "seats: {of: [{withService: EXCHANGE_S_ENTERPRISE}], spare: {min: 1}}"
    assert outcome(block, subscribedSkus=products).status == "fail"
    unlisted = [bought("CONTOSO_X", 10, 10) | {"servicePlans": plans}]
    result = outcome(block, subscribedSkus=unlisted)
    assert (result.status, "the services of CONTOSO_X" in str(result.reason)) == ("not-evaluated", True)


def test_seats_in_grace_that_were_not_read_are_unknown() -> None:
    products = [bought("SPE_E3", 10, 10, warning=None)]
    assert outcome("seats: {of: [SPE_E3], spare: {max: 1}}", subscribedSkus=products).status == "not-evaluated"


@pytest.mark.parametrize(
    ("block", "changes", "reason"),
    [
        ("{expiring: {within: 30d}}", {"status": "Paused"}, "does not document: Paused"),
        ("{states: {deny: [Suspended]}}", {"status": "Paused"}, "does not document: Paused"),
        ("{expiring: {within: 30d, idle: {min: 1}}}", {"status": "Paused"}, "does not document: Paused"),
        ("{of: [SPE_E3], expiring: {within: 30d}}", {"skuId": None, "skuPartNumber": None}, "is in the set"),
        ("{expiring: {within: 30d, idle: {min: 1}}}", {"skuId": None}, "to which product the subscription s belongs"),
    ],
)
def test_subscription_with_an_undocumented_state_or_product_is_not_evaluated(
    block: str, changes: dict[str, Any], reason: str
) -> None:
    subscriptions = [subscription("s", ends=10) | changes]
    products = [bought("SPE_E3", 10, 1)]
    result = outcome(f"subscriptions: {block}", subscribedSkus=products, subscriptions=subscriptions)
    assert (result.status, reason in str(result.reason)) == ("not-evaluated", True)


def test_subscription_without_a_product_may_be_that_of_a_trial() -> None:
    subscriptions = [subscription("s", isTrial=True) | {"skuId": None}]
    products = [bought("SPE_E3", 10, 1)]
    result = outcome("purchases: {trials: deny}", subscribedSkus=products, subscriptions=subscriptions)
    assert result.status == "not-evaluated"


@pytest.mark.parametrize("state", [None, {"state": None}])
def test_licensed_group_without_a_processing_state_is_not_evaluated(state: Any) -> None:
    groups = [
        {
            "id": name,
            "assignedLicenses": licenses,
            "hasMembersWithLicenseErrors": False,
            "licenseProcessingState": state,
        }
        for name, licenses in (("without", []), ("licensed", [{"skuId": E3}]))
    ]
    result = outcome("health: {groups: deny}", groups=groups)
    assert (result.status, result.missing) == ("not-evaluated", ("groups.licenseProcessingState",))
    assert "whether the licences of the group licensed are processed" in str(result.reason)
    assert outcome("health: {groups: deny}", groups=groups[:1]).status == "pass"
