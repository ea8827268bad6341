"""Turns requests below /emulator/ into orders and questions, for programs outside the emulator's process."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from tests.emulator.faults.answers import delivered, retry_after
from tests.emulator.faults.model import ON_THE_WIRE, REPLACING, Kind, Registry
from tests.emulator.tenant import seeded
from tests.emulator.tenant.directory import load
from tests.emulator.wire import Answer, Body, Request, answer, encoded

if TYPE_CHECKING:
    from tests.emulator.server import Emulator


def handle(emulator: "Emulator", request: Request) -> Answer:
    """GET, POST, DELETE on /emulator/faults, /requests, /tenants, /sent, /token and /throttling (README.md)."""
    path = request.path.removeprefix("/emulator/").strip("/")
    try:
        return _handled(emulator, request, path)
    except (KeyError, TypeError, ValueError) as error:
        return answer({"error": f"{type(error).__name__}: {error}"}, status=400)


def _handled(emulator: "Emulator", request: Request, path: str) -> Answer:
    registry: Registry = emulator.faults
    match request.method, path:
        case "GET", "faults":
            return answer({"value": registry.described()})
        case "POST", "faults":
            order = request.document()
            return answer({"number": registry.add(order.pop("kind"), **order).number}, status=201)
        case "DELETE", "faults":
            registry.clear()
            return Answer(status=204)
        case "GET", "requests":
            return answer({"value": emulator.journal.described()})
        case "DELETE", "requests":
            emulator.journal.clear()
            return Answer(status=204)
        case "GET", "tenants":
            return answer({"value": [_described(tenant) for tenant in emulator.tenants.values()]})
        case "POST", "tenants":
            document = request.document()
            count = document.pop("generate", None)
            tenant = emulator.add(seeded.generate(int(count), **document) if count is not None else load(document))
            return answer(_described(tenant), status=201)
        case "GET", "sent":
            return answer({"value": [mail for tenant in emulator.tenants.values() for mail in tenant.sent]})
        case "POST", "token":
            order = request.document()
            return answer({"access_token": emulator.bearer(str(order["tenant"]), roles=order.get("roles"))})
        case "POST", "throttling":
            order = request.document()
            tenant = emulator.tenants[str(order["tenant"])]
            tenant.throttled = bool(order.get("on", True))
            if "limit" in order:
                emulator.graph.throttle.limits[tenant.tenant_id] = int(order["limit"])
            return Answer(status=204)
        case _:
            return answer({"error": f"no {request.method} /emulator/{path}"}, status=404)


def _described(tenant: Any) -> dict[str, Any]:
    return {"name": tenant.name, "tenantId": tenant.tenant_id, "users": len(tenant.people), "apps": list(tenant.apps)}


def with_faults(
    registry: Registry, request: Request, handle: Callable[[Request], Answer]
) -> tuple[Answer, tuple[str, ...]]:
    """The answer of a host that is not Graph, under the faults that make sense there."""
    struck = registry.struck(request, (), graph=False)
    made: Answer | None = None
    for fault in struck:
        if fault.kind in REPLACING and made is None:
            status = 429 if fault.kind is Kind.THROTTLED else fault.status
            if fault.kind is Kind.HTML:
                made = Answer(
                    status=status, body=Body(b"<html>unavailable</html>"), headers={"Content-Type": "text/html"}
                )
            else:
                body = Body(encoded({"error": "temporarily_unavailable"}))
                made = Answer(
                    status=status,
                    body=body,
                    headers={"Content-Type": "application/json"} | retry_after(fault.retry_after),
                )
    made = made or handle(request)
    for fault in struck:
        if fault.kind in ON_THE_WIRE:
            delivered(fault, made)
    return made, tuple(fault.kind.value for fault in struck)
