"""Groups and their members (Graph: List groups, Get group, List group members, List group transitive members)."""

from collections.abc import Iterable, Sequence
from typing import Any

from tests.emulator import permissions
from tests.emulator.endpoints.graph import Call, find_user, not_found, route
from tests.emulator.odata import listing, query
from tests.emulator.odata.listing import Rows
from tests.emulator.tenant.directory import Group, Tenant
from tests.emulator.tenant.people import empty_value, selected
from tests.emulator.wire import Answer, answer

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


def _members(call: Call, ids: Sequence[str]) -> Answer:
    request = call.request
    text = request.parameter("$select")
    names = query.selection(request, query.DIRECTORY_OBJECT, single=False)[0] if text is not None else None
    size = query.page_size(request, names or ())
    token = request.parameter("$skiptoken")
    offset, size = listing.read_token(token) if token else (0, size)
    suffix = f"({','.join(names)})" if names else ""
    document: dict[str, Any] = {"@odata.context": f"{request.root}/$metadata#directoryObjects{suffix}"}
    if (request.parameter("$count") or "").lower() == "true" and request.eventual and not token:
        document["@odata.count"] = len(ids)
    if offset + size < len(ids):
        document["@odata.nextLink"] = listing.next_link(request, listing.page_token(offset + size, size))
    document["value"] = [_member_document(call, member, names) for member in ids[offset : offset + size]]
    return answer(document)


def _visible_members(call: Call) -> Sequence[str]:
    """Return the direct members that the app may see; for a hidden membership it needs Member.Read.Hidden."""
    group = find_group(call)
    hidden = str(group.document.get("visibility")).lower() == "hiddenmembership"
    return () if hidden and "Member.Read.Hidden" not in call.roles else group.members


def members(call: Call) -> Answer:
    return _members(call, _visible_members(call))


def nested_groups(call: Call) -> Answer:
    return _members(call, [member for member in _visible_members(call) if call.tenant.group(member) is not None])


def transitive_members(call: Call) -> Answer:
    return _members(call, transitive(call.tenant, find_group(call)))


def member_of(call: Call) -> Answer:
    """List the groups with a user as a direct member."""
    identifier = str(call.tenant.people.value(find_user(call), "id"))
    return _members(call, [group.id for group in call.tenant.groups.values() if identifier in group.members])


ROUTES = (
    route("GET", "/groups", "groups", groups),
    route("GET", "/groups/{key}", "groups", get_group),
    route("GET", "/groups/{key}/members", "members", members, cost=3),
    route("GET", "/groups/{key}/members/microsoft.graph.group", "members", nested_groups, cost=3),
    route("GET", "/groups/{key}/transitiveMembers", "members", transitive_members, cost=5),
    route("GET", "/users/{key}/memberOf", "memberOf", member_of, cost=2),
)
