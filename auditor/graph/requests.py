"""The Graph requests of the auditor, as calls of the SDK's request builders with their documented cost."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from msgspec.structs import replace

from auditor.graph.client import Call, Graph, native_response
from auditor.graph.request_guard import check_link

if TYPE_CHECKING:
    import httpx

PAGE_SIZE = 999
"""Largest `$top` of directory objects."""
SIGN_IN_PAGE_SIZE = 500
"""Largest `$top` of users with `signInActivity`."""


def users(graph: Graph, select: tuple[str, ...], *, top: int = PAGE_SIZE, filter_: str | None = None) -> Call:
    """Return the call of GET /users."""
    return _list_call(graph, graph.sdk.users, name="GET /users", units=1, select=list(select), top=top, filter=filter_)


def user_count(graph: Graph, *, filter_: str | None = None) -> Call:
    """Return the call of GET /users/$count, which is always an advanced query."""
    return _list_call(graph, graph.sdk.users.count, name="GET /users/$count", units=1, advanced=True, filter=filter_)


def user(graph: Graph, user_id: str, select: tuple[str, ...]) -> Call:
    """Return the call of GET /users/{id}."""
    builder = graph.sdk.users.by_user_id(user_id)
    return _list_call(graph, builder, name="GET /users/{id}", units=1, select=list(select))


def organization(graph: Graph, select: tuple[str, ...]) -> Call:
    """Return the call of GET /organization."""
    return _list_call(graph, graph.sdk.organization, name="GET /organization", units=1, select=list(select))


def subscribed_skus(graph: Graph, select: tuple[str, ...]) -> Call:
    """Return the call of GET /subscribedSkus."""
    return _list_call(graph, graph.sdk.subscribed_skus, name="GET /subscribedSkus", units=2, select=list(select))


def subscriptions(graph: Graph) -> Call:
    """Return the call of GET /directory/subscriptions."""
    return _list_call(graph, graph.sdk.directory.subscriptions, name="GET /directory/subscriptions", units=1)


def groups(graph: Graph, select: tuple[str, ...], *, filter_: str, advanced: bool = False) -> Call:
    """Return the call of GET /groups."""
    query = {"select": list(select), "top": PAGE_SIZE, "filter": filter_, "count": True if advanced else None}
    return _list_call(graph, graph.sdk.groups, name="GET /groups", units=1, advanced=advanced, **query)


def group(graph: Graph, group_id: str, select: tuple[str, ...]) -> Call:
    """Return the call of GET /groups/{id}."""
    builder = graph.sdk.groups.by_group_id(group_id)
    return _list_call(graph, builder, name="GET /groups/{id}", units=1, select=list(select))


def members(graph: Graph, group_id: str, *, transitive: bool) -> Call:
    """Return the call of GET /groups/{id}/members or /transitiveMembers: type and id of members of every kind."""
    item = graph.sdk.groups.by_group_id(group_id)
    builder, name, units = item.members, "GET /groups/{id}/members", 2
    if transitive:
        builder, name, units = item.transitive_members, "GET /groups/{id}/transitiveMembers", 4
    return _list_call(graph, builder, name=name, units=units, select=["id"], top=PAGE_SIZE)


def members_address(group_id: str) -> str:
    """Return the address of the first page of a group's members, relative to the Graph root, for a batch."""
    return f"/groups/{quote(group_id, safe='')}/members?$select=id&$top={PAGE_SIZE}"


def role_assignments(graph: Graph) -> Call:
    """Return the call of GET /roleManagement/directory/roleAssignments."""
    builder = graph.sdk.role_management.directory.role_assignments
    return _list_call(graph, builder, name="GET /roleManagement/directory/roleAssignments", units=1)


def role_definitions(graph: Graph) -> Call:
    """Return the call of GET /roleManagement/directory/roleDefinitions, which refuses any `$top`."""
    builder = graph.sdk.role_management.directory.role_definitions
    return _list_call(graph, builder, name="GET /roleManagement/directory/roleDefinitions", units=1)


def eligible_role_assignments(graph: Graph) -> Call:
    """Return the call of GET /roleManagement/directory/roleEligibilityScheduleInstances."""
    builder = graph.sdk.role_management.directory.role_eligibility_schedule_instances
    name = "GET /roleManagement/directory/roleEligibilityScheduleInstances"
    return _list_call(graph, builder, name=name, units=1)


_CONDITIONAL_ACCESS_SECONDS = 1.0
"""Graph answers one request for Conditional Access per second."""


