"""Groups and their members (Graph: List groups, Get group, List group members, List group transitive members)."""

from collections.abc import Iterable, Sequence
from typing import Any

from tests.emulator import permissions
from tests.emulator.endpoints.graph import Call, Handler, not_found, route
from tests.emulator.odata import listing, query
from tests.emulator.odata.listing import Rows
from tests.emulator.tenant.directory import Group, Tenant
from tests.emulator.tenant.people import empty_value, selected
from tests.emulator.wire import Answer, Body, GraphError, answer

DEVICE_NAMES = ("id", "displayName")


def members_with_license_errors(tenant: Tenant, group: Group) -> Sequence[str]:
    """Return the ids of the members with licence errors, computed from the users unless the group lists them."""
    if group.members_with_errors is not None:
        return group.members_with_errors
    people = tenant.people
    failed = []
    for member in group.members:
        position = people.find(member)
        if position is None:
            continue
        rows = people.value(position, "licenseAssignmentStates")
        if any(row.get("assignedByGroup") == group.id and row.get("error") not in {None, "None"} for row in rows):
            failed.append(member)
    return failed


def group_rows(tenant: Tenant) -> Rows:
    """Return the groups of a tenant as rows to page through."""
    groups = list(tenant.groups.values())

    def value(position: int, name: str) -> Any:
        group = groups[position]
        if name == "hasMembersWithLicenseErrors":
            return bool(members_with_license_errors(tenant, group))
        property_value = group.document.get(name)
        return empty_value(name) if property_value is None else property_value

    def document(position: int, names: Iterable[str]) -> dict[str, Any]:
        readable = [name for name in names if name != "hasMembersWithLicenseErrors"]
        return group_document(groups[position], readable)

    return Rows(positions=range(len(groups)), value=value, document=document)


def group_document(group: Group, names: Iterable[str]) -> dict[str, Any]:
    """Return the named properties of a group."""
    collections = {"groupTypes", "assignedLabels"}
    properties = selected(group.document.get, names)
    return {name: ([] if value is None and name in collections else value) for name, value in properties.items()}


def find_group(call: Call) -> Group:
    """Return the group whose id is in the path; raises GraphError 404."""
    group = call.tenant.group(call.key)
    if group is None:
        raise not_found(call.key)
    return group


def groups(call: Call) -> Answer:
    """List groups."""
    parsed = query.parse(call.request, query.GROUP)
    return listing.page(
        call.request,
        parsed,
        group_rows(call.tenant),
        tenant=call.tenant,
        kind=query.GROUP,
        cache=call.cache,
        readable=None,
    )


def groups_count(call: Call) -> Answer:
    """Return the number of groups as text."""
    if not call.request.eventual:
        raise GraphError(400, "Request_BadRequest", "$count is not currently supported.")
    parsed = query.parse(call.request, query.GROUP)
    rows = group_rows(call.tenant)
    return listing.count(call.request, parsed, rows, tenant=call.tenant, kind=query.GROUP, cache=call.cache)


def get_group(call: Call) -> Answer:
    """Get a group; hasMembersWithLicenseErrors is never returned, as in Graph."""
    names, explicit = query.selection(call.request, query.GROUP, single=True)
    readable = [name for name in names if name != "hasMembersWithLicenseErrors"]
    suffix = f"({','.join(names)})" if explicit else ""
    head = {"@odata.context": f"{call.request.root}/$metadata#groups{suffix}/$entity"}
    return answer(head | group_document(find_group(call), readable))


def transitive(tenant: Tenant, group: Group) -> list[str]:
    """Return the members at all levels, breadth first, each once and including nested groups; stops at cycles."""
    members: dict[str, None] = {}
    queue = [group]
    visited = {group.id.lower()}
    while queue:
        for member in queue.pop(0).members:
            members.setdefault(member)
            nested = tenant.group(member)
            if nested is not None and nested.id.lower() not in visited:
                visited.add(nested.id.lower())
                queue.append(nested)
    return [member for member in members if member.lower() != group.id.lower()]


def _user_properties(names: tuple[str, ...] | None) -> tuple[str, ...]:
    """Return the selected properties that users have."""
    return query.USER_DEFAULTS if names is None else tuple(name for name in names if name in query.USER_NAMES)


def _member_document(call: Call, member: str, names: tuple[str, ...] | None) -> dict[str, Any]:
    """Return a member as lists of directoryObjects show it: its type and the properties of that type."""
    kind, content = call.tenant.member(member) or ("directoryObject", {"id": member})
    if isinstance(content, int):
        document = call.tenant.people.document(content, _user_properties(names))
        if not permissions.USERS.intersection(call.roles):
            document = {name: value if name == "id" else None for name, value in document.items()}
    elif kind == "group":
        document = selected(content.get, [name for name in names or query.GROUP_DEFAULTS if name in query.GROUP_NAMES])
    else:
        document = {name: content.get(name) for name in names or DEVICE_NAMES if name in content}
    return {"@odata.type": f"#microsoft.graph.{kind}"} | document


