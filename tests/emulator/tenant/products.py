"""Builds subscribed SKUs in Graph's form from part numbers."""

import json
from functools import cache
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

COMPANY_PLANS = frozenset({"EXCHANGE_S_FOUNDATION", "ADALLOM_S_O365", "MIP_S_CLP1", "MIP_S_CLP2", "SHAREPOINTSTORAGE"})
COMPANY_SKUS = frozenset({"SHAREPOINTSTORAGE"})


@cache
def _table() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((Path(__file__).parent / "products.json").read_text(encoding="utf-8"))
    return loaded


def sku_id(part_number: str) -> str:
    """Return Microsoft's skuId of a known part number, otherwise an identifier derived from the name."""
    row = _table()["skus"].get(part_number)
    return str(row["skuId"]) if row else str(uuid5(NAMESPACE_URL, f"sku:{part_number}"))


def service_plans(part_number: str) -> list[dict[str, Any]]:
    """Return the service plans of a SKU as in `subscribedSkus`."""
    table = _table()
    row = table["skus"].get(part_number)
    names = row["plans"] if row else [part_number]
    return [
        {
            "servicePlanId": table["plans"].get(name) or str(uuid5(NAMESPACE_URL, f"plan:{name}")),
            "servicePlanName": name,
            "provisioningStatus": "Success",
            "appliesTo": "Company" if name in COMPANY_PLANS else "User",
        }
        for name in names
    ]


def sku(part_number: str, *, enabled: int = 0, warning: int = 0, suspended: int = 0, **more: Any) -> dict[str, Any]:
    """Return a row of `subscribedSkus` without the keys that the tenant adds (id, account, consumedUnits)."""
    status = "Enabled" if enabled or warning else ("Suspended" if suspended else "Deleted")
    return {
        "skuId": sku_id(part_number),
        "skuPartNumber": part_number,
        "appliesTo": "Company" if part_number in COMPANY_SKUS else "User",
        "capabilityStatus": status,
        "prepaidUnits": {"enabled": enabled, "suspended": suspended, "warning": warning, "lockedOut": 0},
        "servicePlans": service_plans(part_number),
    } | more
