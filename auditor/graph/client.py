"""Sends requests to Graph and decodes the answers, with sign-in, request guard, rate limit and retries."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar, assert_never, cast

from msgspec import Struct
from msgspec.structs import replace

from auditor.domain.errors import GraphError, printable
from auditor.domain.message import Message, detailed
from auditor.domain.settings import Tenant
from auditor.graph import clouds
from auditor.graph.attempt_outcome import (
    AttemptError,
    Fail,
    FailedAttempt,
    Retry,
    SignInAgain,
    error_of,
    outcome_of,
    parse_http_date,
)
from auditor.graph.auth.credentials import SignIn
from auditor.graph.errors import REMEDIES, Fault, FaultError, FaultKind
from auditor.graph.rate_limit import Clock, Quota, Sleep
from auditor.graph.request_guard import Root, root_of
from auditor.graph.sdk import open_sdk

if TYPE_CHECKING:
    import httpx
    from msgraph import GraphServiceClient

    from auditor.graph.transport.aiohttp_transport import Connections
    from auditor.graph.transport.response_record import ResponseRecord

T = TypeVar("T")
_MAX_RENEWALS = 3
"""Token renewals that one request may cause."""
_LOG = logging.getLogger(__name__)

_MAX_QUOTED = 200
"""Characters of a foreign text that a fault quotes."""


class NotGraphError(ValueError):
    """Raised by decoders for a body with status 200 that Graph cannot have sent: truncated, empty, another format."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message


class Call(Struct, frozen=True, kw_only=True):
    """A request of the SDK that can be sent repeatedly; passing a link requests that page of the list."""

    name: str
    """Method and path without parameters, for messages."""
    units: int
    """Cost in resource units (Graph's throttling limits for identity and access)."""
    send: "Callable[[str | None], Awaitable[httpx.Response | None]]"


class GraphResponse(Struct, Generic[T], frozen=True, kw_only=True):
    """A decoded answer of Graph."""

    value: T
    retried: bool
    """Whether more than one attempt was needed; Graph may reject the page token of such an answer."""


class RetryPolicy(Struct, frozen=True, kw_only=True):
    """Limits of retries: throttling is limited by time only, other failures by number too."""

    budget: float = 900.0
    """Seconds for one request, including all attempts and waits."""
    answer_timeout: float = 300.0
    """Seconds until the last byte of one answer."""
    failures: int = 7
    """Attempts that may fail for a reason other than throttling."""
    first_wait: float = 0.5
    max_wait: float = 60.0
    max_concurrency: int = 32
    """Concurrent requests of one tenant."""
    report_bytes: int = 2 << 30
    """Bytes of one usage report, as sent and after decompression."""
    sleep: Sleep = asyncio.sleep
    clock: Clock = time.monotonic

    def wait(self, attempt: int) -> float:
        """Return the seconds to wait after the nth attempt if the service specifies none: doubling, with jitter."""
        longest = min(self.max_wait, self.first_wait * 2.0 ** (attempt - 1))
        return longest * random.uniform(0.6, 1.0)  # noqa: S311 - spreads load, keeps no secret


