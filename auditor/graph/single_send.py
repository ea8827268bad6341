"""Sends one request that must not be repeated, and distinguishes accepted, refused and unknown outcomes."""

import asyncio
import warnings
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from auditor.domain.errors import GraphError
from auditor.domain.message import Message, detailed
from auditor.graph.attempt_outcome import AttemptError, Fail, Retry, outcome_of
from auditor.graph.client import Call, Graph
from auditor.graph.errors import REMEDIES, Fault, FaultError, FaultKind

if TYPE_CHECKING:
    import httpx

_TIMEOUT: Final = 120.0
"""Seconds to wait for an answer."""


class Accepted(Struct, frozen=True, kw_only=True):
    """Graph accepted the request."""

    body: bytes


class Refused(Struct, frozen=True, kw_only=True):
    """The request was certainly not carried out."""

    fault: Fault


class UnknownOutcome(Struct, frozen=True, kw_only=True):
    """The outcome is unknown: no answer arrived, or one that reports a failure of the service."""

    fault: Fault


Reply = Accepted | Refused | UnknownOutcome


async def post_once(
    graph: Graph,
    path: str,
    body: bytes,
    *,
    media_type: str,
    request_name: str,
    request_id: str,
    time_limit: float = _TIMEOUT,
) -> Reply:
    """POST to a path below the Graph root; repeat only if Graph did not process the request (401, 429).

    `request_name` names the request in messages; `request_id` is a GUID for Microsoft's support; `time_limit` is in
    seconds.
    """
    import httpx  # noqa: PLC0415 - only live work needs it

    headers = {"Accept": "application/json", "client-request-id": request_id, "x-ms-throttle-priority": "normal"}
    unknown = False  # whether Graph may have processed an attempt; then there is no other one

    async def send(_link: str | None) -> "httpx.Response | None":
        nonlocal unknown
        if unknown:  # the attempt before ended without an answer that could be read
            raise _no_response(request_name, graph, TimeoutError())
        unknown = True
        try:
            with warnings.catch_warnings():
                # aiohttp warns about bodies above 1 MB that are not streamed because they block the event loop; mails
                # are sent one at a time.
                warnings.simplefilter("ignore", ResourceWarning)
                async with asyncio.timeout(time_limit):
                    response = await graph.send("POST", path, headers=headers, body=body, media_type=media_type)
        except (FaultError, GraphError):  # refused before anything was sent
            unknown = False
            raise
        except (httpx.TransportError, TimeoutError) as error:
            unknown = not _not_connected(error)
            raise _no_response(request_name, graph, error) from None
        if response is None:
            empty = Message("{asked} returned an empty response", asked=request_name)
            raise AttemptError(Fail(fault=Fault(kind=FaultKind.NOT_GRAPH, message=empty)))
        outcome = outcome_of(response.status_code, response.headers, response.content, request_name=request_name)
        unknown = response.status_code >= 500 or response.status_code == 408
        if isinstance(outcome, Retry) and response.status_code != 429:
            raise AttemptError(Fail(fault=outcome.fault))
        return response

    try:
        answer = await graph.answer(Call(name=request_name, units=0, send=send), bytes)
    except FaultError as error:
        return UnknownOutcome(fault=error.fault) if unknown else Refused(fault=error.fault)
    return Accepted(body=answer.value)


def _no_response(request_name: str, graph: Graph, error: Exception) -> AttemptError:
    text = Message("{asked} got no response: {name}", asked=request_name, name=type(error).__name__)
    message = detailed(text, graph.sign_in.secrets.scrub(str(error))[:200])
    fault = Fault(kind=FaultKind.UNREACHABLE, message=message, remedy=REMEDIES[FaultKind.UNREACHABLE])
    return AttemptError(Fail(fault=fault))


def _not_connected(error: Exception) -> bool:
    """Return whether no connection was established, so that nothing can have been sent."""
    import aiohttp  # noqa: PLC0415 - only live work needs it

    return isinstance(error.__cause__, aiohttp.ClientConnectorError)
