"""JSON batching: `POST /$batch`. Each item is answered with its own status, headers and throttling."""

import base64
import json
from typing import Any

from tests.emulator.endpoints.graph import Call, route
from tests.emulator.wire import Answer, GraphError, Request, answer, encoded, split_url

MAXIMUM = 20
RESPONSE_HEADERS = (
    "content-type",
    "retry-after",
    "x-ms-resource-unit",
    "location",
    "odata-version",
    "cache-control",
    "request-id",
)


def batch(call: Call) -> Answer:
    """Answer at most 20 items with different ids, in reverse order; items that depend on a failed one get 424."""
    items = call.request.document().get("requests")
    if not isinstance(items, list) or not items:
        raise GraphError(400, "BadRequest", "Invalid batch payload format.")
    if len(items) > MAXIMUM:
        raise GraphError(400, "BadRequest", f"Number of batch request steps exceeds the maximum value of {MAXIMUM}.")
    ids: set[str] = set()
    for item in items:
        identifier = str(item.get("id", "")).lower() if isinstance(item, dict) else ""
        if not identifier or identifier in ids or not item.get("method") or not item.get("url"):
            raise GraphError(400, "BadRequest", "Invalid batch payload format.")
        ids.add(identifier)
    responses: dict[str, dict[str, Any]] = {}
    for item in items:
        responses[str(item["id"])] = _item(call, item, responses)
    # Real batches come back in any order; a client that relies on order must fail here.
    return answer({"responses": list(reversed(responses.values()))})


def _item(call: Call, item: dict[str, Any], responses: dict[str, dict[str, Any]]) -> dict[str, Any]:
    identifier = str(item["id"])
    if any(responses.get(str(name), {"status": 424})["status"] >= 400 for name in item.get("dependsOn", ())):
        error = {"error": {"code": "FailedDependency", "message": "The dependency of this request has failed."}}
        return {"id": identifier, "status": 424, "headers": {"Content-Type": "application/json"}, "body": error}
    path, query = split_url(str(item["url"]))
    headers = {str(name).lower(): str(value) for name, value in (item.get("headers") or {}).items()}
    for name in ("authorization", "client-request-id"):
        if name in call.request.headers:
            headers.setdefault(name, call.request.headers[name])
    body = item.get("body")
    response = call.perform(
        Request(
            method=str(item["method"]).upper(), path="/" + path.removeprefix("/v1.0").lstrip("/"), query=query, headers=headers,
            body=encoded(body) if body is not None else b"", root=call.request.root, elsewhere=call.request.elsewhere,
            batched=True,
        )
    )  # fmt: skip
    response_headers = {name: value for name, value in response.headers.items() if name.lower() in RESPONSE_HEADERS}
    row: dict[str, Any] = {"id": identifier, "status": response.status, "headers": response_headers}
    plain = response.body.plain
    if plain:
        is_json = "json" in response.headers.get("Content-Type", "")
        row["body"] = json.loads(plain) if is_json else base64.b64encode(plain).decode()
    return row


ROUTES = (route("POST", "/$batch", "batch", batch),)