@dataclass(slots=True, kw_only=True)
class Graph:
    """An open connection to the Graph of one tenant."""

    tenant: Tenant
    root: Root
    sdk: "GraphServiceClient"
    sign_in: SignIn
    connections: "Connections"
    """For requests to other hosts, without a token."""
    retry_policy: RetryPolicy
    quota: Quota
    record: "ResponseRecord | None" = None
    """The answers of an interrupted collection, to which new ones are added; `sdk` uses it too."""
    skew: float | None = None
    """Seconds that Graph's clock is ahead of this machine's, from the latest `Date` header; accurate to 0.5 s."""
    _slots: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._slots = asyncio.Semaphore(self.retry_policy.max_concurrency)

    async def answer(
        self,
        call: Call,
        decode: Callable[[bytes], T],
        *,
        link: str | None = None,
        throttled: Callable[[], None] | None = None,
        is_final: Callable[[T], bool] = lambda _: True,
    ) -> GraphResponse[T]:
        """Send a call, with retries, and return the decoded body.

        `decode` raises NotGraphError for an incomplete body, which causes a retry. `throttled` is called for every
        answer with status 429. `is_final` returns False for a value that contains refusals or failures: it is not
        recorded, so that a resumed collection requests it again. Raises FaultError if the retry policy is exhausted or
        the answer is a final refusal.
        """
        started = self.retry_policy.clock()
        attempt = failures = renewals = 0
        while True:
            attempt += 1
            outcome = await self._attempt(call, decode, link, is_final)
            match outcome:
                case GraphResponse():
                    return replace(outcome, retried=attempt > 1)
                case Fail(fault=fault):
                    raise FaultError(fault)
                case SignInAgain(fault=fault, token=refused):
                    renewals += 1
                    if renewals > _MAX_RENEWALS or not await self.sign_in.renew(refused):
                        raise FaultError(fault)
                case Retry(fault=fault, max_attempts=int(max_attempts)) if attempt >= max_attempts:
                    raise FaultError(fault)
                case Retry(fault=fault, wait=wait):
                    # `Retry-After: 0` counts as absent: retrying at once until the budget is spent would flood the
                    # service.
                    requested_wait = wait or None
                    failures += fault.kind is not FaultKind.THROTTLED and requested_wait is None
                    pause = (
                        self.retry_policy.wait(attempt)
                        if requested_wait is None
                        else max(requested_wait, self.retry_policy.wait(1))
                    )
                    remaining = self.retry_policy.budget - (self.retry_policy.clock() - started)
                    if failures >= self.retry_policy.failures or pause > remaining:
                        raise FaultError(_exhausted(fault, pause=pause, attempts=attempt))
                    if fault.kind is FaultKind.THROTTLED:
                        self.quota.pause(pause)
                        if throttled is not None:
                            throttled()
                    await self.retry_policy.sleep(pause)
                case _:
                    assert_never(outcome)

    async def send(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        media_type: str = "application/json",
        options: Sequence[Any] = (),
    ) -> "httpx.Response | None":
        """Send a request to a path below the Graph root once, through the SDK; redirects are not followed."""
        from kiota_abstractions.method import Method  # noqa: PLC0415
        from kiota_abstractions.request_information import RequestInformation  # noqa: PLC0415

        request = RequestInformation()
        request.http_method = Method(method)
        request.url = f"{self.root.url}{path}"
        for name, value in headers.items():
            request.headers.try_add(name, value)
        if body is not None:
            request.set_stream_content(body, media_type)
        request.add_request_options([native_response(), *options])
        response: Any = await self.sdk.request_adapter.send_primitive_async(request, "bytes", {})
        return cast("httpx.Response | None", response)

    async def _attempt(
        self, call: Call, decode: Callable[[bytes], T], link: str | None, is_final: Callable[[T], bool]
    ) -> GraphResponse[T] | FailedAttempt:
        import httpx  # noqa: PLC0415 - only collection needs it

        await self.quota.take(call.units)
        try:
            async with self._slots, asyncio.timeout(self.retry_policy.answer_timeout):
                response = await call.send(link)
        except TimeoutError as error:
            seconds = f"{self.retry_policy.answer_timeout:.0f}"
            timeout_message = Message("not complete after {longest_answer} s", longest_answer=seconds)
            return Retry(fault=_unreachable(call.name, error, timeout_message))
        except AttemptError as error:
            return error.outcome
        except FaultError as error:
            return Fail(fault=error.fault)
        except GraphError as error:
            # Any request may have to renew the token first; the renewal failed.
            return Fail(fault=Fault(kind=FaultKind.SIGNED_OUT, message=error.message, remedy=error.hint))
        except (httpx.TransportError, httpx.DecodingError) as error:
            fault = _unreachable(call.name, error, self.sign_in.secrets.scrub(str(error))[:_MAX_QUOTED])
            # A certificate failure is not transient: do not retry.
            return Fail(fault=fault) if "CERTIFICATE_VERIFY_FAILED" in str(error) else Retry(fault=fault)
        except httpx.InvalidURL as error:
            return Fail(fault=not_graph(call.name, Message(str(error)[:_MAX_QUOTED])))
        if response is None:
            return Retry(fault=not_graph(call.name, Message("no body")))
        return self._decode(call, response, decode, is_final)

    def _decode(
        self, call: Call, response: "httpx.Response", decode: Callable[[bytes], T], is_final: Callable[[T], bool]
    ) -> GraphResponse[T] | FailedAttempt:
        """Keep clock skew and cost from the headers; return the decoded body, or the outcome of the attempt."""
        import httpx  # noqa: PLC0415 - only collection needs it

        # httpx keeps the response and its stream in a reference cycle; release the body without waiting for the cyclic
        # garbage collector.
        response.stream = httpx.ByteStream(b"")
        server_time = parse_http_date(response.headers.get("date", ""))
        if server_time is not None:
            self.skew = server_time.timestamp() - time.time()
        _LOG.info("%s: HTTP %s, %s bytes", call.name, response.status_code, len(response.content))
        charged = _parse_units(response.headers.get("x-ms-resource-unit"))
        if charged is not None and charged > call.units:
            self.quota.correct(charged - call.units)
        outcome = outcome_of(response.status_code, response.headers, response.content, request_name=call.name)
        if isinstance(outcome, SignInAgain):
            bearer = response.request.headers.get("authorization", "")
            return SignInAgain(fault=outcome.fault, token=bearer.removeprefix("Bearer "))
        if outcome is not None:
            return outcome
        try:
            value = decode(response.content)
        except NotGraphError as error:
            error_text = self.sign_in.secrets.scrub(": ".join(filter(None, error_of(response.content))))
            if error_text:
                reason = Message(
                    "{error}; the response says {said}", error=error.message, said=printable(error_text)[:_MAX_QUOTED]
                )
                return Retry(fault=not_graph(call.name, reason))
            return Retry(fault=not_graph(call.name, error.message))
        if self.record is not None and is_final(value):
            self.record.add_response(response)
        return GraphResponse(value=value, retried=False)


