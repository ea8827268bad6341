"""Turns assignLicense requests into changed users, groups and seats, with Graph's refusals."""

from collections.abc import Collection, Iterable
from typing import Any
from uuid import uuid4

from tests.emulator.endpoints.graph import Call, find_user, route
from tests.emulator.endpoints.groups import find_group
from tests.emulator.odata.query import USER_DEFAULTS
from tests.emulator.tenant.directory import Group, Tenant, license_details_id, state
from tests.emulator.wire import Answer, GraphError, answer

STAMP = "2026-11-20T00:00:00Z"


def refused(message: str) -> GraphError:
    return GraphError(400, "Request_BadRequest", message)


def usable(sku: dict[str, Any]) -> int:
    """Seats that can be given out: active ones and those in grace."""
    units = sku["prepaidUnits"]
    return int(units.get("enabled") or 0) + int(units.get("warning") or 0)


def _body(call: Call) -> tuple[list[dict[str, Any]], list[str]]:
    document = call.request.document()
    for name in ("addLicenses", "removeLicenses"):
        if not isinstance(document.get(name), list):
            raise refused(
                f"One or more parameters of the operation 'assignLicense' are missing from the request payload. The missing parameters are: {name}."
            )
    add = [
        {"skuId": str(row.get("skuId", "")).lower(), "disabledPlans": list(row.get("disabledPlans") or ())}
        for row in document["addLicenses"]
    ]
    return add, [str(sku_id).lower() for sku_id in document["removeLicenses"]]


def _check_sku(tenant: Tenant, row: dict[str, Any]) -> dict[str, Any]:
    """The subscribed SKU to assign; it must be the company's own, assignable, and have the plans to be switched off."""
    sku = tenant.sku(row["skuId"])
    if sku is None or sku.get("appliesTo") != "User":
        raise refused(f"License {row['skuId']} does not correspond to a valid company License.")
    plans = {str(plan["servicePlanId"]).lower() for plan in sku["servicePlans"]}
    for plan in row["disabledPlans"]:
        if str(plan).lower() not in plans:
            raise refused(f"Service plan {plan} is not part of license {row['skuId']}.")
    return sku


def _held(rows: Iterable[dict[str, Any]]) -> set[str]:
    return {str(row["skuId"]).lower() for row in rows}


def recompute(tenant: Tenant, position: int, states: list[dict[str, Any]]) -> None:
    """Writes a user's paths, and what follows: assignedLicenses and the seats; a seat is per person, not per path."""
    before = _held(tenant.people.value(position, "assignedLicenses"))
    active = [row for row in states if row["state"] in {"Active", "ActiveWithError"}]
    licences: dict[str, dict[str, Any]] = {}
    for row in active:
        sku_id = str(row["skuId"]).lower()
        disabled = set(row["disabledPlans"])
        known = licences.get(sku_id)
        both = disabled if known is None else disabled & set(known["disabledPlans"])
        licences[sku_id] = {"skuId": row["skuId"], "disabledPlans": sorted(both)}
    for sku_id in before - set(licences):
        _count(tenant, sku_id, -1)
    for sku_id in set(licences) - before:
        _count(tenant, sku_id, 1)
    changes = {"assignedLicenses": list(licences.values()), "licenseAssignmentStates": states}
    tenant.people.replace(position, changes)
    tenant.touch()


def _count(tenant: Tenant, sku_id: str, change: int) -> None:
    sku = tenant.sku(sku_id)
    if sku is not None:
        sku["consumedUnits"] = int(sku["consumedUnits"] or 0) + change


def violation(tenant: Tenant, position: int, sku: dict[str, Any]) -> str | None:
    """Why this user cannot get a seat of the SKU: a code of licenseAssignmentStates, or None."""
    held = _held(tenant.people.value(position, "assignedLicenses"))
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
    """Nothing can be removed of which another product that stays needs a service."""
    for sku in tenant.skus:
        needed = {str(other).lower() for other in sku.get("@emulator.requires", ())}
        if str(sku["skuId"]).lower() in held and needed.intersection(removed) and not needed & held:
            names = ", ".join(sorted(needed))
            raise refused(
                f"License assignment failed because service plan {sku['skuPartNumber']} depends on the service plan(s) {names}"
            )


def assign_user(call: Call) -> Answer:
    """All or nothing: removals first, then additions; a user needs a usageLocation and each SKU a free seat."""
    tenant, position = call.tenant, find_user(call)
    add, remove = _body(call)
    states: list[dict[str, Any]] = [dict(row) for row in tenant.people.value(position, "licenseAssignmentStates")]
    for sku_id in remove:
        mine = [row for row in states if str(row["skuId"]).lower() == sku_id]
        if not mine:
            raise refused("User does not have a corresponding license.")
        if all(row.get("assignedByGroup") for row in mine):
            raise refused(
                "User license is inherited from a group membership and it cannot be removed directly from the user."
            )
        states = [row for row in states if str(row["skuId"]).lower() != sku_id or row.get("assignedByGroup")]
    if add and not tenant.people.value(position, "usageLocation"):
        raise refused("License assignment cannot be done for user with invalid usage location.")
    for row in add:
        sku = _check_sku(tenant, row)
        _refuse_violation(violation(tenant, position, sku), sku, freed=row["skuId"] in remove)
        states = [old for old in states if old.get("assignedByGroup") or str(old["skuId"]).lower() != row["skuId"]]
        states.append(state(str(sku["skuId"]), stamp=STAMP) | {"disabledPlans": row["disabledPlans"]})
    _refuse_missing_dependency(tenant, _held(row for row in states if row["state"] == "Active"), remove)
    recompute(tenant, position, states)
    document = tenant.people.document(position, (*USER_DEFAULTS, "assignedLicenses"))
    return answer({"@odata.context": f"{call.request.root}/$metadata#users/$entity"} | document)


