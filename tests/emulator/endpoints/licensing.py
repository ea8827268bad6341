"""Licence assignment, with Graph's errors (Graph: user: assignLicense, group: assignLicense)."""

from collections.abc import Collection, Iterable
from typing import Any
from uuid import uuid4

from tests.emulator.endpoints.graph import Call, find_user, route
from tests.emulator.endpoints.groups import find_group
from tests.emulator.odata.query import USER_DEFAULTS
from tests.emulator.tenant.directory import Group, Tenant, state
from tests.emulator.wire import Answer, GraphError, answer

STAMP = "2026-11-20T00:00:00Z"


def bad_request(message: str) -> GraphError:
    """Return a GraphError 400 with the code that assignLicense uses for all refusals."""
    return GraphError(400, "Request_BadRequest", message)


def usable(sku: dict[str, Any]) -> int:
    """Return the number of seats that can be assigned: enabled ones and those in grace (warning)."""
    units = sku["prepaidUnits"]
    return int(units.get("enabled") or 0) + int(units.get("warning") or 0)


def _body(call: Call) -> tuple[list[dict[str, Any]], list[str]]:
    """Return addLicenses and removeLicenses of the request; raises GraphError 400 if one is missing."""
    document = call.request.document()
    for name in ("addLicenses", "removeLicenses"):
        if not isinstance(document.get(name), list):
            raise bad_request(
                f"One or more parameters of the operation 'assignLicense' are missing from the request payload. The missing parameters are: {name}."
            )
    add = [
        {"skuId": str(row.get("skuId", "")).lower(), "disabledPlans": list(row.get("disabledPlans") or ())}
        for row in document["addLicenses"]
    ]
    return add, [str(sku_id).lower() for sku_id in document["removeLicenses"]]


def _check_sku(tenant: Tenant, row: dict[str, Any]) -> dict[str, Any]:
    """Return the SKU to assign.

    Raises GraphError 400 unless the tenant has the SKU, it applies to users, and it contains the plans to be disabled.
    """
    sku = tenant.sku(row["skuId"])
    if sku is None or sku.get("appliesTo") != "User":
        raise bad_request(f"License {row['skuId']} does not correspond to a valid company License.")
    plans = {str(plan["servicePlanId"]).lower() for plan in sku["servicePlans"]}
    for plan in row["disabledPlans"]:
        if str(plan).lower() not in plans:
            raise bad_request(f"Service plan {plan} is not part of license {row['skuId']}.")
    return sku


def _sku_ids(rows: Iterable[dict[str, Any]]) -> set[str]:
    return {str(row["skuId"]).lower() for row in rows}


def recompute(tenant: Tenant, position: int, states: list[dict[str, Any]]) -> None:
    """Replace a user's licenseAssignmentStates and update assignedLicenses and consumedUnits.

    A seat is counted once per person, however many states assign the licence.
    """
    before = _sku_ids(tenant.people.value(position, "assignedLicenses"))
    active = [row for row in states if row["state"] in {"Active", "ActiveWithError"}]
    licences: dict[str, dict[str, Any]] = {}
    for row in active:
        sku_id = str(row["skuId"]).lower()
        disabled = set(row["disabledPlans"])
        licence = licences.get(sku_id)
        common = disabled if licence is None else disabled & set(licence["disabledPlans"])
        licences[sku_id] = {"skuId": row["skuId"], "disabledPlans": sorted(common)}
    for sku_id in before - set(licences):
        _add_consumed(tenant, sku_id, -1)
    for sku_id in set(licences) - before:
        _add_consumed(tenant, sku_id, 1)
    changes = {"assignedLicenses": list(licences.values()), "licenseAssignmentStates": states}
    tenant.people.replace(position, changes)
    tenant.touch()


def _add_consumed(tenant: Tenant, sku_id: str, change: int) -> None:
    sku = tenant.sku(sku_id)
    if sku is not None:
        sku["consumedUnits"] = int(sku["consumedUnits"] or 0) + change


def violation(tenant: Tenant, position: int, sku: dict[str, Any]) -> str | None:
    """Return the error code of licenseAssignmentStates with which assigning the SKU to this user fails, or None."""
    held = _sku_ids(tenant.people.value(position, "assignedLicenses"))
    sku_id = str(sku["skuId"]).lower()
    if sku_id not in held and int(sku["consumedUnits"] or 0) >= usable(sku):
        return "CountViolation"
    usage_location = tenant.people.value(position, "usageLocation") or tenant.organization.get("countryLetterCode")
    if usage_location in sku.get("@emulator.prohibited", ()):
        return "ProhibitedInUsageLocationViolation"
    if held.intersection(str(other).lower() for other in sku.get("@emulator.exclusive", ())):
        return "MutuallyExclusiveViolation"
    needed = {str(other).lower() for other in sku.get("@emulator.requires", ())}
    return "DependencyViolation" if needed and not needed & held else None


def _refuse_missing_dependency(tenant: Tenant, held: set[str], removed: Collection[str]) -> None:
    """Raise GraphError 400 if a product that stays needs a service plan of a removed one."""
    for sku in tenant.skus:
        needed = {str(other).lower() for other in sku.get("@emulator.requires", ())}
        if str(sku["skuId"]).lower() in held and needed.intersection(removed) and not needed & held:
            names = ", ".join(sorted(needed))
            raise bad_request(
                f"License assignment failed because service plan {sku['skuPartNumber']} depends on the service plan(s) {names}"
            )


