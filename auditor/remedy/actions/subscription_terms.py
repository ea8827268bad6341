"""The seats of a product's subscriptions, and when they can be given back."""

from datetime import UTC, date, datetime

from auditor.domain.result.model import TenantResult
from auditor.domain.result.purchases import RecentPurchase
from auditor.engine.product_tables import is_active


def day_of(instant: datetime) -> date:
    """Return the day of an instant, in UTC."""
    return (instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)).date()


def totals(tenant: TenantResult, sku_id: str) -> tuple[int, int] | None:
    """Return the number of a product's paid subscriptions and of their seats; None if either is not known.

    Subscriptions without a next date are not in the result: all seats are known only if those in the result have as
    many as are usable.
    """
    key = sku_id.casefold()
    active = [item for item in tenant.subscriptions if item.sku_id.casefold() == key and is_active(item.status)]
    paid = [subscription for subscription in active if subscription.is_trial is not True]
    usable = next((seat.usable for seat in tenant.seats if seat.sku_id.casefold() == key), None)
    if not paid or sum(subscription.total_licenses or 0 for subscription in active) != usable:
        return None
    return len(paid), sum(subscription.total_licenses or 0 for subscription in paid)


def renewal_days(tenant: TenantResult, today: date) -> dict[str, date]:
    """Return the next date, from today on, on which a paid subscription of each product renews, by lowercase skuId."""
    days: dict[str, date] = {}
    for subscription in tenant.subscriptions:
        day = day_of(subscription.next_lifecycle_date_time)
        if day >= today and not subscription.is_trial and is_active(subscription.status):
            days[subscription.sku_id.casefold()] = min(day, days.get(subscription.sku_id.casefold(), day))
    return days


def recent_purchase(tenant: TenantResult, sku_id: str) -> RecentPurchase | None:
    """Return the recent purchases of a product; None if there are none."""
    purchases = tenant.recent_purchases or ()
    return next((purchase for purchase in purchases if purchase.sku_id == sku_id.casefold()), None)
