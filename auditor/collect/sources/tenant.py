"""Reads the small sources of a tenant into tables: its organization, products and subscriptions."""

from typing import Any, Final

import pyarrow as pa

from auditor.collect.context import CollectionContext
from auditor.collect.permissions import Permission
from auditor.collect.sources.model import CollectionSource, SourceResult
from auditor.domain.enums import Source
from auditor.domain.message import Count, Message
from auditor.graph import requests
from auditor.graph.auth.token_claims import check_tenant_id
from auditor.graph.response_body import Rows
from auditor.snapshot import schema
from auditor.snapshot.from_graph import has_invalid_seats, product_row, stored_text, subscription_row

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


async def _read_organization(context: CollectionContext) -> SourceResult:
    """Read the tenant's name and id. Raises GraphError if it is not the tenant of the tenants file."""
    rows, faults = await context.all_rows(Source.ORGANIZATION, requests.organization(context.graph, _ORGANIZATION))
    for row in rows:
        check_tenant_id(str(row["id"]), context.graph.tenant.tenant_id)
    table = pa.Table.from_pylist(
        [{name: stored_text(row.get(name)) for name in schema.ORGANIZATION.names} for row in rows], schema.ORGANIZATION
    )
    coverage = context.make_coverage(Source.ORGANIZATION, len(rows), faults, asked=_ORGANIZATION)
    return SourceResult(coverage=(coverage,), tables={"organization": table})


async def _read_products(context: CollectionContext) -> SourceResult:
    """Read the subscribed SKUs and the service plans in them."""
    rows, faults = await context.all_rows(
        Source.SUBSCRIBED_SKUS, requests.subscribed_skus(context.graph, _SKU), key="skuId"
    )
    invalid = sum(map(has_invalid_seats, rows))
    tables = {
        "products": pa.Table.from_pylist([_with_lower_ids(product_row(row)) for row in rows], schema.PRODUCTS),
        "service_plans": _service_plans(rows),
    }
    shortfall = Message("products with invalid numbers of seats: {odd}", odd=Count(invalid)) if invalid else None
    coverage = context.make_coverage(Source.SUBSCRIBED_SKUS, len(rows), faults, asked=_SKU, shortfall=shortfall)
    return SourceResult(coverage=(coverage,), tables=tables)


async def _read_subscriptions(context: CollectionContext) -> SourceResult:
    """Read the purchases behind the SKUs."""
    rows, faults = await context.all_rows(Source.SUBSCRIPTIONS, requests.subscriptions(context.graph))
    subscriptions, invalid = [], 0
    for row in rows:
        try:
            subscriptions.append(_with_lower_ids(subscription_row(row)))
        except (ValueError, OverflowError):
            invalid += 1
    table = pa.Table.from_pylist(subscriptions, schema.SUBSCRIPTIONS)
    shortfall = Message("subscriptions with invalid dates: {odd}", odd=Count(invalid)) if invalid else None
    coverage = context.make_coverage(
        Source.SUBSCRIPTIONS, len(subscriptions), faults, asked=tuple(schema.SUBSCRIPTIONS.names), shortfall=shortfall
    )
    return SourceResult(coverage=(coverage,), tables={"subscriptions": table})


READ_ORGANIZATION: Final = Permission(
    name="Organization.Read.All",
    role_id="498476ce-e0fe-48b0-b801-37ba7e2685c6",
    included_in=("Directory.Read.All", "Organization.ReadWrite.All", "Directory.ReadWrite.All"),
)
READ_LICENSES: Final = Permission(
    name="LicenseAssignment.Read.All",
    role_id="e2f98668-2877-4f38-a2f4-8202e0717aa1",
    included_in=(
        "Organization.Read.All",
        "Directory.Read.All",
        "LicenseAssignment.ReadWrite.All",
        "Organization.ReadWrite.All",
        "Directory.ReadWrite.All",
    ),
)
SUBSCRIBED_SKUS: Final = CollectionSource(
    fills=(Source.SUBSCRIBED_SKUS,), permissions=(READ_LICENSES,), read=_read_products
)
ORGANIZATION: Final = CollectionSource(
    fills=(Source.ORGANIZATION,), permissions=(READ_ORGANIZATION,), read=_read_organization
)
SUBSCRIPTIONS: Final = CollectionSource(
    fills=(Source.SUBSCRIPTIONS,), permissions=(READ_ORGANIZATION,), read=_read_subscriptions
)


def _with_lower_ids(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with lower-case ids of subscriptions: fingerprints contain them, and Graph writes both cases."""
    if "id" in row:
        return row | {"id": str(row["id"]).lower()}
    return row | {"subscriptionIds": [text.lower() for text in row["subscriptionIds"]]}


def _service_plans(rows: Rows) -> pa.Table:
    """Return the service plans of all SKUs, built by column: hundreds of objects would take most of the time.

    A SKU with a plan that cannot be read has none here, because a list with gaps would look complete.
    """
    skus: list[str] = []
    service_plans: list[dict[str, Any]] = []
    for row in rows:
        plans = row.get("servicePlans")
        if isinstance(plans, list) and all(map(_is_readable_plan, plans)):
            service_plans += plans
            skus += [row["skuId"].lower()] * len(plans)
    columns = {"skuId": skus, "servicePlanId": [plan["servicePlanId"].lower() for plan in service_plans]}
    for name in ("servicePlanName", "provisioningStatus", "appliesTo"):
        columns[name] = [plan.get(name) for plan in service_plans]
    return pa.Table.from_arrays(
        [_texts(columns[name]) for name in schema.SERVICE_PLANS.names], schema=schema.SERVICE_PLANS
    )


def _is_readable_plan(plan: Any) -> bool:
    return isinstance(plan, dict) and all(
        isinstance(plan.get(name), str) for name in ("servicePlanId", "servicePlanName")
    )


def _texts(values: list[Any]) -> pa.Array:
    """Return a text column; a value that is not text becomes null."""
    try:
        return pa.array(values, pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([stored_text(value) for value in values], pa.string())
