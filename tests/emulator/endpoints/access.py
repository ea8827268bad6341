"""Directory roles and Conditional Access policies, with the errors of their services.

Graph: List unifiedRoleAssignments, List roleEligibilityScheduleInstances, List policies.
"""

import re
from typing import Any

from tests.emulator.endpoints.graph import Call, Handler, route
from tests.emulator.wire import Answer, GraphError, answer

TOKEN = "$skiptoken"


def _rows(call: Call, rows: list[dict[str, Any]], entity: str) -> Answer:
    """Return one page of rows; the next link contains an opaque token."""
    if len([name for name, _ in call.request.query if name == "$expand"]) > 1:
        raise GraphError(400, "Request_BadRequest", "Only one $expand is supported.")
    token = call.request.parameter(TOKEN) or "0"
    if not re.fullmatch("[0-9]+", token):
        raise GraphError(400, "BadRequest", "Invalid skip token.")
    start, size = int(token), call.tenant.access.page
    document: dict[str, Any] = {"@odata.context": f"{call.request.root}/$metadata#{entity}"}
    if start + size < len(rows):
        document["@odata.nextLink"] = f"{call.request.root}{call.request.path}?{TOKEN}={start + size}"
    return answer(document | {"value": rows[start : start + size]})


def assignments(call: Call) -> Answer:
    """List role assignments; only one property can be expanded."""
    if "," in (call.request.parameter("$expand") or ""):
        raise GraphError(400, "Request_BadRequest", "Only one $expand is supported.")
    return _rows(call, call.tenant.access.rows["roleAssignments"], "roleManagement/directory/roleAssignments")


def definitions(call: Call) -> Answer:
    """List role definitions, all on one page; $top is refused."""
    if call.request.parameter("$top") is not None:
        raise GraphError(400, "Request_UnsupportedQuery", "The query parameter '$top' is not supported.")
    rows = call.tenant.access.rows["roleDefinitions"]
    document = {"@odata.context": f"{call.request.root}/$metadata#roleManagement/directory/roleDefinitions"}
    return answer(document | {"value": rows})


def eligible(call: Call) -> Answer:
    """List eligible role assignments (roleEligibilityScheduleInstances); an error without Entra ID P2."""
    if not call.tenant.access.governance:
        message = "The tenant needs to have Microsoft Entra ID P2 or Microsoft Entra ID Governance license."
        raise GraphError(400, "AadPremiumLicenseRequired", message)
    rows = call.tenant.access.rows["roleEligibilityScheduleInstances"]
    return _rows(call, rows, "roleManagement/directory/roleEligibilityScheduleInstances")


def policies(call: Call) -> Answer:
    """List Conditional Access policies."""
    return _rows(call, call.tenant.access.rows["conditionalAccessPolicies"], "identity/conditionalAccess/policies")


LISTS: dict[str, tuple[str, str, Handler]] = {
    "roleAssignments": ("/roleManagement/directory/roleAssignments", "roles", assignments),
    "roleDefinitions": ("/roleManagement/directory/roleDefinitions", "roles", definitions),
    "roleEligibilityScheduleInstances": (
        "/roleManagement/directory/roleEligibilityScheduleInstances", "eligibleRoles", eligible,
    ),
    "conditionalAccessPolicies": ("/identity/conditionalAccess/policies", "conditionalAccess", policies),
}  # fmt: skip
ROUTES = tuple(route("GET", path, call, handler) for path, call, handler in LISTS.values())
