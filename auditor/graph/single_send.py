"""Sends one request that must not be carried out twice, and tells taken, refused and unknown apart."""

import asyncio
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, assert_never

from auditor.domain.errors import GraphError
from auditor.domain.message import Message
from auditor.graph.client import Graph
from auditor.graph.errors import REMEDIES, Fault, FaultError, GraphErrorKind
from auditor.graph.retry_policy import Fail as Refusal
from auditor.graph.retry_policy import Ok, Retry, SignInAgain, judge

if TYPE_CHECKING:
    import httpx

_RENEWALS: Final = 2
_LONGEST_WAIT: Final = 300.0
"""Seconds that all waits on throttling may take together."""
_WITHIN: Final = 120.0
"""Seconds in which an answer must have come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Graph answered that it took the request."""

    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The request was certainly not carried out."""

    fault: Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """Nobody can tell whether the request was carried out: no answer came, or one that blames the service."""

    fault: Fault


Reply = Taken | Refused | Unknown


async def post_once(
    graph: Graph, path: str, body: bytes, *, media_type: str, asked: str, request_id: str, within: float = _WITHIN
) -> Reply:
    """POST to a path below the root; it is sent again only where Graph said that it did not look at it (429, 401).

    `asked` names the request in words, `request_id` is a GUID that Microsoft's support can look for.
    """
    waited = 0.0
    renewals = 0
    while True:
        outcome = await _attempt(
            graph, path, body, media_type=media_type, asked=asked, request_id=request_id, within=within
        )
        match outcome:
            case SignInAgain(fault=found, token=refused):
                renewals += 1
                if renewals > _RENEWALS or not await graph.sign_in.renew(refused):
                    return Refused(fault=found)
            case Retry(fault=found, wait=wait):
                pause = graph.patience.wait(3) if wait is None else wait
                if waited + pause > min(_LONGEST_WAIT, graph.patience.budget):
                    return Refused(fault=found)
                waited += pause
                await graph.patience.sleep(pause)
            case Taken() | Refused() | Unknown():
                return outcome
            case _:
                assert_never(outcome)


async def _attempt(
    graph: Graph, path: str, body: bytes, *, media_type: str, asked: str, request_id: str, within: float
) -> Reply | Retry | SignInAgain:
    import httpx  # noqa: PLC0415 - only live work needs it

    try:
        async with asyncio.timeout(within):
            response = await _sent(graph, path, body, media_type=media_type, request_id=request_id)
    except FaultError as error:
        return Refused(fault=error.fault)
    except GraphError as error:
        return Refused(fault=Fault(kind=GraphErrorKind.SIGNED_OUT, message=error.message, remedy=error.hint))
    except (httpx.TransportError, TimeoutError) as error:
        told = graph.sign_in.secrets.scrub(str(error))[:200]
        words = Message("{asked} got no answer: {name}", asked=asked, name=type(error).__name__) + (
            f" ({told})" if told else ""
        )
        fault = Fault(kind=GraphErrorKind.UNREACHABLE, message=words, remedy=REMEDIES[GraphErrorKind.UNREACHABLE])
        return Refused(fault=fault) if _never_left(error) else Unknown(fault=fault)
    if response is None:
        nothing = Fault(
            kind=GraphErrorKind.NOT_GRAPH,
            message=Message("{asked} was answered with nothing", asked=asked),
            remedy=None,
        )
        return Unknown(fault=nothing)
    verdict = judge(response.status_code, response.headers, response.content, asked=asked)
    match verdict:
        case Ok():
            return Taken(body=response.content)
        case SignInAgain(fault=found):
            bearer = response.request.headers.get("authorization", "")
            return SignInAgain(fault=found, token=bearer.removeprefix("Bearer "))
        case Retry(fault=found, wait=wait) if response.status_code == 429:
            return Retry(fault=found, wait=wait)
        case Retry(fault=found):
            return Unknown(fault=found) if _blames_the_service(response.status_code) else Refused(fault=found)
        case Refusal(fault=found):
            return Unknown(fault=found) if _blames_the_service(response.status_code) else Refused(fault=found)
        case _:
            assert_never(verdict)


def _blames_the_service(status: int) -> bool:
    return status >= 500 or status == 408


def _never_left(error: Exception) -> bool:
    """Whether no connection came to be, so that nothing can have been sent."""
    import aiohttp  # noqa: PLC0415 - only live work needs it

    return isinstance(error.__cause__, aiohttp.ClientConnectorError)


async def _sent(graph: Graph, path: str, body: bytes, *, media_type: str, request_id: str) -> "httpx.Response | None":
    from kiota_abstractions.method import Method  # noqa: PLC0415
    from kiota_abstractions.native_response_handler import NativeResponseHandler  # noqa: PLC0415
    from kiota_abstractions.request_information import RequestInformation  # noqa: PLC0415
    from kiota_http.middleware.options import ResponseHandlerOption  # noqa: PLC0415
    from msgraph.generated.models.entity import Entity  # noqa: PLC0415

    request = RequestInformation()
    request.http_method = Method.POST
    request.url = f"{graph.root.url}{path}"
    request.headers.try_add("Accept", "application/json")
    request.headers.try_add("client-request-id", request_id)
    request.headers.try_add("x-ms-throttle-priority", "normal")
    request.set_stream_content(body, media_type)
    request.add_request_options([ResponseHandlerOption(NativeResponseHandler())])
    with warnings.catch_warnings():
        # aiohttp would have bodies above 1 MB in pieces, lest other work waits; mails go out one after the other.
        warnings.simplefilter("ignore", ResourceWarning)
        found: Any = await graph.sdk.request_adapter.send_async(request, Entity, {})
    response: httpx.Response | None = found
    return response
