"""Faults that change the JSON document of an answer: links, rows and values as real tenants have sent them."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from tests.emulator.faults.model import Fault, Kind
from tests.emulator.odata.listing import next_link, page_token, read_token
from tests.emulator.wire import Answer, Body, Request, encoded

NEXT = "@odata.nextLink"
YEAR_ONE = "0001-01-01T00:00:00Z"
ENUMS = frozenset(
    {"capabilityStatus", "state", "error", "provisioningStatus", "status", "userType", "appliesTo", "tenantType"}
)
IDENTIFYING = frozenset({"id", "userPrincipalName", "skuId", "value"})
IDS = frozenset({"id", "skuId", "assignedByGroup", "servicePlanId"})


def alter_page(fault: Fault, response: Answer, request: Request) -> Answer:
    """Return the answer with its document changed; other answers than JSON and counts are returned unchanged."""
    if fault.kind is Kind.COUNT_DRIFT and response.body.plain.isdigit():
        count = int(response.body.plain) + int(fault.value or "-1")
        return Answer(status=response.status, body=Body(str(count).encode()), headers=dict(response.headers))
    if response.status != 200 or "json" not in response.headers.get("Content-Type", ""):
        return response
    document = json.loads(response.body.plain)
    change = CHANGES.get(fault.kind)
    if change is None:
        return response
    return Answer(status=200, body=Body(encoded(change(document, fault, request))), headers=dict(response.headers))


def _loop(document: dict[str, Any], fault: Fault, request: Request) -> dict[str, Any]:
    """Make the next link point to the same page."""
    del fault
    token = request.parameter("$skiptoken") or page_token(0, max(len(document.get("value", ())), 1))
    return document | {NEXT: next_link(request, token)}


def foreign_link(style: str, request: Request, link: str) -> str:
    """Return the link changed to another host; README.md lists the styles."""
    parts = urlsplit(link)
    rest = f"{parts.path}?{parts.query}"
    elsewhere = urlsplit(request.elsewhere)
    match style:
        case "upper-case":
            return f"{parts.scheme}://{parts.netloc.upper()}{rest}"
        case "userinfo":
            return f"{parts.scheme}://{parts.netloc}@{elsewhere.netloc}{rest}"
        case "look-alike":
            return f"{parts.scheme}://graph.micr\u043esoft.com{rest}"
        case "subdomain":
            return f"{parts.scheme}://{parts.hostname}.evil.example{rest}"
        case "http":
            return f"http://{elsewhere.netloc}{rest}"
        case "backslash":
            return f"{parts.scheme}://{elsewhere.netloc}\\@{parts.netloc}{rest}"
        case "relative":
            return rest
        case _:
            return f"{request.elsewhere}{rest}"


def _foreign(document: dict[str, Any], fault: Fault, request: Request) -> dict[str, Any]:
    link = document.get(NEXT) or next_link(request, page_token(0, 100))
    return document | {NEXT: foreign_link(fault.value, request, link)}


def _missing(document: dict[str, Any], fault: Fault, request: Request) -> dict[str, Any]:
    del fault, request
    return {name: value for name, value in document.items() if name != NEXT}


def _empty(document: dict[str, Any], fault: Fault, request: Request) -> dict[str, Any]:
    """Return no rows and a next link to the requested page, with a new token, so that it is not a loop."""
    token = request.parameter("$skiptoken")
    offset, size = read_token(token) if token else (0, int(request.parameter("$top") or 100))
    link = next_link(request, page_token(offset, size, f".e{fault.hits}"))
    return document | {"value": [], NEXT: link}


def _duplicates(document: dict[str, Any], fault: Fault, request: Request) -> dict[str, Any]:
    """Repeat the last three rows, as after a replay."""
    del fault, request
    rows = document.get("value", [])
    return document | {"value": [*rows, *rows[-3:]]}


def _moved(document: dict[str, Any], fault: Fault, request: Request) -> dict[str, Any]:
    """Drop the first row, as if it had moved to another page."""
    del fault, request
    return document | {"value": document.get("value", [])[1:]}


def _sign_in_empty(document: dict[str, Any], fault: Fault, request: Request) -> dict[str, Any]:
    """Leave out signInActivity, for every user or for each nth (`value`)."""
    del request
    step = int(fault.value or "1")
    for number, row in enumerate(document.get("value", ())):
        if number % step == 0:
            row.pop("signInActivity", None)
    return document


def _for_each_property(change: Callable[[str, Any], Any]) -> Callable[[dict[str, Any], Fault, Request], dict[str, Any]]:
    """Apply a change to every property at any depth; `...` as the result removes the property."""

    def walk(node: Any) -> Any:
        if isinstance(node, list):
            return [walk(item) for item in node]
        if not isinstance(node, dict):
            return node
        changed = {name: change(name, walk(value)) for name, value in node.items()}
        return {name: value for name, value in changed.items() if value is not ...}

    return lambda document, fault, request: walk(document)  # noqa: ARG005


def _nulls(name: str, value: Any) -> Any:
    return value if name in IDENTIFYING or name.startswith("@") else None


def _unknown(name: str, value: Any) -> Any:
    return "unknownFutureValue" if name in ENUMS and isinstance(value, str) and value != "None" else value


def _date(replacement: str) -> Callable[[str, Any], Any]:
    return lambda name, value: replacement if name.startswith("last") and name.endswith("SignInDateTime") else value


def _extra(document: dict[str, Any], fault: Fault, request: Request) -> dict[str, Any]:
    """Add keys that the metadata does not declare: servicePlanType to plans, futureProperty to every row."""
    del fault, request
    for row in document.get("value", [document]):
        if isinstance(row, dict):
            row["futureProperty"] = {"since": 2027}
            for plan in row.get("servicePlans", ()):
                plan["servicePlanType"] = "SCO"
    return document


CHANGES: dict[Kind, Callable[[dict[str, Any], Fault, Request], dict[str, Any]]] = {
    Kind.NEXT_LINK_LOOP: _loop,
    Kind.NEXT_LINK_FOREIGN: _foreign,
    Kind.NEXT_LINK_MISSING: _missing,
    Kind.EMPTY_PAGE: _empty,
    Kind.DUPLICATES: _duplicates,
    Kind.MOVED: _moved,
    Kind.SIGN_IN_EMPTY: _sign_in_empty,
    Kind.EXTRA_KEYS: _extra,
    Kind.ERROR_NULL: _for_each_property(lambda name, value: None if name == "error" and value == "None" else value),
    Kind.NO_LOCKED_OUT: _for_each_property(lambda name, value: ... if name == "lockedOut" else value),
    Kind.UNKNOWN_ENUMS: _for_each_property(_unknown),
    Kind.NULLS: _for_each_property(_nulls),
    Kind.YEAR_ONE: _for_each_property(_date(YEAR_ONE)),
    Kind.EMPTY_DATES: _for_each_property(_date("")),
    Kind.UPPER_CASE_IDS: _for_each_property(
        lambda name, value: value.upper() if name in IDS and isinstance(value, str) else value
    ),
}


def mark_retried(response: Answer) -> Answer:
    """Mark the next link of the answer to a retried request, so that its token is refused later."""
    document = json.loads(response.body.plain)
    if NEXT not in document:
        return response
    document[NEXT] += ".r"
    return Answer(status=response.status, body=Body(encoded(document)), headers=dict(response.headers))
