"""Turns a $batch into its items' answers: each with its own status, headers and throttling."""

import base64
import json
from typing import Any

from tests.emulator.endpoints.graph import Call, route
from tests.emulator.wire import Answer, GraphError, Request, answer, encoded, split_url

MAXIMUM = 20
CARRIED = (
    "content-type",
    "retry-after",
    "x-ms-resource-unit",
    "location",
    "odata-version",
    "cache-control",
    "request-id",
)


def batch(call: Call) -> Answer:
    """At most 20 items with different ids; dependants of a failed item get 424; answers come in reverse order."""
    items = call.request.document().get("requests")
    if not isinstance(items, list) or not items:
        raise GraphError(400, "BadRequest", "Invalid batch payload format.")
    if len(items) > MAXIMUM:
        raise GraphError(400, "BadRequest", f"Number of batch request steps exceeds the maximum value of {MAXIMUM}.")
    seen: set[str] = set()
    for item in items:
        identifier = str(item.get("id", "")).lower() if isinstance(item, dict) else ""
        if not identifier or identifier in seen or not item.get("method") or not item.get("url"):
            raise GraphError(400, "BadRequest", "Invalid batch payload format.")
        seen.add(identifier)
    done: dict[str, dict[str, Any]] = {}
    for item in items:
        done[str(item["id"])] = _item(call, item, done)
    # Real batches come back in any order; a client that relies on order must fail here.
    return answer({"responses": list(reversed(done.values()))})


def _item(call: Call, item: dict[str, Any], done: dict[str, dict[str, Any]]) -> dict[str, Any]:
    identifier = str(item["id"])
    if any(done.get(str(name), {"status": 424})["status"] >= 400 for name in item.get("dependsOn", ())):
        error = {"error": {"code": "FailedDependency", "message": "The dependency of this request has failed."}}
        return {"id": identifier, "status": 424, "headers": {"Content-Type": "application/json"}, "body": error}
    path, query = split_url(str(item["url"]))
    headers = {str(name).lower(): str(value) for name, value in (item.get("headers") or {}).items()}
    for name in ("authorization", "client-request-id"):
        if name in call.request.headers:
            headers.setdefault(name, call.request.headers[name])
    body = item.get("body")
    made = call.perform(
        Request(
            method=str(item["method"]).upper(), path="/" + path.removeprefix("/v1.0").lstrip("/"), query=query, headers=headers,
            body=encoded(body) if body is not None else b"", root=call.request.root, elsewhere=call.request.elsewhere,
            batched=True,
        )
    )  # fmt: skip
    shown = {name: value for name, value in made.headers.items() if name.lower() in CARRIED}
    row: dict[str, Any] = {"id": identifier, "status": made.status, "headers": shown}
    plain = made.body.plain
    if plain:
        is_json = "json" in made.headers.get("Content-Type", "")
        row["body"] = json.loads(plain) if is_json else base64.b64encode(plain).decode()
    return row


ROUTES = (route("POST", "/$batch", "batch", batch),)