def assign_user(call: Call) -> Answer:
    """Remove, then add direct licences of a user, all or nothing.

    A user needs a usageLocation, and each SKU a free seat.
    """
    tenant, position = call.tenant, find_user(call)
    add, remove = _body(call)
    states: list[dict[str, Any]] = [dict(row) for row in tenant.people.value(position, "licenseAssignmentStates")]
    for sku_id in remove:
        current = [row for row in states if str(row["skuId"]).lower() == sku_id]
        if not current:
            raise bad_request("User does not have a corresponding license.")
        if all(row.get("assignedByGroup") for row in current):
            raise bad_request(
                "User license is inherited from a group membership and it cannot be removed directly from the user."
            )
        states = [row for row in states if str(row["skuId"]).lower() != sku_id or row.get("assignedByGroup")]
    if add and not tenant.people.value(position, "usageLocation"):
        raise bad_request("License assignment cannot be done for user with invalid usage location.")
    for row in add:
        sku = _check_sku(tenant, row)
        _refuse_violation(violation(tenant, position, sku), sku, freed=row["skuId"] in remove)
        states = [
            existing
            for existing in states
            if existing.get("assignedByGroup") or str(existing["skuId"]).lower() != row["skuId"]
        ]
        states.append(state(str(sku["skuId"]), stamp=STAMP) | {"disabledPlans": row["disabledPlans"]})
    _refuse_missing_dependency(tenant, _sku_ids(row for row in states if row["state"] == "Active"), remove)
    recompute(tenant, position, states)
    document = tenant.people.document(position, (*USER_DEFAULTS, "assignedLicenses"))
    return answer({"@odata.context": f"{call.request.root}/$metadata#users/$entity"} | document)


def _refuse_violation(code: str | None, sku: dict[str, Any], *, freed: bool) -> None:
    """Raise GraphError 400 for a violation: a direct assignment fails, whereas a group's adds a state in error."""
    match code:
        case None:
            return
        case "CountViolation":
            if not freed:
                raise bad_request(f"Subscription with SKU {sku['skuId']} does not have any available licenses.")
        case "ProhibitedInUsageLocationViolation":
            raise bad_request(
                "License assignment cannot be done because the service is prohibited in the user's usage location."
            )
        case "MutuallyExclusiveViolation":
            raise bad_request("License assignment failed because service plans are mutually exclusive.")
        case _:
            raise bad_request(
                "License assignment failed because a service plan depends on another service plan that is missing."
            )


def assign_group(call: Call) -> Answer:
    """Change a group's licences at once, and those of its direct members in the background (202 Accepted).

    Each member gets the licence or a licenseAssignmentState in error.
    """
    tenant, group = call.tenant, find_group(call)
    add, remove = _body(call)
    rows = {str(row["skuId"]).lower(): row for row in group.document.get("assignedLicenses", ())}
    for sku_id in remove:
        if rows.pop(sku_id, None) is None:
            raise bad_request("Group does not have a corresponding license.")
    for row in add:
        sku = _check_sku(tenant, row)
        rows[row["skuId"]] = {"skuId": sku["skuId"], "disabledPlans": row["disabledPlans"]}
    group.document["assignedLicenses"] = list(rows.values())
    tenant.late.add(lambda: _process(tenant, group))
    location = f"{call.request.root}/groups/{group.id}/licenseProcessingState/{uuid4()}"
    response = answer({"@odata.context": f"{call.request.root}/$metadata#groups/$entity"} | _summary(group), status=202)
    response.headers["Location"] = location
    return response


def _summary(group: Group) -> dict[str, Any]:
    return {
        name: group.document.get(name) for name in ("id", "displayName", "assignedLicenses", "licenseProcessingState")
    }


def _process(tenant: Tenant, group: Group) -> None:
    """Apply a group's licences to its direct members that are users; members of nested groups get nothing."""
    group.document["licenseProcessingState"] = {"state": "ProcessingComplete"}
    for member in group.members:
        position = tenant.people.find(member)
        if position is not None:
            reprocess(tenant, position, [group])
    group.members_with_errors = None
    tenant.touch()


def reprocess(tenant: Tenant, position: int, groups: Iterable[Group]) -> None:
    """Rebuild the user's licenseAssignmentStates of these groups; without a free seat the state is an error."""
    for group in groups:
        states = [
            row
            for row in tenant.people.value(position, "licenseAssignmentStates")
            if row.get("assignedByGroup") != group.id
        ]
        # Free the seats of removed licences first, so that they can be assigned again.
        recompute(tenant, position, states)
        for licence in group.document.get("assignedLicenses", ()):
            sku = tenant.sku(str(licence["skuId"]))
            error = violation(tenant, position, sku) if sku is not None else "Other"
            row = state(str(licence["skuId"]), group=group.id, error=error or "None", stamp=STAMP)
            states = [*states, row | {"disabledPlans": list(licence.get("disabledPlans", ()))}]
            recompute(tenant, position, states)
        group.members_with_errors = None


def reprocess_user(call: Call) -> Answer:
    """Reprocess all groups of a user (Graph: user: reprocessLicenseAssignment)."""
    tenant, position = call.tenant, find_user(call)
    identifier = tenant.people.value(position, "id")
    reprocess(tenant, position, [group for group in tenant.groups.values() if identifier in group.members])
    document = tenant.people.document(position, (*USER_DEFAULTS, "assignedLicenses"))
    return answer({"@odata.context": f"{call.request.root}/$metadata#users/$entity"} | document)


ROUTES = (
    route("POST", "/users/{key}/assignLicense", "assignUser", assign_user),
    route("POST", "/users/{key}/reprocessLicenseAssignment", "assignUser", reprocess_user),
    route("POST", "/groups/{key}/assignLicense", "assignGroup", assign_group),
)
