"""Turns a Graph request with a verified caller into the answer of the tenant's state."""

import re
from collections.abc import Callable
from typing import Any

from msgspec import Struct, field

from tests.emulator import permissions
from tests.emulator.odata import listing, query
from tests.emulator.odata.listing import PageCache, Rows
from tests.emulator.tenant.directory import Tenant
from tests.emulator.wire import Answer, GraphError, Request, answer

RESOURCE_UNITS = {
    "skus": 3,
    "users": 2,
    "licenseDetails": 2,
    "memberOf": 2,
    "members": 3,
    "transitive": 5,
    "getByIds": 3,
}
DIRECTORY_CALLS = frozenset(permissions.SUFFICIENT) - permissions.MAIL_CALLS - {"reports", "reportSettings", "batch"}


def _refuse(item: Request) -> Answer:
    raise GraphError(400, "BadRequest", f"{item.method} {item.path} cannot be carried out here.")


class Call(Struct, frozen=True, kw_only=True):
    """A request with the tenant and roles of its token, and the parameters of its path."""

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
    """One operation; `call` names its row in the table of permissions, `cost` its resource units."""

    method: str
    pattern: re.Pattern[str]
    call: str
    handler: Handler
    cost: int


def not_found(key: str) -> GraphError:
    message = f"Resource '{key}' does not exist or one of its queried reference-property objects are not present."
    return GraphError(404, "Request_ResourceNotFound", message)


def cost(route: Route, request: Request) -> int | None:
    """Resource units: $select one less, $expand one more, $top below 20 one less, at least one; None off the directory."""
    if route.call not in DIRECTORY_CALLS:
        return None
    units = route.cost - (request.parameter("$select") is not None) + (request.parameter("$expand") is not None)
    top = request.parameter("$top")
    if top is not None and top.isdigit() and int(top) < 20:
        units -= 1
    return max(units, 1)


def user_rows(tenant: Tenant) -> Rows:
    people = tenant.people
    return Rows(positions=range(len(people)), value=people.value, document=people.document, starting=people.starting)


def find_user(call: Call) -> int:
    """The position of the user that the path names by id or userPrincipalName; raises GraphError 404."""
    position = call.tenant.people.find(call.key)
    if position is None:
        raise not_found(call.key)
    return position


def users(call: Call) -> Answer:
    asked = query.parse(call.request, query.USER)
    used = asked.filter.properties if asked.filter else set()
    if "signInActivity" in asked.names or "signInActivity" in used:
        permissions.check_sign_in(call.roles, premium=call.tenant.premium)
    return listing.page(
        call.request, asked, user_rows(call.tenant), tenant=call.tenant, kind=query.USER, cache=call.cache,
        readable=permissions.readable(asked.names, call.roles),
    )  # fmt: skip


def users_count(call: Call) -> Answer:
    asked = query.parse(call.request, query.USER) if call.request.eventual else _NOTHING
    return listing.count(
        call.request, asked, user_rows(call.tenant), tenant=call.tenant, kind=query.USER, cache=call.cache
    )


_NOTHING = query.Query(names=(), explicit=False, size=0, count=False)


def one_user(call: Call) -> Answer:
    names, explicit = query.selection(call.request, query.USER, one=True)
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
    for name in ("$filter", "$top", "$orderby"):
        if call.request.parameter(name) is not None:
            raise query.unsupported(f"The query parameter '{name}' is not supported on subscribedSkus.")
    return _plain(call, "subscribedSkus", call.tenant.skus, query.SKU)


def one_sku(call: Call) -> Answer:
    if not re.fullmatch(r"[0-9a-fA-F-]{36}_[0-9a-fA-F-]{36}", call.key):
        message = "Invalid object identifier. It must be a string in the form of [Guid]_[Guid]."
        raise GraphError(400, "Request_BadRequest", message)
    found = next((row for row in call.tenant.skus if str(row["id"]).lower() == call.key.lower()), None)
    if found is None:
        raise not_found(call.key)
    names, explicit = query.selection(call.request, query.SKU, one=True)
    shown = {name: found.get(name) for name in names} if explicit else found
    return answer({"@odata.context": f"{call.request.root}/$metadata#subscribedSkus/$entity"} | shown)


def subscriptions(call: Call) -> Answer:
    return _plain(call, "directory/subscriptions", call.tenant.subscriptions, None)


def one_subscription(call: Call) -> Answer:
    wanted = call.key.lower()
    key = "commerceSubscriptionId" if "(" in call.request.path else "id"
    for row in call.tenant.subscriptions:
        if str(row.get(key, "")).lower() == wanted:
            return answer({"@odata.context": f"{call.request.root}/$metadata#directory/subscriptions/$entity"} | row)
    raise not_found(call.key)


def organization(call: Call) -> Answer:
    return _plain(call, "organization", [call.tenant.organization], None)


def one_organization(call: Call) -> Answer:
    if call.key.lower() != call.tenant.tenant_id.lower():
        raise not_found(call.key)
    document = call.tenant.organization
    return answer({"@odata.context": f"{call.request.root}/$metadata#organization/$entity"} | document)


def _plain(call: Call, entity: str, rows: list[dict[str, Any]], kind: query.Kind | None) -> Answer:
    """A short collection that always comes whole."""
    text = call.request.parameter("$select")
    suffix = ""
    if text is not None:
        names = query.selection(call.request, kind, one=False)[0] if kind else tuple(text.split(","))
        rows = [{name: row.get(name) for name in names} for row in rows]
        suffix = f"({','.join(names)})"
    return answer({"@odata.context": f"{call.request.root}/$metadata#{entity}{suffix}", "value": rows})


def route(method: str, path: str, call: str, handler: Handler, *, cost: int = 1) -> Route:
    """A route; `{key}` and `{second}` in the path match one segment each."""
    pattern = re.escape(path).replace(r"\{key\}", "(?P<key>[^/()]+)").replace(r"\{second\}", "(?P<second>[^/()]+)")
    return Route(method=method, pattern=re.compile(pattern), call=call, handler=handler, cost=cost)


READ = (
    route("GET", "/subscribedSkus", "skus", subscribed_skus, cost=3),
    route("GET", "/subscribedSkus/{key}", "skus", one_sku, cost=3),
    route("GET", "/directory/subscriptions", "subscriptions", subscriptions),
    route("GET", "/directory/subscriptions/{key}", "subscriptions", one_subscription),
    route("GET", "/directory/subscriptions(commerceSubscriptionId='{key}')", "subscriptions", one_subscription),
    route("GET", "/organization", "organization", organization),
    route("GET", "/organization/{key}", "organization", one_organization),
    route("GET", "/users", "users", users, cost=2),
    route("GET", "/users/$count", "users", users_count, cost=2),
    route("GET", "/users/{key}", "users", one_user, cost=2),
)


def resolve(routes: tuple[Route, ...], request: Request) -> tuple[Route, str, str]:
    """The route of a request with its path parameters; raises GraphError 400 or 405 for what is not there."""
    known = False
    for candidate in routes:
        matched = candidate.pattern.fullmatch(request.path)
        if matched is None:
            continue
        known = True
        if candidate.method == request.method:
            found = matched.groupdict()
            return candidate, found.get("key", ""), found.get("second", "")
    if known:
        raise GraphError(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
    segment = request.path.strip("/").split("/")[-1]
    raise GraphError(400, "BadRequest", f"Resource not found for the segment '{segment}'.")
