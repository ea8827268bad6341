"""Handles requests below /emulator/, with which programs outside the emulator's process set faults."""

from collections.abc import Callable

from tests.emulator.faults.answers import apply_delivery, retry_after
from tests.emulator.faults.model import ON_THE_WIRE, REPLACING, Kind, Registry
from tests.emulator.wire import Answer, Body, Request, answer, encoded


def handle(registry: Registry, request: Request) -> Answer:
    """Answer GET, POST and DELETE on /emulator/faults (README.md)."""
    path = request.path.removeprefix("/emulator/").strip("/")
    try:
        return _respond(registry, request, path)
    except (KeyError, TypeError, ValueError) as error:
        return answer({"error": f"{type(error).__name__}: {error}"}, status=400)


def _respond(registry: Registry, request: Request, path: str) -> Answer:
    match request.method, path:
        case "GET", "faults":
            return answer({"value": registry.as_documents()})
        case "POST", "faults":
            body = request.document()
            return answer({"number": registry.add(body.pop("kind"), **body).number}, status=201)
        case "DELETE", "faults":
            registry.clear()
            return Answer(status=204)
        case _:
            return answer({"error": f"no {request.method} /emulator/{path}"}, status=404)


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
