"""The small sources of a tenant (its name, its products, its subscriptions) into tables."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from auditor.collect.context import CollectionContext
from auditor.collect.json_pages import Rows
from auditor.domain.enums import Source
from auditor.domain.errors import GraphError
from auditor.domain.message import Message
from auditor.domain.result import Coverage
from auditor.graph import requests
from auditor.snapshot.from_graph import product_row, subscription_row
from auditor.snapshot.schema import ORGANIZATION, PRODUCTS, SERVICE_PLANS, SUBSCRIPTIONS

_SKU = (
    "appliesTo",
    "capabilityStatus",
    "consumedUnits",
    "prepaidUnits",
    "servicePlans",
    "skuId",
    "skuPartNumber",
    "subscriptionIds",
)
_ORGANIZATION = ("countryLetterCode", "defaultUsageLocation", "displayName", "id", "preferredLanguage", "tenantType")
_NUMBERS = ("enabled", "warning", "suspended", "lockedOut")

Tables = Mapping[str, pa.Table]


async def organization(reading: CollectionContext) -> tuple[Coverage, Tables]:
    """Read who the tenant is. Raises GraphError where it is another than the tenants file says."""
    rows, fault = await reading.all_rows(Source.ORGANIZATION, requests.organization(reading.graph, _ORGANIZATION))
    wanted = reading.graph.tenant.tenant_id
    for row in rows:
        if str(row["id"]).lower() != wanted:
            raise GraphError(
                "graph-wrong-tenant",
                Message(
                    "{tenant}: the credential is for the tenant {row}, not for {wanted}",
                    tenant=reading.tenant,
                    row=str(row["id"])[:40],
                    wanted=wanted,
                ),
                hint=Message("correct tenantId in the tenants file, or sign in to the right tenant"),
            )
    table = pa.Table.from_pylist(
        [{name: _text(row.get(name)) for name in ORGANIZATION.names} for row in rows], ORGANIZATION
    )
    faults = [] if fault is None else [fault]
    return reading.covered(Source.ORGANIZATION, len(rows), faults, asked=_ORGANIZATION), {"organization": table}


async def products(reading: CollectionContext) -> tuple[Coverage, Tables]:
    """Read the subscribed SKUs and the service plans in them."""
    rows, fault = await reading.all_rows(
        Source.SUBSCRIBED_SKUS, requests.subscribed_skus(reading.graph, _SKU), key="skuId"
    )
    kept = [_sku(row) for row in rows]
    odd = sum(row["odd"] for row in kept)
    tables = {
        "products": pa.Table.from_pylist([product_row(row) for row in kept], PRODUCTS),
        "service_plans": _service_plans(rows),
    }
    shortfall = Message("products whose numbers of seats are no numbers: {odd}", odd=odd) if odd else None
    faults = [] if fault is None else [fault]
    coverage = reading.covered(Source.SUBSCRIBED_SKUS, len(rows), faults, asked=_SKU, shortfall=shortfall)
    return coverage, tables


async def subscriptions(reading: CollectionContext) -> tuple[Coverage, Tables]:
    """Read the purchases behind the SKUs."""
    rows, fault = await reading.all_rows(Source.SUBSCRIPTIONS, requests.subscriptions(reading.graph))
    kept, odd = [], 0
    for row in rows:
        try:
            kept.append(subscription_row(_subscription(row)))
        except (ValueError, OverflowError):
            odd += 1
    table = pa.Table.from_pylist(kept, SUBSCRIPTIONS)
    shortfall = Message("subscriptions whose dates are no dates: {odd}", odd=odd) if odd else None
    faults = [] if fault is None else [fault]
    coverage = reading.covered(
        Source.SUBSCRIPTIONS, len(kept), faults, asked=tuple(SUBSCRIPTIONS.names), shortfall=shortfall
    )
    return coverage, {"subscriptions": table}


def _sku(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a SKU with nothing in it but Graph's types; a number that is none becomes unknown."""
    units = row.get("prepaidUnits")
    units = units if isinstance(units, dict) else {}
    ids = row.get("subscriptionIds")
    return {
        "skuId": _text(row["skuId"]),
        **{name: _text(row.get(name)) for name in ("skuPartNumber", "appliesTo", "capabilityStatus")},
        "prepaidUnits": {name: _whole(units.get(name)) for name in _NUMBERS},
        "consumedUnits": _whole(row.get("consumedUnits")),
        "subscriptionIds": [item.lower() for item in (ids if isinstance(ids, list) else []) if isinstance(item, str)],
        "odd": any(
            value is not None and _whole(value) is None
            for value in (row.get("consumedUnits"), *(units.get(name) for name in _NUMBERS))
        ),
    }


def _service_plans(rows: Rows) -> pa.Table:
    """Return the plans of all SKUs, column by column: there are hundreds, and an object for each would cost most."""
    skus: list[str] = []
    found: list[dict[str, Any]] = []
    for row in rows:
        plans = row.get("servicePlans")
        if isinstance(plans, list):
            identified = [
                plan for plan in plans if isinstance(plan, dict) and isinstance(plan.get("servicePlanId"), str)
            ]
            found += identified
            skus += [row["skuId"].lower()] * len(identified)
    columns = {"skuId": skus, "servicePlanId": [plan["servicePlanId"].lower() for plan in found]}
    for name in ("servicePlanName", "provisioningStatus", "appliesTo"):
        columns[name] = [plan.get(name) for plan in found]
    return pa.Table.from_arrays([_texts(columns[name]) for name in SERVICE_PLANS.names], schema=SERVICE_PLANS)


def _texts(values: list[Any]) -> pa.Array:
    """Return a column of texts; what is no text is unknown."""
    try:
        return pa.array(values, pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([_text(value) for value in values], pa.string())


def _subscription(row: Mapping[str, Any]) -> dict[str, Any]:
    trial = row.get("isTrial")
    return {
        **{name: _text(row.get(name)) for name in SUBSCRIPTIONS.names},
        # A finding is known again by this id, and Graph writes ids in either letter case.
        "id": str(row["id"]).lower(),
        "isTrial": trial if isinstance(trial, bool) else None,
        "totalLicenses": _whole(row.get("totalLicenses")),
    }


def _text(value: Any) -> str | None:
    if not isinstance(value, str):
        return None
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def _whole(value: Any) -> int | None:
    """Return a number of seats; a negative one is Graph's to explain and is kept."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # some services write whole numbers so
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 53 else None