def native_response() -> Any:
    """Return the request option that makes the SDK return the httpx response unchanged."""
    from kiota_abstractions.native_response_handler import NativeResponseHandler  # noqa: PLC0415
    from kiota_http.middleware.options import ResponseHandlerOption  # noqa: PLC0415

    return ResponseHandlerOption(NativeResponseHandler())


@asynccontextmanager
async def open_graph(
    tenant: Tenant,
    sign_in: SignIn,
    *,
    retry_policy: RetryPolicy | None = None,
    mail: bool = False,
    connections: "Connections | None" = None,
    record: "ResponseRecord | None" = None,
) -> AsyncIterator[Graph]:
    """Open a connection to the Graph of a tenant; opens new connection pools if no `connections` are given.

    With `mail`, requests that send mail are allowed in addition to read requests. With a `record`, recorded answers
    are used, and new ones are added to it.
    """
    from auditor.graph.transport.aiohttp_transport import Connections  # noqa: PLC0415 - imports aiohttp, which only collection needs

    retry_policy = retry_policy or RetryPolicy()
    root = root_of(tenant.endpoint or f"{clouds.addresses(tenant.cloud).graph}/v1.0")
    async with AsyncExitStack() as stack:
        if connections is None:
            connections = await stack.enter_async_context(Connections())
        sdk = await stack.enter_async_context(
            open_sdk(root, sign_in, connections=connections, mail=mail, record=record)
        )
        yield Graph(
            tenant=tenant,
            root=root,
            sdk=sdk,
            sign_in=sign_in,
            connections=connections,
            retry_policy=retry_policy,
            quota=Quota(sleep=retry_policy.sleep, clock=retry_policy.clock),
            record=record,
        )


def _exhausted(fault: Fault, *, pause: float, attempts: int) -> Fault:
    text = Message(
        "{message}; tried {attempts} times, the next attempt would have been in {pause} s",
        message=fault.message,
        attempts=attempts,
        pause=f"{pause:.0f}",
    )
    if attempts == 1:
        text = Message(
            "{message}; tried once, the next attempt would have been in {pause} s",
            message=fault.message,
            pause=f"{pause:.0f}",
        )
    return replace(fault, message=text)


def _unreachable(request_name: str, error: Exception, detail: str) -> Fault:
    text = detailed(Message("{asked} failed: {name}", asked=request_name, name=type(error).__name__), detail)
    return Fault(kind=FaultKind.UNREACHABLE, message=text, remedy=REMEDIES[FaultKind.UNREACHABLE])


def not_graph(request_name: str, why: Message) -> Fault:
    """Return the fault of an answer that cannot come from Graph; `why` describes what is wrong with its body."""
    text = Message("{asked} returned a body that is not from Microsoft Graph: {why}", asked=request_name, why=why)
    return Fault(kind=FaultKind.NOT_GRAPH, message=text, remedy=REMEDIES[FaultKind.NOT_GRAPH])


def _parse_units(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