def conditional_access_policies(graph: Graph) -> Call:
    """Return the call of GET /identity/conditionalAccess/policies, which waits a second before each further page."""
    builder = graph.sdk.identity.conditional_access.policies
    call = _list_call(graph, builder, name="GET /identity/conditionalAccess/policies", units=1)

    async def send(link: str | None) -> "httpx.Response | None":
        if link is not None:
            await graph.retry_policy.sleep(_CONDITIONAL_ACCESS_SECONDS)
        return await call.send(link)

    return replace(call, send=send)


def nested_groups_address(group_id: str) -> str:
    """Return the address of the groups among a group's members, relative to the Graph root; an advanced query."""
    return f"/groups/{quote(group_id, safe='')}/members/microsoft.graph.group?$count=true&$select=id&$top={PAGE_SIZE}"


def member_count_address(group_id: str) -> str:
    """Return the address of a group's member count and one member, relative to the Graph root; an advanced query."""
    return f"/groups/{quote(group_id, safe='')}/members?$count=true&$select=id&$top=1"


def managed_devices(graph: Graph, select: tuple[str, ...]) -> Call:
    """Return the call of GET /deviceManagement/managedDevices, in pages of 1000; Intune ignores some filters."""
    builder = graph.sdk.device_management.managed_devices
    return _list_call(graph, builder, name="GET /deviceManagement/managedDevices", units=0, select=list(select))


MAX_IDS = 1_000
"""Ids that one call of getByIds accepts."""


def groups_by_ids(graph: Graph, ids: tuple[str, ...], select: tuple[str, ...]) -> Call:
    """Return the call of POST /directoryObjects/getByIds, which reads the groups among at most MAX_IDS ids."""
    return _post_call(
        graph, f"/directoryObjects/getByIds?$select={','.join(select)}", {"ids": list(ids), "types": ["group"]}, units=3
    )


def batch(graph: Graph, items: tuple[Mapping[str, Any], ...], *, units: int) -> Call:
    """Return the call of POST /$batch with at most 20 read requests."""
    return _post_call(graph, "/$batch", {"requests": list(items)}, units=units)


def _post_call(graph: Graph, path: str, document: Mapping[str, Any], *, units: int) -> Call:
    body = json.dumps(document).encode()

    async def send(_link: str | None) -> "httpx.Response | None":
        return await graph.send("POST", path, body=body, headers={"Accept": "application/json"})

    return Call(name=f"POST {path.partition('?')[0]}", units=units, send=send)


def _list_call(graph: Graph, builder: Any, *, name: str, units: int, advanced: bool = False, **query: Any) -> Call:
    """Return the call of a request builder; a link is requested unchanged, with the headers that are not in it.

    `query` contains the fields of the query parameters of the builder.
    """

    async def send(link: str | None) -> "httpx.Response | None":
        from kiota_abstractions.base_request_configuration import RequestConfiguration  # noqa: PLC0415

        configuration: Any = RequestConfiguration(options=[native_response()])
        if advanced:
            configuration.headers.add("ConsistencyLevel", "eventual")
        address = _address(graph, builder, query) if link is None else check_link(link, graph.root)
        response: httpx.Response | None = await builder.with_url(address).get(configuration)
        return response

    return Call(name=name, units=units, send=send)


_ADDRESS_CACHE: dict[tuple[Any, ...], str] = {}
"""A cache, because the SDK expands the address template three times per request, and each time takes 2 ms."""
_MAX_CACHED_ADDRESSES = 512


def _address(graph: Graph, builder: Any, query: Mapping[str, Any]) -> str:
    """Return the address that the SDK builds from a request builder and the fields of its query, cached."""
    from kiota_abstractions.base_request_configuration import RequestConfiguration  # noqa: PLC0415

    key = (graph.root.url, builder.url_template, *builder.path_parameters.items(), str(query))
    if key not in _ADDRESS_CACHE:
        kind = type(builder)
        parameters = getattr(kind, f"{kind.__name__}GetQueryParameters")(**query) if query else None
        request = builder.to_get_request_information(RequestConfiguration(query_parameters=parameters))
        request.path_parameters["baseurl"] = graph.root.url
        if len(_ADDRESS_CACHE) >= _MAX_CACHED_ADDRESSES:
            _ADDRESS_CACHE.clear()
        _ADDRESS_CACHE[key] = _decode_names(request.url)
    return _ADDRESS_CACHE[key]


def _decode_names(address: str) -> str:
    """Decode the parameter names of an address: the SDK percent-encodes their dollar signs."""
    path, separator, query = address.partition("?")
    pairs = [pair.partition("=") for pair in query.split("&")]
    return path + separator + "&".join(unquote(name) + equals + value for name, equals, value in pairs)


def quoted(text: str) -> str:
    """Return a text as an OData string literal."""
    return "'" + text.replace("'", "''") + "'"
