"""The seats and the date of a product's subscriptions, as an action tells them."""

from datetime import date

from auditor.domain.result import TenantResult
from auditor.remedy.dates import said
from auditor.remedy.messages import Words


def totals(tenant: TenantResult, sku_id: str) -> tuple[int, int] | None:
    """Return how many paid subscriptions a product has and how many seats they have; None where one is not known."""
    wanted = sku_id.casefold()
    own = [each for each in tenant.subscriptions if each.sku_id.casefold() == wanted]
    paid = [each for each in own if each.is_trial is not True and each.status in {"Enabled", "Warning"}]
    seats = [each.total_licenses for each in paid]
    return None if not paid or None in seats else (len(paid), sum(count for count in seats if count is not None))


def renewal(words: Words, ends: date) -> str:
    """Say when a subscription renews or reaches its next state."""
    return words.gettext("The next date of the subscription is {day}.").format(day=said(words, ends))


def total(words: Words, product: str, *, now: int, then: int, subscriptions: int) -> str:
    """Say which total number of seats is to be entered or ordered."""
    if subscriptions == 1:
        return words.gettext("{product} has {now} seats today; the new total is {then}.").format(
            product=product, now=now, then=then
        )
    form = words.gettext(
        "The {subscriptions} subscriptions of {product} have {now} seats together today; the new total is {then}."
    )
    return form.format(subscriptions=subscriptions, product=product, now=now, then=then)
