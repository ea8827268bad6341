"""Purchases of the demo, converted to Graph's `subscribedSkus` and `directory/subscriptions`."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID, uuid5

from msgspec import Struct

from auditor.catalogue import builtin

NAMESPACE = UUID("6d8b0c52-3a1e-5b7f-9c40-0d5e6f7a8b91")
"""The UUID namespace of all identifiers of the demo, except Microsoft's."""

_COMPANY_PLANS = frozenset({"EXCHANGE_S_FOUNDATION", "MIP_S_CLP1", "MIP_S_CLP2", "SHAREPOINTSTORAGE"})
_SEAT_STATES = {"Enabled": "enabled", "Warning": "warning", "Suspended": "suspended", "LockedOut": "lockedOut"}


class DemoSubscription(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A subscription; days are counted from the day of the demo."""

    total: int
    ends_in: int | None
    """Days until its next lifecycle date; None if it has none."""
    status: str = "Enabled"
    trial: bool = False
    age: int = 400


class Purchase(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A product of a tenant with its subscriptions."""

    part: str
    subscriptions: tuple[DemoSubscription, ...]
    applies_to: str = "User"


def identifier(*parts: str) -> str:
    """Return a GUID derived from `parts`."""
    return str(uuid5(NAMESPACE, "/".join(parts)))


@cache
def sku_id(part: str) -> str:
    """Return Microsoft's skuId of a part number, or a derived one for a product outside the catalogue."""
    products = builtin().by_part_number(part)
    return products[0].sku_id if products else identifier("sku", part)


@cache
def plan_ids(part: str) -> Mapping[str, str]:
    """Return the service plans of a product: name → id."""
    products = builtin().by_part_number(part)
    if not products:
        return {f"{part}_PLAN": identifier("plan", part)}
    return {plan.name: plan.id for plan in products[0].plans}


def subscribed_skus(tenant: str, products: Iterable[Purchase], consumed: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return the products with their seats; `consumed` counts holders by part number."""
    rows = []
    for product in products:
        units = dict.fromkeys(("enabled", "warning", "suspended", "lockedOut"), 0)
        for subscription in product.subscriptions:
            units[_SEAT_STATES[subscription.status]] += subscription.total
        rows.append(
            {
                "skuId": sku_id(product.part),
                "skuPartNumber": product.part,
                "appliesTo": product.applies_to,
                "capabilityStatus": _status(units),
                "prepaidUnits": units,
                "consumedUnits": consumed.get(product.part, 0),
                "subscriptionIds": [_subscription_id(tenant, product, n) for n in range(len(product.subscriptions))],
                "servicePlans": [_plan(name, plan_id) for name, plan_id in plan_ids(product.part).items()],
            }
        )
    return rows


def company_subscriptions(tenant: str, products: Iterable[Purchase], day: datetime) -> list[dict[str, Any]]:
    """Return all subscriptions with their dates."""
    return [
        {
            "id": _subscription_id(tenant, product, number),
            "commerceSubscriptionId": identifier("commerce", tenant, product.part, str(number)),
            "skuId": sku_id(product.part),
            "skuPartNumber": product.part,
            "status": subscription.status,
            "isTrial": subscription.trial,
            "totalLicenses": subscription.total,
            "createdDateTime": day - timedelta(days=subscription.age),
            "nextLifecycleDateTime": None
            if subscription.ends_in is None
            else day + timedelta(days=subscription.ends_in, hours=23, minutes=59),
            "ownerTenantId": None,
        }
        for product in products
        for number, subscription in enumerate(product.subscriptions)
    ]


def _subscription_id(tenant: str, product: Purchase, number: int) -> str:
    return identifier("subscription", tenant, product.part, str(number))


def _status(units: Mapping[str, int]) -> str:
    for status, key in _SEAT_STATES.items():
        if units[key]:
            return status
    return "Deleted"


def _plan(name: str, plan_id: str) -> dict[str, Any]:
    return {
        "servicePlanId": plan_id,
        "servicePlanName": name,
        "provisioningStatus": "Success",
        "appliesTo": "Company" if name in _COMPANY_PLANS else "User",
    }
