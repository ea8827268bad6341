"""Sends one request that must not be repeated, and distinguishes accepted, refused and unknown outcomes."""

import asyncio
import warnings
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Final, assert_never

from msgspec import Struct

from auditor.domain.errors import GraphError
from auditor.domain.message import Message, detailed
from auditor.graph.client import Graph
from auditor.graph.errors import REMEDIES, Fault, FaultError, GraphErrorKind
from auditor.graph.retry_policy import Fail as Refusal
from auditor.graph.retry_policy import Ok, Retry, SignInAgain, classify

if TYPE_CHECKING:
    import httpx

_MAX_RENEWALS: Final = 2
_MAX_TOTAL_WAIT: Final = 300.0
"""Total seconds of all waits for throttling."""
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
    headers = {"Accept": "application/json", "client-request-id": request_id, "x-ms-throttle-priority": "normal"}
    send = partial(graph.send, "POST", path, headers=headers, body=body, media_type=media_type)
    waited = 0.0
    renewals = 0
    while True:
        outcome = await _attempt(graph, send, request_name, time_limit)
        match outcome:
            case SignInAgain(fault=fault, token=refused):
                renewals += 1
                if renewals > _MAX_RENEWALS or not await graph.sign_in.renew(refused):
                    return Refused(fault=fault)
            case Retry(fault=fault, wait=wait):
                pause = graph.retry_policy.wait(3) if wait is None else wait
                if waited + pause > min(_MAX_TOTAL_WAIT, graph.retry_policy.budget):
                    return Refused(fault=fault)
                waited += pause
                await graph.retry_policy.sleep(pause)
            case Accepted() | Refused() | UnknownOutcome():
                return outcome
            case _:
                assert_never(outcome)


async def _attempt(
    graph: Graph, send: "Callable[[], Awaitable[httpx.Response | None]]", request_name: str, time_limit: float
) -> Reply | Retry | SignInAgain:
    import httpx  # noqa: PLC0415 - only live work needs it

    try:
        with warnings.catch_warnings():
            # aiohttp warns about bodies above 1 MB that are not streamed because they block the event loop; mails are
            # sent one at a time.
            warnings.simplefilter("ignore", ResourceWarning)
            async with asyncio.timeout(time_limit):
                response = await send()
    except FaultError as error:
        return Refused(fault=error.fault)
    except GraphError as error:
        return Refused(fault=Fault(kind=GraphErrorKind.SIGNED_OUT, message=error.message, remedy=error.hint))
    except (httpx.TransportError, TimeoutError) as error:
        detail = graph.sign_in.secrets.scrub(str(error))[:200]
        unanswered = Message("{asked} got no response: {name}", asked=request_name, name=type(error).__name__)
        message = detailed(unanswered, detail)
        fault = Fault(kind=GraphErrorKind.UNREACHABLE, message=message, remedy=REMEDIES[GraphErrorKind.UNREACHABLE])
        return Refused(fault=fault) if _not_connected(error) else UnknownOutcome(fault=fault)
    if response is None:
        empty = Message("{asked} returned an empty response", asked=request_name)
        return UnknownOutcome(fault=Fault(kind=GraphErrorKind.NOT_GRAPH, message=empty, remedy=None))
    verdict = classify(response.status_code, response.headers, response.content, request_name=request_name)
    match verdict:
        case Ok():
            return Accepted(body=response.content)
        case SignInAgain(fault=fault):
            bearer = response.request.headers.get("authorization", "")
            return SignInAgain(fault=fault, token=bearer.removeprefix("Bearer "))
        case Retry() if response.status_code == 429:
            return verdict
        case Retry(fault=fault) | Refusal(fault=fault):
            is_service_failure = response.status_code >= 500 or response.status_code == 408
            return UnknownOutcome(fault=fault) if is_service_failure else Refused(fault=fault)
        case _:
            assert_never(verdict)


def _not_connected(error: Exception) -> bool:
    """Return whether no connection was established, so that nothing can have been sent."""
    import aiohttp  # noqa: PLC0415 - only live work needs it

    return isinstance(error.__cause__, aiohttp.ClientConnectorError)
