"""Small tenants with products given by id, and their plans."""

from typing import Any

from auditor.app.plan.planner import plan_run
from auditor.catalogue import builtin
from auditor.domain.enums import Source, SourceStatus
from auditor.remedy.planner.model import FleetPlan, TenantPlan
from auditor.snapshot.model import Snapshot
from tests.builders.tenant.tenants import NOW, bought, path, person, policy_set, sku_id, tenant

PARTS = {sku_id(part): part for part in ("SPE_E3", "SPE_E5", "SPE_F1", "VISIOCLIENT")}
E3, E5, F3, VISIO = PARTS
CLOUD_GROUP: dict[str, Any] = {"groupTypes": [], "mailEnabled": False, "securityEnabled": True}
"""The properties of a group whose members requests can change."""
PRICES = "prices: {currency: EUR, perSeatPerMonth: {SPE_E3: 35.70, SPE_E5: 54.75, SPE_F1: 7.50}}"

LEAVERS = """policies:
  - id: leavers
    severity: high
    users: {accountEnabled: false}
    assignments: {of: paid, allow: []}
"""
STORE = """policies:
  - id: store
    severity: high
    users: {department: Store}
    assignments: {of: [SPE_E3, SPE_E5, SPE_F1], allow: [SPE_F1], require: [SPE_F1]}
"""


def grant(sku: str, group: str | None = None, *, error: str | None = None, off: tuple[str, ...] = ()) -> dict[str, Any]:
    failed = {"state": "Error", "error": error} if error else {}
    return path(PARTS[sku], group, off=off, **failed)


def user(name: str, *grants: dict[str, Any], **facts: Any) -> dict[str, Any]:
    held = {row["skuId"]: row["disabledPlans"] for row in grants if row["state"] == "Active"}
    licences = [{"skuId": sku, "disabledPlans": off} for sku, off in held.items()]
    return person(name, **{"paths": grants, "assignedLicenses": licences, **facts})


def group(name: str, *skus: str, identifier: str = "g1", **facts: Any) -> dict[str, Any]:
    """Return a processed group that assigns these products."""
    return {
        "id": identifier,
        "displayName": name,
        "assignedLicenses": [{"skuId": sku, "disabledPlans": []} for sku in skus],
        "licenseProcessingState": {"state": "ProcessingComplete"},
        **facts,
    }


def snapshot(
    users: list[dict[str, Any]],
    seats: dict[str, int],
    *,
    name: str = "contoso",
    statuses: dict[Source, SourceStatus] | None = None,
    **more: Any,
) -> Snapshot:
    """Return a tenant of these users, with the consumed units counted from their licences."""
    held = [row["skuId"] for item in users for row in item["assignedLicenses"]]
    skus = [bought(PARTS[sku], enabled, held.count(sku)) for sku, enabled in seats.items()]
    organization = [{"id": "1" * 8, "displayName": name}]
    return tenant(
        *users, name=name, tenant_id=f"tenant-{name}", unread=statuses,
        **{"subscribedSkus": skus, "organization": organization, **more},
    )  # fmt: skip


def planned(state: Snapshot, text: str, *, solver: str | None = None) -> TenantPlan:
    return fleet([state], text, solver=solver).tenants[0]


def fleet(states: list[Snapshot], text: str, *, solver: str | None = None) -> FleetPlan:
    return plan_run(states, policy_set(text), builtin(), NOW, solver=solver)


def bodies(plan: TenantPlan) -> list[tuple[str, list[str], list[str]]]:
    """Return (path, products added, products removed) of every assignLicense request, in order."""
    return [
        (
            str(request["path"]),
            [PARTS[row["skuId"]] for row in request["body"]["addLicenses"]],
            [PARTS[sku] for sku in request["body"]["removeLicenses"]],
        )
        for action in plan.actions
        for request in action.requests
        if request["path"].endswith("assignLicense")
    ]
