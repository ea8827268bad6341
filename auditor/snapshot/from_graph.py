"""Converts objects as Microsoft Graph returns them to rows of a snapshot, and a tenant's state to a Snapshot in memory.

The state of a tenant is a mapping of lists: `users` (with `assignedLicenses`, `licenseAssignmentStates`,
`signInActivity`, `onPremisesExtensionAttributes` or flat `extensionAttributeN`, `employeeOrgData` or flat
`costCenter` and `division`, `mailboxType`, usage data under the names of their columns, and `notCollected` for
facts that could not be read for this user), `subscribedSkus`, `subscriptions`, `groups` (with `members` and
`transitiveMembers` as lists of user ids), `organization`, `reports` (rows of the table), `roleDefinitions`,
`roleAssignments`, `roleEligibilityScheduleInstances` and `conditionalAccessPolicies`.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import chain
from typing import Any

import pyarrow as pa

from auditor.domain.policy.selector import INSTANT_PROPERTIES, NESTED_PROPERTIES, USER_PROPERTIES
from auditor.snapshot.model import Manifest, Snapshot, in_memory
from auditor.snapshot.schema import (
    ADDED_COLUMNS,
    ASSIGNMENTS,
    ORGANIZATION,
    ROLE_ASSIGNMENT_LISTS,
    SIGN_IN_COLUMNS,
    SMALL_TABLES,
    SUBSCRIPTIONS,
    USERS,
    users_schema,
)

State = Mapping[str, Any]
_UNITS = ("enabled", "warning", "suspended", "lockedOut")
_OMITTED_UNITS = {"warning": 0, "suspended": 0}
"""What numbers of seats are if Graph does not send the state at all."""
_OTHER_COLUMNS = tuple(
    field for field in USERS if field.name not in {*USER_PROPERTIES, *SIGN_IN_COLUMNS, "notCollected"}
)
"""Columns of users that are not properties of Graph's users; a state has them under the same names."""


def snapshot_of(state: State, manifest: Manifest, *, rows: int = 1 << 30) -> Snapshot:
    """Return a snapshot of a tenant's state in batches of at most `rows` users, sorted by id."""
    users = sorted(state.get("users", ()), key=lambda user: str(user["id"]))
    skus, groups = state.get("subscribedSkus", ()), state.get("groups", ())
    rows_by_table: dict[str, Iterable[dict[str, Any]]] = {
        "products": map(product_row, skus),
        "service_plans": chain.from_iterable(map(service_plan_rows, skus)),
        "subscriptions": map(subscription_row, state.get("subscriptions", ())),
        "groups": map(group_row, groups),
        "members": chain.from_iterable(map(member_rows, groups)),
        "organization": (
            {name: item.get(name) for name in ORGANIZATION.names} for item in state.get("organization", ())
        ),
        "role_definitions": map(role_definition_row, state.get("roleDefinitions", ())),
        "role_assignments": (
            role_assignment_row(item, eligible=eligible)
            for eligible, name in ROLE_ASSIGNMENT_LISTS.items()
            for item in state.get(name, ())
        ),
        "conditional_access_policies": map(conditional_access_row, state.get("conditionalAccessPolicies", ())),
    }
    if state.get("reports"):
        rows_by_table["reports"] = state["reports"]
    tables = {name: pa.Table.from_pylist(list(items), SMALL_TABLES[name]) for name, items in rows_by_table.items()}
    user_rows = [user_row(user) for user in users]
    filled = {name for row in user_rows for name, value in row.items() if value is not None}
    filled.update(name for coverage in manifest.sources for name in coverage.asked)
    user_table = pa.Table.from_pylist(user_rows, users_schema({*USER_PROPERTIES, *filled}))
    assignment_table = pa.Table.from_pylist(
        [row for number, user in enumerate(users) for row in assignment_rows(number, user)], ASSIGNMENTS
    )
    return in_memory(manifest, tables, user_table, assignment_table, rows=rows)