def _members(call: Call, ids: Sequence[str], *, cast: bool, nested: bool) -> Answer:
    request = call.request
    counted = (request.parameter("$count") or "").lower() == "true" or request.path.endswith("/$count")
    if cast and nested and not (request.eventual and counted):
        message = "Request with OData cast is not supported because the required parameters might be missing. "
        raise query.unsupported(
            message + "Try adding $count=true query parameter and ConsistencyLevel:eventual header."
        )
    if cast:
        ids = [member for member in ids if call.tenant.people.find(member) is not None]
    if request.path.endswith("/$count"):
        if not request.eventual:
            raise GraphError(400, "Request_BadRequest", "$count is not currently supported.")
        return Answer(body=Body(str(len(ids)).encode()), headers={"Content-Type": "text/plain"})
    text = request.parameter("$select")
    names = (
        query.selection(request, query.USER if cast else query.DIRECTORY_OBJECT, single=False)[0]
        if text is not None
        else None
    )
    size = query.page_size(request, names or (), set(), expanded=False)
    token = request.parameter("$skiptoken")
    offset, size = listing.read_token(token) if token else (0, size)
    suffix = f"({','.join(names)})" if names else ""
    entity = "users" if cast else "directoryObjects"
    document: dict[str, Any] = {"@odata.context": f"{request.root}/$metadata#{entity}{suffix}"}
    if counted and request.eventual and not token:
        document["@odata.count"] = len(ids)
    if offset + size < len(ids):
        document["@odata.nextLink"] = listing.next_link(request, listing.page_token(offset + size, size))
    rows = [_member_document(call, member, names) for member in ids[offset : offset + size]]
    document["value"] = [{k: v for k, v in row.items() if k != "@odata.type"} for row in rows] if cast else rows
    return answer(document)


def _visible_members(call: Call) -> Sequence[str]:
    """Return the direct members that the app may see; for a hidden membership it needs Member.Read.Hidden."""
    group = find_group(call)
    hidden = str(group.document.get("visibility")).lower() == "hiddenmembership"
    return () if hidden and "Member.Read.Hidden" not in call.roles else group.members


def members(call: Call) -> Answer:
    return _members(call, _visible_members(call), cast=False, nested=False)


def members_cast(call: Call) -> Answer:
    return _members(call, _visible_members(call), cast=True, nested=False)


def members_group_cast(call: Call) -> Answer:
    groups = [member for member in _visible_members(call) if call.tenant.group(member) is not None]
    return _members(call, groups, cast=False, nested=False)


def transitive_members(call: Call) -> Answer:
    return _members(call, transitive(call.tenant, find_group(call)), cast=False, nested=True)


def transitive_members_cast(call: Call) -> Answer:
    return _members(call, transitive(call.tenant, find_group(call)), cast=True, nested=True)


def members_in_error(call: Call) -> Answer:
    return _members(call, members_with_license_errors(call.tenant, find_group(call)), cast=False, nested=False)


def members_in_error_cast(call: Call) -> Answer:
    return _members(call, members_with_license_errors(call.tenant, find_group(call)), cast=True, nested=False)


def member_of(call: Call) -> Answer:
    """List the groups of a user: direct ones for memberOf, all levels for transitiveMemberOf."""
    position = call.tenant.people.find(call.key)
    if position is None:
        raise not_found(call.key)
    identifier = str(call.tenant.people.value(position, "id"))
    nested = "transitiveMemberOf" in call.request.path
    groups = call.tenant.groups.values()
    ids = [group.id for group in groups if identifier in (transitive(call.tenant, group) if nested else group.members)]
    return _members(call, ids, cast=False, nested=False)


def _casts(path: str, handler: Handler, *, cost: int) -> tuple[Any, ...]:
    """Return the routes of a member list with an OData cast to user, with and without `/$count`."""
    call = "membersWithLicenseErrors" if "Errors" in path else "members"
    return tuple(
        route("GET", f"/groups/{{key}}/{path}/{cast}{count}", call, handler, cost=cost)
        for cast in ("microsoft.graph.user", "graph.user")
        for count in ("", "/$count")
    )


ROUTES = (
    route("GET", "/groups", "groups", groups),
    route("GET", "/groups/$count", "groups", groups_count),
    route("GET", "/groups/{key}", "groups", get_group),
    route("GET", "/groups/{key}/members", "members", members, cost=3),
    route("GET", "/groups/{key}/members/$count", "members", members, cost=3),
    route("GET", "/groups/{key}/transitiveMembers", "members", transitive_members, cost=5),
    route("GET", "/groups/{key}/transitiveMembers/$count", "members", transitive_members, cost=5),
    route("GET", "/groups/{key}/membersWithLicenseErrors", "membersWithLicenseErrors", members_in_error),
    route("GET", "/users/{key}/memberOf", "memberOf", member_of, cost=2),
    route("GET", "/users/{key}/transitiveMemberOf", "memberOf", member_of, cost=2),
    route("GET", "/groups/{key}/members/microsoft.graph.group", "members", members_group_cast, cost=3),
    *_casts("members", members_cast, cost=3),
    *_casts("transitiveMembers", transitive_members_cast, cost=5),
    *_casts("membersWithLicenseErrors", members_in_error_cast, cost=1),
)
