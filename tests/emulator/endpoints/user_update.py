"""`PATCH /users/{id}`, with Graph's errors (Graph: Update user)."""

from typing import Any

from tests.emulator.endpoints.graph import Call, find_user, route
from tests.emulator.endpoints.licensing import reprocess
from tests.emulator.endpoints.memberships import remove_inherited
from tests.emulator.odata.query import USER
from tests.emulator.tenant.membership_rules import update_dynamic_groups
from tests.emulator.wire import Answer, GraphError

_EXTENSIONS = "onPremisesExtensionAttributes"
_ORGANISATION = "employeeOrgData"


def update_user(call: Call) -> Answer:
    """Change properties of a user, then update the memberships of dynamic groups."""
    position, document = find_user(call), dict(call.request.document())
    for name in document:
        if name not in USER.names:
            raise GraphError(400, "Request_BadRequest", f"A resource without property '{name}'.")
    if "usageLocation" in document and not document["usageLocation"]:
        raise GraphError(
            400, "Request_BadRequest", "Invalid value specified for property 'usageLocation' of resource 'User'."
        )
    if _EXTENSIONS in document:
        current: dict[str, Any] = call.tenant.people.value(position, _EXTENSIONS)
        document[_EXTENSIONS] = {**current, **document[_EXTENSIONS]}
    if _ORGANISATION in document:
        # As documented, properties that the request omits become null.
        document[_ORGANISATION] = {"costCenter": None, "division": None, **document[_ORGANISATION]}
    call.tenant.people.replace(position, document)
    tenant = call.tenant
    tenant.late.add(
        lambda: update_dynamic_groups(
            tenant,
            position,
            lambda group: reprocess(tenant, position, [group]),
            lambda group: remove_inherited(tenant, position, group),
        )
    )
    call.tenant.touch()
    return Answer(status=204)


ROUTES = (route("PATCH", "/users/{key}", "updateUser", update_user, cost=1),)
