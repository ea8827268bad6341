"""`GET /users/delta` (Graph: user: delta): pages that end with a deltaLink for the next call."""

from typing import Any

from tests.emulator import permissions
from tests.emulator.endpoints.graph import Call, route
from tests.emulator.odata import listing, query
from tests.emulator.wire import Answer, GraphError, Request, answer

PAGE = 200
UNSUPPORTED = ("$top", "$expand", "$orderby", "$search")


def users_delta(call: Call) -> Answer:
    """List all users without a token, only removed users with `$deltatoken`, and none with `$deltatoken=latest`."""
    request = call.request
    for name in UNSUPPORTED:
        if request.parameter(name) is not None:
            raise query.unsupported(f"The query parameter '{name}' is not supported with delta queries.")
    names, explicit = query.selection(request, query.USER, single=False)
    if "signInActivity" in names:
        permissions.check_sign_in(call.roles, premium=call.tenant.premium)
    token = request.parameter("$deltatoken")
    offset, size = _offset_and_size(request, token)
    people = call.tenant.people
    properties = tuple(dict.fromkeys((*names, "id")))
    rows: list[dict[str, Any]] = []
    if token is None:
        rows = [people.document(position, properties) for position in range(offset, min(offset + size, len(people)))]
    elif token != "latest":
        rows = [{"id": identifier, "@removed": {"reason": "changed"}} for identifier in call.tenant.removed]
    suffix = f"({','.join(names)})" if explicit else ""
    document: dict[str, Any] = {"@odata.context": f"{request.root}/$metadata#users{suffix}"}
    if token is None and offset + size < len(people):
        document["@odata.nextLink"] = listing.next_link(request, listing.page_token(offset + size, size))
    else:
        delta_token = listing.page_token(call.tenant.version, 0)
        document["@odata.deltaLink"] = listing.next_link(request, delta_token, parameter="$deltatoken")
    return answer(document | {"value": rows})


def _offset_and_size(request: Request, token: str | None) -> tuple[int, int]:
    """Return offset and size of the requested page; raises GraphError 400 if a token is invalid."""
    skip = request.parameter("$skiptoken")
    if token == "":
        return 0, PAGE
    if token is not None and token != "latest":
        try:
            listing.read_token(token)
        except GraphError:
            raise GraphError(400, "Directory_InvalidDeltaToken", "The provided delta token is invalid.") from None
    return listing.read_token(skip) if skip else (0, PAGE)


ROUTES = tuple(
    route("GET", path, "users", users_delta, cost=2)
    for path in ("/users/delta", "/users/delta()", "/users/microsoft.graph.delta")
)
