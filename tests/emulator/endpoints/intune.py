"""`GET /deviceManagement/managedDevices` (Graph: List managedDevices), in pages of 1000.

As in Graph, a filter by user is silently ignored.
"""

from typing import Any

from tests.emulator.endpoints.graph import Call, route
from tests.emulator.odata import listing
from tests.emulator.wire import Answer, GraphError, answer

PAGE = 1_000


def managed_devices(call: Call) -> Answer:
    """List the managed devices; GraphError 400 for a tenant without Intune."""
    devices = call.tenant.devices
    if devices is None:
        raise GraphError(400, "BadRequest", "Request not applicable to target tenant.")
    names = (call.request.parameter("$select") or "").split(",")
    token = call.request.parameter("$skiptoken")
    offset, _ = listing.read_token(token) if token else (0, PAGE)
    rows = [{name: row[name] for name in names if name in row} for row in devices[offset : offset + PAGE]]
    document: dict[str, Any] = {"@odata.context": f"{call.request.root}/$metadata#deviceManagement/managedDevices"}
    if offset + PAGE < len(devices):
        document["@odata.nextLink"] = listing.next_link(call.request, listing.page_token(offset + PAGE, PAGE))
    return answer(document | {"value": rows})


ROUTES = (route("GET", "/deviceManagement/managedDevices", "devices", managed_devices),)