def _refuse_violation(found: str | None, sku: dict[str, Any], *, freed: bool) -> None:
    """A direct assignment fails as a whole where a group's would leave a row in error."""
    match found:
        case None:
            return
        case "CountViolation":
            if not freed:
                raise refused(f"Subscription with SKU {sku['skuId']} does not have any available licenses.")
        case "ProhibitedInUsageLocationViolation":
            raise refused(
                "License assignment cannot be done because the service is prohibited in the user's usage location."
            )
        case "MutuallyExclusiveViolation":
            raise refused("License assignment failed because service plans are mutually exclusive.")
        case _:
            raise refused(
                "License assignment failed because a service plan depends on another service plan that is missing."
            )


def assign_group(call: Call) -> Answer:
    """202: the group's licences change at once, its direct members behind the scenes, each with success or an error."""
    tenant, group = call.tenant, find_group(call)
    add, remove = _body(call)
    rows = {str(row["skuId"]).lower(): row for row in group.document.get("assignedLicenses", ())}
    for sku_id in remove:
        if rows.pop(sku_id, None) is None:
            raise refused("Group does not have a corresponding license.")
    for row in add:
        sku = _check_sku(tenant, row)
        rows[row["skuId"]] = {"skuId": sku["skuId"], "disabledPlans": row["disabledPlans"]}
    group.document["assignedLicenses"] = list(rows.values())
    tenant.late.add(lambda: _process(tenant, group))
    location = f"{call.request.root}/groups/{group.id}/licenseProcessingState/{uuid4()}"
    made = answer({"@odata.context": f"{call.request.root}/$metadata#groups/$entity"} | _shown(group), status=202)
    made.headers["Location"] = location
    return made


def _shown(group: Group) -> dict[str, Any]:
    return {
        name: group.document.get(name) for name in ("id", "displayName", "assignedLicenses", "licenseProcessingState")
    }


def _process(tenant: Tenant, group: Group) -> None:
    """Group-based licensing: direct user members only, nested groups are not followed."""
    group.document["licenseProcessingState"] = {"state": "ProcessingComplete"}
    for member in group.members:
        position = tenant.people.find(member)
        if position is not None:
            reprocess(tenant, position, [group])
    group.erring = None
    tenant.touch()


def reprocess(tenant: Tenant, position: int, groups: Iterable[Group]) -> None:
    """Rebuilds the rows that the groups give this user; a licence without a seat leaves a row in error."""
    for group in groups:
        states = [
            row
            for row in tenant.people.value(position, "licenseAssignmentStates")
            if row.get("assignedByGroup") != group.id
        ]
        # Seats of licences that the group took away are free before it gives others.
        recompute(tenant, position, states)
        for given in group.document.get("assignedLicenses", ()):
            sku = tenant.sku(str(given["skuId"]))
            error = violation(tenant, position, sku) if sku is not None else "Other"
            row = state(str(given["skuId"]), group=group.id, error=error or "None", stamp=STAMP)
            states = [*states, row | {"disabledPlans": list(given.get("disabledPlans", ()))}]
            recompute(tenant, position, states)


def reprocess_user(call: Call) -> Answer:
    tenant, position = call.tenant, find_user(call)
    identifier = tenant.people.value(position, "id")
    reprocess(tenant, position, [group for group in tenant.groups.values() if identifier in group.members])
    document = tenant.people.document(position, (*USER_DEFAULTS, "assignedLicenses"))
    return answer({"@odata.context": f"{call.request.root}/$metadata#users/$entity"} | document)


def license_details(call: Call) -> Answer:
    """What the user holds with the plans as provisioned; a plan that is switched off says Disabled."""
    tenant, position = call.tenant, find_user(call)
    identifier = str(tenant.people.value(position, "id"))
    rows = []
    for licence in tenant.people.value(position, "assignedLicenses"):
        sku = tenant.sku(str(licence["skuId"]))
        if sku is None:
            continue
        disabled = {str(plan).lower() for plan in licence.get("disabledPlans", ())}
        rows.append(
            {
                "id": license_details_id(identifier, str(sku["skuId"])),
                "skuId": sku["skuId"],
                "skuPartNumber": sku["skuPartNumber"],
                "servicePlans": [_provisioned(plan, disabled) for plan in sku["servicePlans"]],
            }
        )
    return answer(
        {"@odata.context": f"{call.request.root}/$metadata#users('{identifier}')/licenseDetails", "value": rows}
    )


def _provisioned(plan: dict[str, Any], disabled: Collection[str]) -> dict[str, Any]:
    return plan | {"provisioningStatus": "Disabled"} if str(plan["servicePlanId"]).lower() in disabled else plan


ROUTES = (
    route("GET", "/users/{key}/licenseDetails", "licenseDetails", license_details, cost=2),
    route("POST", "/users/{key}/assignLicense", "assignUser", assign_user),
    route("POST", "/users/{key}/microsoft.graph.assignLicense", "assignUser", assign_user),
    route("POST", "/users/{key}/reprocessLicenseAssignment", "assignUser", reprocess_user),
    route("POST", "/groups/{key}/assignLicense", "assignGroup", assign_group),
    route("POST", "/groups/{key}/microsoft.graph.assignLicense", "assignGroup", assign_group),
)
