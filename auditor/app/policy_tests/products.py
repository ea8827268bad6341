"""The products of policy tests: those that a test lists, and those of the catalogue to which it refers."""

from collections.abc import Iterable, Mapping
from typing import Any, Self

from msgspec import Struct, field

from auditor.app.policy_tests.groups import fixture_id
from auditor.catalogue import Catalogue, Product


class Products(Struct):
    """The products of a test: those that it lists, and those of the catalogue that it refers to."""

    catalogue: Catalogue
    owned: dict[str, dict[str, Any]] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, description: Mapping[str, Any], catalogue: Catalogue) -> Self:
        """Return the products of the description of a tenant."""
        products = cls(catalogue=catalogue)
        for item in description.get("products", ()):
            products.add(item)
        return products

    def add(self, item: Mapping[str, Any]) -> None:
        """Add a product that the tenant owns."""
        name, product = _named(item), product_of(item, self.catalogue)
        sku_id = listed_id(item, self.catalogue)
        part_number = item.get("skuPartNumber") or (product.part_number if product else name)
        plans = item.get("servicePlans")
        self.ids[str(part_number).casefold()] = self.ids[sku_id] = sku_id
        self.owned[sku_id] = {
            "skuId": sku_id,
            "skuPartNumber": part_number,
            "appliesTo": item.get("appliesTo", "User"),
            "capabilityStatus": item.get("capabilityStatus", "Enabled"),
            "prepaidUnits": {key: item.get(key, 0) for key in ("enabled", "warning", "suspended", "lockedOut")},
            "consumedUnits": item.get("consumed", ...),
            "servicePlans": [self._plan(plan) for plan in plans]
            if plans is not None
            else [
                {"servicePlanId": plan.id, "servicePlanName": plan.name} for plan in (product.plans if product else ())
            ],
        }

    def knows(self, name: str) -> bool:
        """Return whether the test or the catalogue has a product of this name."""
        return name.casefold() in self.ids or catalogue_product(name, self.catalogue) is not None

    def sku_id(self, name: str) -> str:
        """Return the skuId of a product to which a user, group or subscription refers."""
        sku_id = self.ids.get(name.casefold())
        if sku_id is None:
            product = catalogue_product(name, self.catalogue)
            sku_id = self.ids[name.casefold()] = product.sku_id if product else _derived_id(name)
        return sku_id

    def plan_id(self, name: str) -> str:
        """Return the id of a service plan that an assignment disables."""
        return str(self._plan(name)["servicePlanId"])

    def subscribed_skus(
        self, users: Iterable[Mapping[str, Any]], subscriptions: Iterable[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        """Return the tenant's subscribedSkus; seats in use are the assigned users, unless the test specifies them."""
        holders: dict[str, int] = {}
        for user in users:
            for sku_id in {item["skuId"] for item in user["assignedLicenses"]}:
                holders[sku_id] = holders.get(sku_id, 0) + 1
        subscription_ids: dict[str, list[str]] = {}
        for item in subscriptions:
            subscription_ids.setdefault(item["skuId"], []).append(item["id"])
        return [
            {
                **sku,
                "consumedUnits": holders.get(sku_id, 0) if sku["consumedUnits"] is ... else sku["consumedUnits"],
                "subscriptionIds": subscription_ids.get(sku_id, []),
            }
            for sku_id, sku in self.owned.items()
        ]

    def _plan(self, name: str) -> dict[str, str]:
        plans = self.catalogue.plan(name)
        if plans:
            return {"servicePlanId": plans[0].id, "servicePlanName": plans[0].name}
        return {"servicePlanId": fixture_id("plan", name.casefold()), "servicePlanName": name}


def listed_id(item: Mapping[str, Any], catalogue: Catalogue) -> str:
    """Return the skuId of a product that a test lists: its own, that of the catalogue, or one derived from its name."""
    product = product_of(item, catalogue)
    return str(item.get("skuId") or (product.sku_id if product else _derived_id(_named(item)))).lower()


def product_of(item: Mapping[str, Any], catalogue: Catalogue) -> Product | None:
    """Return the product of the catalogue that a test lists; None if the catalogue does not have it."""
    return catalogue_product(str(item.get("skuId") or _named(item)), catalogue)


def catalogue_product(name: str, catalogue: Catalogue) -> Product | None:
    """Return the product of the catalogue with a part number or skuId; of several, the one with the smallest skuId."""
    return next(iter(catalogue.named(name)), None)


def _named(item: Mapping[str, Any]) -> str:
    return str(item.get("skuPartNumber") or item["skuId"])


def _derived_id(name: str) -> str:
    return fixture_id("sku", name.casefold())
