"""The seats of a product's subscriptions, and when these can go."""

from datetime import UTC, date, datetime, timedelta

from msgspec import Struct

from auditor.domain.result.model import TenantResult
from auditor.engine.tenant_facts import TenantFacts
from auditor.remedy.messages import Localizer
from auditor.remedy.numbers import number_label

_ALIVE = frozenset({"enabled", "warning"})
WINDOW = timedelta(days=7)
"""Under a Microsoft Customer Agreement seats go within seven days of the purchase (Buy or remove licenses, 2024)."""


class Term(Struct, frozen=True, kw_only=True):
    """When the seats of a product can be given back."""

    just_bought: bool
    """Whether a subscription of it is at most seven days old: so long Microsoft's own agreement takes seats back."""
    ends: str | None
    """The next date of its subscriptions, as a day; None where none is known."""


def terms_of(facts: TenantFacts) -> dict[str, Term]:
    """Return for each product when its seats can go, by its subscriptions that are paid and alive."""
    terms: dict[str, Term] = {}
    for row in facts.subscriptions:
        sku_id, bought, ends = (row["skuId"] or "").lower(), row["createdDateTime"], row["nextLifecycleDateTime"]
        if not sku_id or row["isTrial"] or (row["status"] or "").casefold() not in _ALIVE:
            continue
        recent = bought is not None and facts.as_of - WINDOW <= bought <= facts.as_of
        day = None if ends is None else ends.date().isoformat()
        term = terms.get(sku_id, Term(just_bought=False, ends=None))
        days = [end for end in (term.ends, day) if end is not None]
        terms[sku_id] = Term(just_bought=term.just_bought or recent, ends=min(days, default=None))
    return terms


def day_of(moment: datetime) -> date:
    """Return the day of an instant, in UTC."""
    return (moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)).date()


def totals(tenant: TenantResult, sku_id: str) -> tuple[int, int] | None:
    """Return how many paid subscriptions a product has and how many seats they have; None where one is not known."""
    wanted = sku_id.casefold()
    own = [each for each in tenant.subscriptions if each.sku_id.casefold() == wanted]
    paid = [each for each in own if each.is_trial is not True and each.status in {"Enabled", "Warning"}]
    seats = [each.total_licenses for each in paid]
    return None if not paid or None in seats else (len(paid), sum(count for count in seats if count is not None))


def renewal_days(tenant: TenantResult, today: date) -> dict[str, date]:
    """Return the next day, not past, on which a paid subscription of each product renews, by skuId in lower case."""
    days: dict[str, date] = {}
    for each in tenant.subscriptions:
        day = day_of(each.next_lifecycle_date_time)
        if day >= today and not each.is_trial and (each.status or "").casefold() in _ALIVE:
            days[each.sku_id.casefold()] = min(day, days.get(each.sku_id.casefold(), day))
    return days


def total(l10n: Localizer, product: str, *, now: int, then: int, subscriptions: int) -> str:
    """Say which total number of seats is to be entered or ordered."""
    amounts = {"now": number_label(l10n, now), "then": number_label(l10n, then)}
    if subscriptions == 1:
        form = l10n.gettext("{product} has {now} seats today; the new total is {then}.")
        return form.format(product=product, **amounts)
    form = l10n.gettext(
        "The {subscriptions} subscriptions of {product} have {now} seats together today; the new total is {then}."
    )
    return form.format(subscriptions=subscriptions, product=product, **amounts)


def seats_resolved(l10n: Localizer, product: str) -> str:
    """Say that an action about people also brings the seats of a product inside their limits."""
    return l10n.gettext(
        "Once this and the other actions about {product} are done, no seats of it have to be bought or removed: run "
        "the audit again."
    ).format(product=product)


def covered_elsewhere(l10n: Localizer, count: int) -> str:
    """Say that a larger product, which another action buys, counts for the same people."""
    return l10n.ngettext(
        "{count} of these seats comes with a larger product that another action buys; it is not counted twice.",
        "{count} of these seats come with larger products that other actions buy; they are not counted twice.",
        count,
    ).format(count=number_label(l10n, count))
