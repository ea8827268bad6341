"""Turns requests for changes into delta pages that end with a link for the next time."""

from typing import Any

from tests.emulator import permissions
from tests.emulator.endpoints.graph import Call, route
from tests.emulator.odata import listing, query
from tests.emulator.wire import Answer, GraphError, Request, answer

PAGE = 200
UNSUPPORTED = ("$top", "$expand", "$orderby", "$search")


def users_delta(call: Call) -> Answer:
    """A full pass without a token, nothing but removals with `$deltatoken`; `latest` skips the pass."""
    request = call.request
    for name in UNSUPPORTED:
        if request.parameter(name) is not None:
            raise query.unsupported(f"The query parameter '{name}' is not supported with delta queries.")
    names, explicit = query.selection(request, query.USER, one=False)
    if "signInActivity" in names:
        permissions.check_sign_in(call.roles, premium=call.tenant.premium)
    token = request.parameter("$deltatoken")
    offset, size = _place(request, token)
    people = call.tenant.people
    shown = tuple(dict.fromkeys((*names, "id")))
    rows: list[dict[str, Any]] = []
    if token is None:
        rows = [people.document(position, shown) for position in range(offset, min(offset + size, len(people)))]
    elif token != "latest":
        rows = [{"id": identifier, "@removed": {"reason": "changed"}} for identifier in call.tenant.removed]
    suffix = f"({','.join(names)})" if explicit else ""
    document: dict[str, Any] = {"@odata.context": f"{request.root}/$metadata#users{suffix}"}
    if token is None and offset + size < len(people):
        document["@odata.nextLink"] = listing.next_link(request, listing.page_token(offset + size, size))
    else:
        mark = listing.page_token(call.tenant.version, 0)
        document["@odata.deltaLink"] = listing.next_link(request, mark, parameter="$deltatoken")
    return answer(document | {"value": rows})


def _place(request: Request, token: str | None) -> tuple[int, int]:
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
