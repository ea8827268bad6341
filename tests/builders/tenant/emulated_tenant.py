"""The document of a tenant that the emulator serves, with products given by id, and its people and groups."""

from typing import Any

from tests.builders.tenant import plan_tenants
from tests.builders.tenant.plan_tenants import E3, E5, F3, PARTS, VISIO
from tests.emulator.tenant.directory import stable_id


def user(name: str, *grants: dict[str, Any], **facts: Any) -> dict[str, Any]:
    return plan_tenants.user(name, *grants, **facts) | {"id": stable_id("plan", name)}


def group(name: str, *skus: str, members: tuple[str, ...] = (), **kind: Any) -> dict[str, Any]:
    addresses = [f"{member}@contoso.example" for member in members]
    return plan_tenants.group(name, *skus, identifier=stable_id("plan", name), members=addresses, **kind)


def document(people: list[dict[str, Any]], *groups: dict[str, Any], **seats: int) -> dict[str, Any]:
    """Return a tenant with nine seats of every product for which `seats` has no other number, by skuPartNumber."""
    enabled = {E3: 9, E5: 9, F3: 9, VISIO: 9} | {sku: seats[part] for sku, part in PARTS.items() if part in seats}
    return {
        "name": "contoso",
        "tenantId": stable_id("plan", "contoso"),
        "users": people,
        "subscribedSkus": [{"skuPartNumber": PARTS[sku], "enabled": count} for sku, count in enabled.items()],
        "groups": list(groups),
    }
