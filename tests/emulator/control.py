"""Handles requests below /emulator/, with which programs outside the emulator's process control and inspect it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.emulator.faults.answers import apply_delivery, retry_after
from tests.emulator.faults.model import ON_THE_WIRE, REPLACING, Kind, Registry
from tests.emulator.tenant import seeded
from tests.emulator.tenant.directory import load
from tests.emulator.wire import Answer, Body, Request, answer, encoded

if TYPE_CHECKING:
    from tests.emulator.server import Emulator


def handle(emulator: "Emulator", request: Request) -> Answer:
    """Answer GET, POST and DELETE on /emulator/faults, /requests, /tenants, /sent, /token and /throttling (README.md)."""
    path = request.path.removeprefix("/emulator/").strip("/")
    try:
        return _respond(emulator, request, path)
    except (KeyError, TypeError, ValueError) as error:
        return answer({"error": f"{type(error).__name__}: {error}"}, status=400)


def _respond(emulator: "Emulator", request: Request, path: str) -> Answer:
    registry: Registry = emulator.faults
    match request.method, path:
        case "GET", "faults":
            return answer({"value": registry.as_documents()})
        case "POST", "faults":
            body = request.document()
            return answer({"number": registry.add(body.pop("kind"), **body).number}, status=201)
        case "DELETE", "faults":
            registry.clear()
            return Answer(status=204)
        case "GET", "requests":
            return answer({"value": emulator.journal.as_documents()})
        case "DELETE", "requests":
            emulator.journal.clear()
            return Answer(status=204)
        case "GET", "tenants":
            return answer({"value": [_tenant_row(tenant) for tenant in emulator.tenants.values()]})
        case "POST", "tenants":
            document = request.document()
            count = document.pop("generate", None)
            tenant = emulator.add(seeded.generate(int(count), **document) if count is not None else load(document))
            return answer(_tenant_row(tenant), status=201)
        case "GET", "sent":
            return answer({"value": [mail for tenant in emulator.tenants.values() for mail in tenant.sent]})
        case "POST", "token":
            body = request.document()
            return answer({"access_token": emulator.bearer(str(body["tenant"]), roles=body.get("roles"))})
        case "POST", "throttling":
            body = request.document()
            tenant = emulator.tenants[str(body["tenant"])]
            tenant.throttled = bool(body.get("on", True))
            if "limit" in body:
                emulator.graph.throttle.limits[tenant.tenant_id] = int(body["limit"])
            return Answer(status=204)
        case _:
            return answer({"error": f"no {request.method} /emulator/{path}"}, status=404)


def _tenant_row(tenant: Any) -> dict[str, Any]:
    return {"name": tenant.name, "tenantId": tenant.tenant_id, "users": len(tenant.people), "apps": list(tenant.apps)}


def with_faults(
    registry: Registry, request: Request, handle: Callable[[Request], Answer]
) -> tuple[Answer, tuple[str, ...]]:
    """Return the answer of a host other than Graph and the names of the faults that were applied to it."""
    faults = registry.applicable(request, (), graph=False)
    response: Answer | None = None
    for fault in faults:
        if fault.kind in REPLACING and response is None:
            status = 429 if fault.kind is Kind.THROTTLED else fault.status
            if fault.kind is Kind.HTML:
                response = Answer(
                    status=status, body=Body(b"<html>unavailable</html>"), headers={"Content-Type": "text/html"}
                )
            else:
                body = Body(encoded({"error": "temporarily_unavailable"}))
                response = Answer(
                    status=status,
                    body=body,
                    headers={"Content-Type": "application/json"} | retry_after(fault.retry_after),
                )
    response = response or handle(request)
    for fault in faults:
        if fault.kind in ON_THE_WIRE:
            apply_delivery(fault, response)
    return response, tuple(fault.kind.value for fault in faults)
