"""A snapshot as a tenant of the emulator: what was collected once can be collected again."""

from typing import Any

from auditor.domain.policy.selector import GRAPH_PROPERTIES, NESTED_PROPERTIES, TEXT_PROPERTIES
from auditor.snapshot.model import Snapshot
from auditor.snapshot.schema import SIGN_IN_COLUMNS

PREPAID = ("enabled", "warning", "suspended", "lockedOut")


def served(snapshot: Snapshot) -> dict[str, Any]:
    """Return the emulator's JSON document of the tenant."""
    users = [row for batch in snapshot.batches() for row in batch.users.to_pylist()]
    links = [row for batch in snapshot.batches() for row in batch.assignments.to_pylist()]
    plans: dict[str, list[dict[str, Any]]] = {}
    for row in snapshot.table("service_plans").to_pylist():
        plans.setdefault(row.pop("skuId"), []).append(row)
    return {
        "name": snapshot.manifest.tenant,
        "tenantId": snapshot.manifest.tenant_id,
        "users": [_user(row, [link for link in links if link["user"] == number]) for number, row in enumerate(users)],
        "subscribedSkus": [_sku(row, plans.get(row["skuId"], [])) for row in snapshot.table("products").to_pylist()],
        "subscriptions": [_dated(row) for row in snapshot.table("subscriptions").to_pylist()],
        "groups": [_group(row, snapshot, links) for row in snapshot.table("groups").to_pylist()],
    }


def _user(row: dict[str, Any], links: list[dict[str, Any]]) -> dict[str, Any]:
    document = {name: row[name] for name in TEXT_PROPERTIES if name in row and name not in GRAPH_PROPERTIES}
    document |= {outer: {name: row.get(name) for name in names} for outer, names in NESTED_PROPERTIES.items()}
    document.pop("mailboxType", None)
    activity = {name: _text(row[name]) for name in SIGN_IN_COLUMNS if row.get(name) is not None}
    held = {link["skuId"]: link["disabledPlans"] or [] for link in links if link["held"]}
    document |= {
        "accountEnabled": row["accountEnabled"],
        "onPremisesSyncEnabled": row["onPremisesSyncEnabled"],
        "createdDateTime": _text(row["createdDateTime"]),
        "assignedLicenses": [{"skuId": sku, "disabledPlans": off} for sku, off in held.items()],
        "licenseAssignmentStates": [
            {
                "skuId": link["skuId"],
                "assignedByGroup": link["assignedByGroup"],
                "disabledPlans": link["pathDisabledPlans"] or [],
                "state": link["state"],
                "error": link["error"] or "None",
                "lastUpdatedDateTime": _text(link["lastUpdatedDateTime"]),
            }
            for link in links
        ],
    }
    if activity:
        document["signInActivity"] = activity
    if row["mailboxType"] is not None:
        document["mailboxSettings"] = {"userPurpose": row["mailboxType"]}
    return document


def _sku(row: dict[str, Any], plans: list[dict[str, Any]]) -> dict[str, Any]:
    kept = {name: row[name] for name in ("skuId", "skuPartNumber", "appliesTo", "capabilityStatus", "subscriptionIds")}
    units = {name: row[name] for name in PREPAID}
    return kept | {"prepaidUnits": units, "consumedUnits": row["consumed"], "servicePlans": plans}


_KIND = (
    *("groupTypes", "membershipRule", "membershipRuleProcessingState", "onPremisesSyncEnabled"),
    *("isAssignableToRole", "mailEnabled", "securityEnabled", "visibility"),
)


def _group(row: dict[str, Any], snapshot: Snapshot, links: list[dict[str, Any]]) -> dict[str, Any]:
    members = snapshot.table("members").to_pylist()
    off = {link["skuId"]: link["pathDisabledPlans"] or [] for link in links if link["assignedByGroup"] == row["id"]}
    return {
        **{name: row[name] for name in _KIND if row[name] is not None},
        "id": row["id"],
        "displayName": row["displayName"],
        "assignedLicenses": [{"skuId": sku, "disabledPlans": off.get(sku, [])} for sku in row["assignedLicenses"]],
        "licenseProcessingState": {"state": row["licenseProcessingState"]},
        "members": [
            member["userId"] for member in members if member["groupId"] == row["id"] and not member["transitive"]
        ],
    }


def _dated(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _text(value) if hasattr(value, "isoformat") else value for name, value in row.items()}


def _text(value: Any) -> str | None:
    return None if value is None else value.isoformat().replace("+00:00", "Z")