def user_row(user: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a Graph user to a row of users.parquet."""
    attributes = {name: value for outer in NESTED_PROPERTIES for name, value in (user.get(outer) or {}).items()}
    activity = user.get("signInActivity") or {}
    row: dict[str, Any] = {name: user.get(name, attributes.get(name)) for name in USER_PROPERTIES}
    for name in INSTANT_PROPERTIES:
        row[name] = instant(user.get(name))
    for name in SIGN_IN_COLUMNS:
        row[name] = instant(activity.get(name))
    for column in _OTHER_COLUMNS:
        if column.name in user:
            value = user[column.name]
            row[column.name] = instant(value) if pa.types.is_timestamp(column.type) else value
    row["notCollected"] = list(user.get("notCollected") or ()) or None
    return row


def assignment_rows(number: int, user: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """Convert the licences of a Graph user to rows of assignments.parquet: one per SKU and path."""
    assigned = {str(item["skuId"]).lower(): item for item in user.get("assignedLicenses") or ()}
    without_path = dict(assigned)
    for entry in user.get("licenseAssignmentStates") or ():
        sku_id = str(entry["skuId"]).lower()
        without_path.pop(sku_id, None)
        yield {
            "user": number,
            "skuId": sku_id,
            "held": sku_id in assigned,
            "disabledPlans": _lower(assigned.get(sku_id, {}).get("disabledPlans")),
            "state": entry.get("state"),
            "assignedByGroup": entry.get("assignedByGroup"),
            "error": entry.get("error"),
            "pathDisabledPlans": _lower(entry.get("disabledPlans")),
            "lastUpdatedDateTime": instant(entry.get("lastUpdatedDateTime")),
        }
    for sku_id, item in without_path.items():
        yield {"user": number, "skuId": sku_id, "held": True, "disabledPlans": _lower(item.get("disabledPlans"))}


def product_row(sku: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a Graph subscribedSku to a row of products.parquet; values that are not of Graph's type are null."""
    units = _mapping(sku.get("prepaidUnits"))
    return {
        "skuId": str(sku["skuId"]).lower(),
        **{name: stored_text(sku.get(name)) for name in ("skuPartNumber", "appliesTo", "capabilityStatus")},
        # Some clouds leave out a state without seats; null is not 0.
        **{name: _seats(units.get(name, _OMITTED_UNITS.get(name))) for name in _UNITS},
        "consumed": _seats(sku.get("consumedUnits")),
        "subscriptionIds": _texts(sku.get("subscriptionIds")),
    }


def has_invalid_seats(sku: Mapping[str, Any]) -> bool:
    """Return whether a Graph subscribedSku has numbers of seats that `product_row` converts to null."""
    units = _mapping(sku.get("prepaidUnits"))
    numbers = (sku.get("consumedUnits"), *(units.get(name) for name in _UNITS))
    return any(number is not None and _seats(number) is None for number in numbers)


def _seats(value: Any) -> int | None:
    """Return a number of seats, which may be negative; None for anything but an integer."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # some services send integers as floats
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 53 else None


def service_plan_rows(sku: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """Convert the service plans of a Graph subscribedSku to rows of service_plans.parquet."""
    for plan in sku.get("servicePlans") or ():
        yield {
            "skuId": str(sku["skuId"]).lower(),
            "servicePlanId": str(plan["servicePlanId"]).lower(),
            "servicePlanName": plan.get("servicePlanName"),
            "provisioningStatus": plan.get("provisioningStatus"),
            "appliesTo": plan.get("appliesTo"),
        }


def subscription_row(item: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a Graph companySubscription to a row of subscriptions.parquet; other types of values are null.

    Raises ValueError or OverflowError for an invalid date.
    """
    row: dict[str, Any] = {name: stored_text(item.get(name)) for name in SUBSCRIPTIONS.names}
    trial = item.get("isTrial")
    return row | {
        "skuId": _lower_text(item.get("skuId")),
        "isTrial": trial if isinstance(trial, bool) else None,
        "totalLicenses": _seats(item.get("totalLicenses")),
        **{name: instant(item.get(name)) for name in ("createdDateTime", "nextLifecycleDateTime")},
    }


def group_row(group: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a Graph group to a row of groups.parquet."""
    return {
        "id": str(group["id"]),
        "displayName": group.get("displayName"),
        "assignedLicenses": [str(item["skuId"]).lower() for item in group.get("assignedLicenses") or ()],
        "licenseProcessingState": (group.get("licenseProcessingState") or {}).get("state"),
        "hasMembersWithLicenseErrors": group.get("hasMembersWithLicenseErrors"),
        "membersStatus": group.get("membersStatus", "complete" if "members" in group else "not-needed"),
        "transitiveMembersStatus": group.get(
            "transitiveMembersStatus", "complete" if "transitiveMembers" in group else "not-needed"
        ),
        **{name: group.get(name) for name in ADDED_COLUMNS["groups"]},
    }


def member_rows(group: Mapping[str, Any]) -> Iterable[dict[str, Any]]:
    """Convert the member lists of a group to rows of members.parquet."""
    for key, transitive in (("members", False), ("transitiveMembers", True)):
        for user_id in group.get(key) or ():
            yield {"groupId": str(group["id"]), "userId": str(user_id), "transitive": transitive}


def role_definition_row(item: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a Graph unifiedRoleDefinition to a row of role_definitions.parquet."""
    builtin = item.get("isBuiltIn")
    return {
        "id": str(item["id"]).lower(),
        "templateId": _lower_text(item.get("templateId")),
        "displayName": stored_text(item.get("displayName")),
        "isBuiltIn": builtin if isinstance(builtin, bool) else None,
    }


def role_assignment_row(item: Mapping[str, Any], *, eligible: bool) -> dict[str, Any]:
    """Convert a Graph unifiedRoleAssignment or unifiedRoleEligibilityScheduleInstance to a row of role_assignments."""
    return {
        "id": str(item["id"]),
        "principalId": str(item["principalId"]).lower(),
        "roleDefinitionId": str(item["roleDefinitionId"]).lower(),
        "directoryScopeId": stored_text(item.get("directoryScopeId")),
        "eligible": eligible,
    }


def conditional_access_row(item: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a Graph conditionalAccessPolicy to a row of conditional_access_policies.parquet."""
    conditions = _mapping(item.get("conditions"))
    users = _mapping(conditions.get("users"))
    row: dict[str, Any] = {
        "id": str(item["id"]),
        **{name: stored_text(item.get(name)) for name in ("displayName", "state")},
    }
    for side in ("include", "exclude"):
        for kind in ("Users", "Groups", "Roles"):
            names = _texts(users.get(f"{side}{kind}"))
            row[f"{side}{kind}"] = names if kind == "Users" else [name.lower() for name in names]
        guests = _mapping(users.get(f"{side}GuestsOrExternalUsers"))
        kinds = (kind.strip() for kind in (stored_text(guests.get("guestOrExternalUserTypes")) or "").split(","))
        row[f"{side}GuestOrExternalUserTypes"] = [kind for kind in kinds if kind not in {"", "none"}]
        row[f"{side}ExternalTenants"] = stored_text(_mapping(guests.get("externalTenants")).get("membershipKind"))
    for name in ("userRiskLevels", "signInRiskLevels"):
        row[name] = _texts(conditions.get(name))
    return row


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def stored_text(value: Any) -> str | None:
    """Return a text without lone surrogates, which cannot be stored in files; None for a value that is not text."""
    if not isinstance(value, str):
        return None
    return value if value.isascii() else value.encode("utf-8", "replace").decode()


def _lower_text(value: Any) -> str | None:
    text = stored_text(value)
    return None if text is None else text.lower()


def _texts(value: Any) -> list[str]:
    return [text for item in value if (text := stored_text(item)) is not None] if isinstance(value, list) else []


def instant(text: str | datetime | None) -> datetime | None:
    """Parse a Graph date as UTC; None for an absent or empty text and for the year 1.

    Raises ValueError for any other value that is not a date.
    """
    if text is None or text == "":
        return None
    if not isinstance(text, str | datetime):
        raise ValueError(text)  # noqa: TRY004 - the error for everything that is not a date
    parsed = text if isinstance(text, datetime) else datetime.fromisoformat(text)
    if parsed.tzinfo is None:
        parsed = parsed.replace(tzinfo=UTC)
    return None if parsed.year <= 1 else parsed.astimezone(UTC)


def _lower(plans: Sequence[str] | None) -> list[str] | None:
    return [str(plan).lower() for plan in plans] if plans else None
