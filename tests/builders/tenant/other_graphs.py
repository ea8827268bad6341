"""Small Graph services that differ from Microsoft's in details of the protocol, and collections from them."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from msgspec import Struct, field

from auditor.domain.enums import Source
from auditor.domain.policy.data_needs import Needs
from auditor.domain.settings import Tenant, Token
from tests.builders.service.web_server import Request, Response, web_server
from tests.builders.tenant.collection import AGGREGATES, PEOPLE, Collected, collect

TENANT = "11111111-2222-4333-8444-555555555555"
SKU = "05e9a617-0261-4cee-bb44-138d3ef5d965"
NEEDS = PEOPLE.union(Needs(sources=AGGREGATES | {Source.GROUPS}, licensed_groups=True))
COUNT = 7


def person(number: int) -> dict[str, Any]:
    return {
        "id": f"00000000-0000-4000-8000-{number:012}",
        "userPrincipalName": f"user{number}@contoso.example",
        "accountEnabled": True,
        "assignedLicenses": [{"skuId": SKU, "disabledPlans": []}],
        "licenseAssignmentStates": [{"skuId": SKU, "state": "Active", "error": "None", "disabledPlans": []}],
    }


def sku(**more: Any) -> dict[str, Any]:
    units = {"enabled": 10, "warning": 0, "suspended": 0, "lockedOut": 0}
    return {"skuId": SKU, "skuPartNumber": "SPE_E3", "prepaidUnits": units, "consumedUnits": COUNT, **more}


class Accent(Struct):
    """How a service answers; by default like Graph, with three users per page."""

    protocol: str = "HTTP/1.1"
    framing: str = "length"
    count: tuple[int, bytes] = (200, str(COUNT).encode())
    dress: Callable[[dict[str, Any]], bytes] = lambda document: json.dumps(document).encode()
    headers: dict[str, str] = field(default_factory=dict)
    link: Callable[[str, str], Any] = lambda root, token: f"{root}/users?$skiptoken={token}"
    people: list[Any] = field(default_factory=lambda: [person(number) for number in range(COUNT)])
    skus: list[Any] = field(default_factory=lambda: [sku()])
    subscriptions: list[Any] = field(default_factory=list)
    groups: list[Any] = field(default_factory=list)
    first: Callable[[str], tuple[int, dict[str, str], bytes] | None] = lambda path: None  # noqa: ARG005
    asked: list[str] = field(default_factory=list)


def _respond(accent: Accent, request: Request) -> Response:
    if request.method == "POST":
        return Response(body=b'{"value": []}')
    accent.asked.append(request.path)
    status, headers, body = accent.first(request.path) or _answer(accent, request)
    if accent.framing == "chunked":
        pieces = [body[start : start + 100] for start in range(0, len(body), 100)]
        body = b"".join(f"{len(piece):X};note=1\r\n".encode() + piece + b"\r\n" for piece in pieces) + b"0\r\n\r\n"
        return Response(status=status, headers={**headers, "transfer-encoding": "Chunked"}, body=body)
    framing = {"CONTENT-LENGTH": str(len(body))} if accent.framing == "length" else {"Connection": "close"}
    return Response(status=status, headers=headers | framing, body=body)


def _answer(accent: Accent, request: Request) -> tuple[int, dict[str, str], bytes]:
    address = urlsplit(request.path)
    root = f"http://{request.headers['host']}/v1.0"
    match address.path.removeprefix("/v1.0"):
        case "/users/$count":
            return (accent.count[0], {"Content-Type": "text/plain"}, accent.count[1])
        case "/users":
            start = int(parse_qs(address.query).get("$skiptoken", ["0"])[0])
            document: dict[str, Any] = {"value": accent.people[start : start + 3]}
            if start + 3 < len(accent.people):
                document["@odata.nextLink"] = accent.link(root, str(start + 3))
        case "/subscribedSkus":
            document = {"value": accent.skus}
        case "/directory/subscriptions":
            document = {"value": accent.subscriptions}
        case "/groups":
            document = {"value": accent.groups if "hasMembers" not in address.query else []}
        case "/organization":
            document = {"value": [{"id": TENANT.upper(), "displayName": "Contoso"}]}
        case _:
            return 404, {}, b"{}"
    return 200, accent.headers, accent.dress(document)


@contextmanager
def served(accent: Accent) -> Iterator[str]:
    with web_server(lambda request: _respond(accent, request), protocol=accent.protocol) as port:
        yield f"http://127.0.0.1:{port}/v1.0"


def collected_from(accent: Accent, needs: Needs = NEEDS) -> Collected:
    with served(accent) as endpoint:
        tenant = Tenant(name="contoso", tenant_id=TENANT, credential=Token(token_env="T"), endpoint=endpoint)
        return collect(None, needs, tenant=tenant, env={"T": "opaque-token"})  # type: ignore[arg-type] # it has its own
