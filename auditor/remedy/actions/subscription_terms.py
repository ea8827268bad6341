"""The seats of a product's subscriptions, and when they can be given back."""

from datetime import UTC, date, datetime

from auditor.checks.subscriptions.subscriptions import is_active
from auditor.domain.result.model import TenantResult
from auditor.domain.result.purchases import RecentPurchase
from auditor.domain.translation import Localizer


def day_of(instant: datetime) -> date:
    """Return the day of an instant, in UTC."""
    return (instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)).date()


def totals(tenant: TenantResult, sku_id: str) -> tuple[int, int] | None:
    """Return the number of a product's paid subscriptions and of their seats; None if either is not known."""
    key = sku_id.casefold()
    subscriptions = [subscription for subscription in tenant.subscriptions if subscription.sku_id.casefold() == key]
    paid = [
        subscription
        for subscription in subscriptions
        if subscription.is_trial is not True and is_active(subscription.status)
    ]
    seats = [subscription.total_licenses for subscription in paid]
    return None if not paid or None in seats else (len(paid), sum(count for count in seats if count is not None))


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


def total(l10n: Localizer, product: str, *, now: int, then: int, subscriptions: int) -> str:
    """Return a sentence with the new total of seats to enter or order."""
    amounts = {"now": l10n.number(now), "then": l10n.number(then)}
    if subscriptions == 1:
        form = l10n.gettext("{product} has {now} seats today; the new total is {then}.")
        return form.format(product=product, **amounts)
    form = l10n.gettext(
        "The {subscriptions} subscriptions of {product} have {now} seats together today; the new total is {then}."
    )
    return form.format(subscriptions=subscriptions, product=product, **amounts)


def seats_resolved(l10n: Localizer, product: str) -> str:
    """Return a sentence that an action about people also brings the seats of a product within their limits."""
    return l10n.gettext(
        "Once this and the other actions for {product} are done, no seats have to be bought or "
        "removed. Run the audit again."
    ).format(product=product)


def covered_elsewhere(l10n: Localizer, count: int) -> str:
    """Return a sentence that a larger product, which another action buys, covers the same people."""
    return l10n.ngettext(
        "{count} of these seats comes with a larger product that another action buys; it is not counted twice.",
        "{count} of these seats come with larger products that other actions buy; they are not counted twice.",
        count,
    ).format(count=l10n.number(count))
