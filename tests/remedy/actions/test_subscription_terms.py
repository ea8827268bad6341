"""The seats of a product's subscriptions."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from auditor.domain.result.model import Subscription, TenantResult
from auditor.remedy.actions.subscription_terms import totals
from tests.builders.result.results import result


def tenant_with(*subscriptions: Subscription) -> TenantResult:
    return replace(result().tenants[0], subscriptions=subscriptions)


def subscription(status: str | None, total: int) -> Subscription:
    return Subscription(
        id=str(total),
        sku_id="sku",
        sku_part_number="SKU",
        name="Product",
        status=status,
        is_trial=False,
        total_licenses=total,
        next_lifecycle_date_time=datetime(2027, 1, 1, tzinfo=UTC),
    )


@pytest.mark.parametrize("status", ["Enabled", "enabled", "Warning", "WARNING"])
def test_totals_count_active_subscriptions_in_either_letter_case(status: str) -> None:
    assert totals(tenant_with(subscription(status, 10), subscription("Enabled", 5)), "SKU") == (2, 15)


@pytest.mark.parametrize("status", ["Suspended", "LockedOut", "Deleted", None])
def test_totals_exclude_subscriptions_that_are_not_active(status: str | None) -> None:
    assert totals(tenant_with(subscription(status, 10), subscription("Enabled", 5)), "SKU") == (1, 5)
