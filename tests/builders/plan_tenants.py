"""Small tenants in Graph's shape, and the plan that is made for them."""

from datetime import UTC, datetime
from typing import Any

from auditor.app.plan.planner import plan_run
from auditor.catalogue import builtin
from auditor.domain.data_needs import EVERYTHING_ABOUT_USERS
from auditor.domain.enums import Agreement, Cloud, Source, SourceStatus
from auditor.domain.policy import PolicySet
from auditor.domain.result import Coverage
from auditor.policy.loader import load
from auditor.remedy.planner.model import FleetPlan, TenantPlan
from auditor.snapshot.from_graph import snapshot_of
from auditor.snapshot.model import Manifest, Snapshot

AS_OF = datetime(2026, 11, 20, 2, 17, tzinfo=UTC)
E3, E5, F3 = (
    "05e9a617-0261-4cee-bb44-138d3ef5d965",
    "06ebc4ee-1bb5-47dd-8120-11324bc54e06",
    "66b55226-6b4f-492c-910c-a3b7a3c9d993",
)
VISIO = "c5928f49-12ba-48f7-ada3-0d743a3601d5"
PARTS = {E3: "SPE_E3", E5: "SPE_E5", F3: "SPE_F1", VISIO: "VISIOCLIENT"}
PRICES = "prices: {currency: EUR, perSeatPerMonth: {SPE_E3: 35.70, SPE_E5: 54.75, SPE_F1: 7.50}}"
GROUPS_ASKED = ("assignedLicenses", "displayName", "hasMembersWithLicenseErrors", "id", "licenseProcessingState")


def grant(sku: str, group: str | None = None, *, error: str | None = None, off: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "skuId": sku,
        "assignedByGroup": group,
        "state": "Error" if error else "Active",
        "error": error or "None",
        "disabledPlans": list(off),
    }


def user(name: str, *grants: dict[str, Any], **facts: Any) -> dict[str, Any]:
    held = {row["skuId"]: row for row in grants if row["state"] == "Active"}
    return {
        "id": name,
        "userPrincipalName": f"{name}@contoso.example",
        "displayName": name.title(),
        "accountEnabled": True,
        "userType": "Member",
        "usageLocation": "NL",
        "licenseAssignmentStates": list(grants),
        "assignedLicenses": [{"skuId": sku, "disabledPlans": row["disabledPlans"]} for sku, row in held.items()],
    } | facts


def sku(sku_id: str, enabled: int, consumed: int) -> dict[str, Any]:
    product = builtin().product(sku_id)
    assert product is not None
    return {
        "skuId": sku_id,
        "skuPartNumber": PARTS[sku_id],
        "appliesTo": "User",
        "capabilityStatus": "Enabled",
        "prepaidUnits": {"enabled": enabled, "warning": 0, "suspended": 0, "lockedOut": 0},
        "consumedUnits": consumed,
        "servicePlans": [{"servicePlanId": plan.id, "servicePlanName": plan.name} for plan in product.plans],
    }


def snapshot(
    users: list[dict[str, Any]],
    seats: dict[str, int],
    *,
    groups: list[dict[str, Any]] | None = None,
    name: str = "contoso",
    statuses: dict[Source, SourceStatus] | None = None,
    asked: tuple[str, ...] = EVERYTHING_ABOUT_USERS,
    agreement: Agreement = Agreement.MCA,
    subscriptions: list[dict[str, Any]] | None = None,
) -> Snapshot:
    held = [row["skuId"] for person in users for row in person["assignedLicenses"]]
    state = {
        "users": users,
        "subscribedSkus": [sku(sku_id, enabled, held.count(sku_id)) for sku_id, enabled in seats.items()],
        "groups": groups or [],
        "subscriptions": subscriptions or [],
        "organization": [{"id": "1" * 8, "displayName": name}],
    }
    asks = {Source.USERS: asked, Source.GROUPS: GROUPS_ASKED}
    manifest = Manifest(
        tenant=name,
        tenant_id=f"tenant-{name}",
        cloud=Cloud.WORLDWIDE,
        agreement=agreement,
        instant=AS_OF,
        sources=tuple(
            Coverage(
                name=source, status=(statuses or {}).get(source, SourceStatus.COMPLETE), asked=asks.get(source, ())
            )
            for source in Source
        ),
    )
    return snapshot_of(state, manifest)


def policies(text: str) -> PolicySet:
    return load([("policies.yaml", f"version: 1\n{text}\n".encode())]).policies


def planned(state: Snapshot, text: str, *, solver: str | None = None) -> TenantPlan:
    return fleet([state], text, solver=solver).tenants[0]


def fleet(states: list[Snapshot], text: str, *, solver: str | None = None) -> FleetPlan:
    return plan_run(states, policies(text), builtin(), AS_OF, solver=solver)


def bodies(plan: TenantPlan) -> list[tuple[str, list[str], list[str]]]:
    """(path, products added, products removed) of every assignLicense request, in order."""
    return [
        (
            str(request["path"]),
            [PARTS[row["skuId"]] for row in request["body"]["addLicenses"]],
            [PARTS[sku_id] for sku_id in request["body"]["removeLicenses"]],
        )
        for action in plan.actions
        for request in action.requests
        if request["path"].endswith("assignLicense")
    ]
