"""Adding and removing group members, with Graph's errors (Graph: Add members, Remove member)."""

from tests.emulator.endpoints.graph import Call, not_found, route
from tests.emulator.endpoints.groups import find_group
from tests.emulator.endpoints.licensing import recompute, reprocess
from tests.emulator.permissions import denied
from tests.emulator.tenant.directory import Group, Tenant
from tests.emulator.wire import Answer, GraphError


def _refuse(group: Group) -> None:
    """Raise GraphError for groups whose members Graph does not change.

    Dynamic and role-assignable groups give the same 403 as a missing permission.
    """
    kinds = [str(kind).lower() for kind in group.document.get("groupTypes") or ()]
    if "dynamicmembership" in kinds or group.document.get("isAssignableToRole"):
        raise denied()
    if group.document.get("onPremisesSyncEnabled"):
        message = "Unable to update the specified properties for on-premises mastered Directory Sync objects or objects"
        raise GraphError(400, "Request_BadRequest", f"{message} currently undergoing migration.")
    if group.document.get("mailEnabled") and "unified" not in kinds:
        message = (
            "Unable to update the specified properties for objects that have originated within an external service."
        )
        raise GraphError(400, "Request_BadRequest", message)


def remove_inherited(tenant: Tenant, position: int, group: Group) -> None:
    """Remove the licences that a group gave to a former member."""
    states = tenant.people.value(position, "licenseAssignmentStates")
    recompute(tenant, position, [row for row in states if row.get("assignedByGroup") != group.id])


def add_member(call: Call) -> Answer:
    """Add the user in `@odata.id` to a group."""
    group = find_group(call)
    member = str(call.request.document().get("@odata.id", "")).rpartition("/")[2]
    position = call.tenant.people.find(member)
    if position is None:
        raise not_found(member)
    _refuse(group)
    identifier = str(call.tenant.people.value(position, "id"))
    if identifier in group.members:
        message = "One or more added object references already exist for the following modified properties: 'members'."
        raise GraphError(400, "Request_BadRequest", message)
    group.members = [*group.members, identifier]
    call.tenant.late.add(lambda: reprocess(call.tenant, position, [group]))
    call.tenant.touch()
    return Answer(status=204)


def remove_member(call: Call) -> Answer:
    """Remove a user from a group."""
    group = find_group(call)
    position = call.tenant.people.find(call.second)
    if position is None or str(call.tenant.people.value(position, "id")) not in group.members:
        raise not_found(call.second)
    _refuse(group)
    identifier = str(call.tenant.people.value(position, "id"))
    group.members = [member for member in group.members if member != identifier]
    call.tenant.late.add(lambda: remove_inherited(call.tenant, position, group))
    call.tenant.touch()
    return Answer(status=204)


ROUTES = (
    route("POST", "/groups/{key}/members/$ref", "changeMembers", add_member, cost=1),
    route("DELETE", "/groups/{key}/members/{second}/$ref", "changeMembers", remove_member, cost=1),
)
