"""Routes of Graph, and the handlers for users, subscribedSkus, subscriptions and the organization."""

import re
from collections.abc import Callable
from typing import Any

from msgspec import Struct, field

from tests.emulator import permissions
from tests.emulator.odata import listing, query
from tests.emulator.odata.listing import PageCache, Rows
from tests.emulator.tenant.directory import Tenant
from tests.emulator.wire import Answer, GraphError, Request, answer

DIRECTORY_CALLS = frozenset(permissions.SUFFICIENT) - permissions.MAIL_CALLS - {"reports", "batch"}


def _refuse(item: Request) -> Answer:
    raise GraphError(400, "BadRequest", f"{item.method} {item.path} cannot be carried out here.")


class Call(Struct, frozen=True, kw_only=True):
    """A request with the tenant and roles of its token and the parameters of its path."""

    request: Request
    tenant: Tenant
    roles: frozenset[str]
    client_id: str
    cache: PageCache
    key: str = ""
    second: str = ""
    perform: Callable[[Request], Answer] = _refuse
    uploads: dict[str, Any] = field(default_factory=dict)


Handler = Callable[[Call], Answer]


class Route(Struct, frozen=True, kw_only=True):
    """One operation; `call` is its key in `permissions.SUFFICIENT`, `cost` its price in resource units."""

    method: str
    pattern: re.Pattern[str]
    call: str
    handler: Handler
    cost: int


def not_found(key: str) -> GraphError:
    message = f"Resource '{key}' does not exist or one of its queried reference-property objects are not present."
    return GraphError(404, "Request_ResourceNotFound", message)


def cost(route: Route, request: Request) -> int | None:
    """Return the resource units of a request: $select -1, $top below 20 -1, at least 1.

    None for operations outside the directory, which have no resource units. Source: Graph's page "Microsoft Graph
    service-specific throttling limits", section on identity and access.
    """
    if route.call not in DIRECTORY_CALLS:
        return None
    units = route.cost - (request.parameter("$select") is not None)
    top = request.parameter("$top")
    if top is not None and top.isdigit() and int(top) < 20:
        units -= 1
    return max(units, 1)


def user_rows(tenant: Tenant) -> Rows:
    """Return the users of a tenant as rows to page through."""
    people = tenant.people
    return Rows(positions=range(len(people)), value=people.value, document=people.document)


def find_user(call: Call) -> int:
    """Return the index of the user whose id or userPrincipalName is in the path; raises GraphError 404."""
    position = call.tenant.people.find(call.key)
    if position is None:
        raise not_found(call.key)
    return position


def users(call: Call) -> Answer:
    """List users."""
    parsed = query.parse(call.request, query.USER)
    if "signInActivity" in parsed.names:
        permissions.check_sign_in(call.roles, premium=call.tenant.premium)
    return listing.page(
        call.request, parsed, user_rows(call.tenant), tenant=call.tenant, kind=query.USER, cache=call.cache,
        readable=permissions.readable(parsed.names, call.roles),
    )  # fmt: skip


def users_count(call: Call) -> Answer:
    """Return the number of users as text."""
    parsed = query.parse(call.request, query.USER) if call.request.eventual else _NOTHING
    return listing.count(call.request, parsed, user_rows(call.tenant), tenant=call.tenant, cache=call.cache)


_NOTHING = query.Query(names=(), explicit=False, size=0, count=False)


def get_user(call: Call) -> Answer:
    """Get a user; signInActivity can be read only by id, not by userPrincipalName."""
    names, explicit = query.selection(call.request, query.USER, single=True)
    position = find_user(call)
    if "signInActivity" in names:
        permissions.check_sign_in(call.roles, premium=call.tenant.premium)
        if "@" in call.key:
            raise GraphError(400, "BadRequest", "Get By Key only supports UserId and the key has to be a valid Guid")
    document = call.tenant.people.document(position, names)
    readable = permissions.readable(names, call.roles)
    if readable is not None:
        document = {name: value if name in readable else None for name, value in document.items()}
    suffix = f"({','.join(names)})" if explicit else ""
    return answer({"@odata.context": f"{call.request.root}/$metadata#users{suffix}/$entity"} | document)


def subscribed_skus(call: Call) -> Answer:
    """List subscribedSkus; only $select is supported."""
    for name in ("$filter", "$top"):
        if call.request.parameter(name) is not None:
            raise query.unsupported(f"The query parameter '{name}' is not supported on subscribedSkus.")
    return _collection(call, "subscribedSkus", call.tenant.skus, query.SKU)


def subscriptions(call: Call) -> Answer:
    return _collection(call, "directory/subscriptions", call.tenant.subscriptions, None)


def organization(call: Call) -> Answer:
    return _collection(call, "organization", [call.tenant.organization], None)


def _collection(call: Call, entity: str, rows: list[dict[str, Any]], kind: query.Kind | None) -> Answer:
    """Return a short collection, always on a single page."""
    text = call.request.parameter("$select")
    suffix = ""
    if text is not None:
        names = query.selection(call.request, kind, single=False)[0] if kind else tuple(text.split(","))
        rows = [{name: row.get(name) for name in names} for row in rows]
        suffix = f"({','.join(names)})"
    return answer({"@odata.context": f"{call.request.root}/$metadata#{entity}{suffix}", "value": rows})


def route(method: str, path: str, call: str, handler: Handler, *, cost: int = 1) -> Route:
    """Return a route; `{key}` and `{second}` in the path match one segment each."""
    pattern = re.escape(path).replace(r"\{key\}", "(?P<key>[^/()]+)").replace(r"\{second\}", "(?P<second>[^/()]+)")
    return Route(method=method, pattern=re.compile(pattern), call=call, handler=handler, cost=cost)


READ = (
    route("GET", "/subscribedSkus", "skus", subscribed_skus, cost=3),
    route("GET", "/directory/subscriptions", "subscriptions", subscriptions),
    route("GET", "/organization", "organization", organization),
    route("GET", "/users", "users", users, cost=2),
    route("GET", "/users/$count", "users", users_count, cost=2),
    route("GET", "/users/{key}", "users", get_user, cost=2),
)


def resolve(routes: tuple[Route, ...], request: Request) -> tuple[Route, str, str]:
    """Return the route of a request and its path parameters.

    Raises GraphError 400 for an unknown path, and 405 for an unknown method of a known path.
    """
    path_exists = False
    for candidate in routes:
        match = candidate.pattern.fullmatch(request.path)
        if match is None:
            continue
        path_exists = True
        if candidate.method == request.method:
            parameters = match.groupdict()
            return candidate, parameters.get("key", ""), parameters.get("second", "")
    if path_exists:
        raise GraphError(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
    segment = request.path.strip("/").split("/")[-1]
    raise GraphError(400, "BadRequest", f"Resource not found for the segment '{segment}'.")
