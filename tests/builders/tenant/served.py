"""Converts a snapshot to a tenant of the emulator, so that it can be collected again."""

from typing import Any

from auditor.domain.policy.selector import GRAPH_PROPERTIES, NESTED_PROPERTIES, TEXT_PROPERTIES
from auditor.snapshot.model import Snapshot
from auditor.snapshot.schema import ACTIVITY_COLUMNS, APPS, PLATFORMS, ROLE_ASSIGNMENT_LISTS, SIGN_IN_COLUMNS, app_bits

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
        "subscriptions": [_with_text_dates(row) for row in snapshot.table("subscriptions").to_pylist()],
        "groups": [_group(row, snapshot, links) for row in snapshot.table("groups").to_pylist()],
        "usage": _usage(snapshot, users),
        "devices": [device for row in users for device in _devices(row)],
        **_access(snapshot),
    }


def _access(snapshot: Snapshot) -> dict[str, Any]:
    """Return directory roles, active and eligible, and Conditional Access policies."""
    roles = snapshot.table("role_assignments").to_pylist()
    return {
        "roleDefinitions": snapshot.table("role_definitions").to_pylist(),
        **{name: [row for row in roles if row["eligible"] is kind] for kind, name in ROLE_ASSIGNMENT_LISTS.items()},
        "conditionalAccessPolicies": [
            _policy(row) for row in snapshot.table("conditional_access_policies").to_pylist()
        ],
    }


def _policy(row: dict[str, Any]) -> dict[str, Any]:
    sides = ("include", "exclude")
    users = {f"{side}{kind}": row[f"{side}{kind}"] for side in sides for kind in ("Users", "Groups", "Roles")}
    for side in sides:
        if row[f"{side}GuestOrExternalUserTypes"]:
            users[f"{side}GuestsOrExternalUsers"] = {
                "guestOrExternalUserTypes": ",".join(row[f"{side}GuestOrExternalUserTypes"]),
                "externalTenants": {"membershipKind": row[f"{side}ExternalTenants"]},
            }
    risks = {name: row[name] for name in ("userRiskLevels", "signInRiskLevels")}
    return {name: row[name] for name in ("id", "displayName", "state")} | {"conditions": {"users": users, **risks}}


def _usage(snapshot: Snapshot, users: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the usage of each person in the reports; a report that was not read has no rows."""
    days = {row["refreshDate"] for row in snapshot.table("reports").to_pylist()}
    people = {row["userPrincipalName"]: _usage_row(row) for row in users}
    return {"people": people, **({"refreshed": _text(max(days))} if days else {})}


def _usage_row(row: dict[str, Any]) -> dict[str, Any]:
    unread = row["notCollected"] or ()
    used = row["appUsageD180"]
    bits = {(app, platform): app_bits((app,), (platform,)) for app in APPS for platform in PLATFORMS}
    available = {
        "getOffice365ActiveUserDetail": "usage" not in unread,
        "getMicrosoft365CopilotUsageUserDetail": "copilotUsage" not in unread,
        "getM365AppUserDetail": used is not None,
        "getMailboxUsageDetail": row["mailboxStorageUsed"] is not None,
    }
    return {
        **{service: _text(row[column]) for service, column in ACTIVITY_COLUMNS.items()},
        "apps": {app: [platform for platform in PLATFORMS if (used or 0) & bits[app, platform]] for app in APPS},
        "mailbox": {"size": row["mailboxStorageUsed"] or 0, "archive": bool(row["mailboxHasArchive"])},
        "without": [report for report, is_read in available.items() if not is_read],
    }


def _devices(row: dict[str, Any]) -> list[dict[str, Any]]:
    seen = _text(row["managedDeviceLastSyncDateTime"])
    return [
        {"id": f"{row['id']}-{number}", "userId": row["id"], "managementAgent": "mdm", "lastSyncDateTime": seen}
        for number in range(row["managedDevices"] or 0)
    ]


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
    columns = {
        name: row[name] for name in ("skuId", "skuPartNumber", "appliesTo", "capabilityStatus", "subscriptionIds")
    }
    units = {name: row[name] for name in PREPAID}
    return columns | {"prepaidUnits": units, "consumedUnits": row["consumed"], "servicePlans": plans}


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


def _with_text_dates(row: dict[str, Any]) -> dict[str, Any]:
    return {name: _text(value) if hasattr(value, "isoformat") else value for name, value in row.items()}


def _text(value: Any) -> str | None:
    return None if value is None else value.isoformat().replace("+00:00", "Z")
