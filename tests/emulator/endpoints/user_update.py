"""Turns requests that update a user into changed properties, with Graph's refusals."""

from typing import Any

from tests.emulator.endpoints.graph import Call, find_user, route
from tests.emulator.endpoints.licensing import reprocess
from tests.emulator.endpoints.memberships import withdraw
from tests.emulator.odata.query import USER
from tests.emulator.tenant.membership_rules import follow_rules
from tests.emulator.wire import Answer, GraphError

_EXTENSIONS = "onPremisesExtensionAttributes"
_ORGANISATION = "employeeOrgData"


def update_user(call: Call) -> Answer:
    position, document = find_user(call), dict(call.request.document())
    for name in document:
        if name not in USER.names:
            raise GraphError(400, "Request_BadRequest", f"A resource without property '{name}'.")
    if "usageLocation" in document and not document["usageLocation"]:
        raise GraphError(
            400, "Request_BadRequest", "Invalid value specified for property 'usageLocation' of resource 'User'."
        )
    if _EXTENSIONS in document:
        known: dict[str, Any] = call.tenant.people.value(position, _EXTENSIONS)
        document[_EXTENSIONS] = {**known, **document[_EXTENSIONS]}
    if _ORGANISATION in document:
        # As documented: what the request leaves out becomes null.
        document[_ORGANISATION] = {"costCenter": None, "division": None, **document[_ORGANISATION]}
    call.tenant.people.replace(position, document)
    tenant = call.tenant
    tenant.late.add(
        lambda: follow_rules(
            tenant,
            position,
            lambda group: reprocess(tenant, position, [group]),
            lambda group: withdraw(tenant, position, group),
        )
    )
    call.tenant.touch()
    return Answer(status=204)


ROUTES = (route("PATCH", "/users/{key}", "updateUser", update_user, cost=1),)
"""The operations of this module."""
