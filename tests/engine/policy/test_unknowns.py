"""The reasons why policies could not be evaluated."""

import pytest

from auditor.domain.enums import Source, SourceStatus
from tests.builders.tenant.tenants import bought, judged, sku_id, subscription, tenant, user

PRODUCTS = [bought("SPE_E3", 10, 1)]
DENY = "assignments: {deny: ['*']}"


@pytest.mark.parametrize(
    ("users", "block"),
    [
        ("{holds: trial}", DENY),
        ("{heldFor: {of: trial, atLeast: 30d}}", DENY),
        ("", "assignments: {deny: trial}"),
        ("", "assignments: {require: [trial]}"),
        ("", "seats: {of: trial, spare: {max: 1}}"),
        ("", "seats: {of: trial, assigned: {max: 0}}"),
        ("", "purchases: {trials: deny}"),
    ],
)
def test_reason_of_an_unknown_trial_is_the_source_or_the_subscription(users: str, block: str) -> None:
    unread = tenant(user("ann", "SPE_E3"), unread={Source.SUBSCRIPTIONS: SourceStatus.DENIED}, subscribedSkus=PRODUCTS)
    (policy,) = judged(block, unread, users=users).policies
    assert policy.reason == "Subscriptions: could not be read, permission denied (not allowed)"
    assert policy.missing == ("subscriptions",)
    dated = user("bob", "SPE_E3")
    dated["licenseAssignmentStates"][0]["lastUpdatedDateTime"] = "2026-01-01T00:00:00Z"
    unclear = tenant(dated, subscriptions=[subscription("s", isTrial=None)], subscribedSkus=PRODUCTS)
    (policy,) = judged(block, unclear, users=users).policies
    assert policy.reason == "it is not known whether every subscription of a SKU is a trial"
    assert policy.missing == ("subscriptions",)


def test_reason_of_unknown_members_names_the_source() -> None:
    for source, title in ((Source.GROUPS, "Groups"), (Source.MEMBERS, "Group members")):
        state = tenant(user("ann", "SPE_E3"), unread={source: SourceStatus.DENIED}, subscribedSkus=PRODUCTS)
        (policy,) = judged(DENY, state, users="{memberOf: Sales}").policies
        assert policy.reason == f"{title}: could not be read, permission denied (not allowed)"


@pytest.mark.parametrize(
    ("users", "block"),
    [
        ("", "assignments: {services: {deny: [VISIOONLINE]}}"),
        ("", "assignments: {deny: {withService: VISIOONLINE}}"),
        ("{holds: {withService: VISIOONLINE}}", DENY),
    ],
)
def test_reason_names_products_whose_services_are_not_known(users: str, block: str) -> None:
    ann = user("ann", "SPE_E3", "CONTOSO_OWN")
    (policy,) = judged(block, tenant(ann, subscribedSkus=PRODUCTS), users=users).policies
    unknown = sku_id("CONTOSO_OWN")
    assert policy.reason == (
        f"neither the tenant nor the product catalogue has the services of {unknown};"
        " update the catalogue with `auditor products update`"
    )
    assert policy.missing == ("subscribedSkus",)
