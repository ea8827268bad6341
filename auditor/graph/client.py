"""Turns a call into a decoded answer: signed, guarded, within the quota, tried again as long as that is sensible."""

import asyncio
import logging
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, TypeVar, assert_never

from auditor.domain.errors import GraphError, printable
from auditor.domain.message import Message
from auditor.domain.tenant import Tenant
from auditor.graph import clouds
from auditor.graph.auth.credentials import SignIn
from auditor.graph.errors import REMEDIES, Fault, FaultError, GraphErrorKind
from auditor.graph.rate_limit import Clock, Quota, Sleep
from auditor.graph.request_guard import Root, root_of
from auditor.graph.retry_policy import Fail, Ok, Retry, SignInAgain, error_of, judge, moment_of
from auditor.graph.sdk import open_sdk

if TYPE_CHECKING:
    import httpx
    from msgraph import GraphServiceClient

    from auditor.graph.transport.aiohttp_transport import Connections

T = TypeVar("T")
_RENEWALS = 3
"""Tokens that one request may have refused."""
_LOG = logging.getLogger(__name__)


class NotGraphError(ValueError):
    """A body that says 200 and is not what Graph would send: cut off, empty, another format."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request of the SDK that can be sent any number of times; a link continues its list."""

    name: str
    """The request in words for people: method and path without parameters."""
    units: int
    """What it costs in resource units."""
    send: "Callable[[str | None], Awaitable[httpx.Response | None]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer(Generic[T]):
    """A decoded answer."""

    value: T
    retried: bool
    """Whether it took more than one attempt; Graph may refuse the page token of such an answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How long to try; throttling is bounded by time alone, failures by their number too."""

    budget: float = 900.0
    """Seconds that one request may take with all its attempts and waits."""
    longest_answer: float = 300.0
    """Seconds that one answer may take until its last byte, however steadily it comes."""
    failures: int = 7
    """Attempts that may end in a failure that is not throttling."""
    first_wait: float = 0.5
    longest_wait: float = 60.0
    at_once: int = 32
    """Requests of one tenant under way at the same time."""
    sleep: Sleep = asyncio.sleep
    clock: Clock = time.monotonic

    def wait(self, attempt: int) -> float:
        """Return the pause after the nth attempt where the service names none: doubling, with jitter."""
        longest = min(self.longest_wait, self.first_wait * 2.0 ** (attempt - 1))
        return longest * random.uniform(0.6, 1.0)  # noqa: S311 - spreads load, keeps no secret


@dataclass(slots=True, kw_only=True)
class Graph:
    """One tenant's Graph, ready to be asked."""

    tenant: Tenant
    root: Root
    sdk: "GraphServiceClient"
    sign_in: SignIn
    patience: RetryPolicy
    quota: Quota
    skew: float | None = None
    """Seconds that Graph's clock is ahead of this machine's, by its latest answer; half a second is noise."""
    _room: asyncio.Semaphore = field(init=False)

    def __post_init__(self) -> None:
        self._room = asyncio.Semaphore(self.patience.at_once)

    async def answer(
        self,
        call: Call,
        decode: Callable[[bytes], T],
        *,
        link: str | None = None,
        throttled: Callable[[], None] | None = None,
    ) -> Answer[T]:
        """Send a call until it is answered, and decode the body. Raises FaultError when patience ends.

        `decode` raises NotGraphError for a body that is not whole, which is asked for again; `throttled` is told of
        every answer 429.
        """
        started = self.patience.clock()
        attempt = failures = renewals = 0
        while True:
            attempt += 1
            outcome = await self._attempt(call, decode, link)
            match outcome:
                case Answer():
                    return Answer(value=outcome.value, retried=attempt > 1)
                case Fail(fault=found):
                    raise FaultError(found)
                case SignInAgain(fault=found, token=refused):
                    renewals += 1
                    if renewals > _RENEWALS or not await self.sign_in.renew(refused):
                        raise FaultError(found)
                case Retry(fault=found, most=int(most)) if attempt >= most:
                    raise FaultError(found)
                case Retry(fault=found, wait=wait):
                    # A wait of no time names none: to ask again at once, for as long as patience lasts, is an attack.
                    named = wait or None
                    failures += found.kind is not GraphErrorKind.THROTTLED and named is None
                    pause = self.patience.wait(attempt) if named is None else max(named, self.patience.wait(1))
                    left = self.patience.budget - (self.patience.clock() - started)
                    if failures >= self.patience.failures or pause > left:
                        raise FaultError(_given_up(found, pause=pause, attempts=attempt))
                    if found.kind is GraphErrorKind.THROTTLED:
                        self.quota.pause(pause)
                        if throttled is not None:
                            throttled()
                    await self.patience.sleep(pause)
                case _:
                    assert_never(outcome)

    async def _attempt(
        self, call: Call, decode: Callable[[bytes], T], link: str | None
    ) -> Answer[T] | Retry | SignInAgain | Fail:
        import httpx  # noqa: PLC0415 - only collection needs it

        await self.quota.take(call.units)
        try:
            async with self._room, asyncio.timeout(self.patience.longest_answer):
                response = await call.send(link)
        except TimeoutError as error:
            seconds = f"{self.patience.longest_answer:.0f}"
            late = Message("not whole after {longest_answer} s", longest_answer=seconds)
            return Retry(fault=_unreachable(call.name, error, late))
        except FaultError as error:
            return Fail(fault=error.fault)
        except GraphError as error:
            # Signing in anew, which every request may have to, came to nothing.
            return Fail(fault=Fault(kind=GraphErrorKind.SIGNED_OUT, message=error.message, remedy=error.hint))
        except (httpx.TransportError, httpx.DecodingError) as error:
            found = _unreachable(call.name, error, self.sign_in.secrets.scrub(str(error)))
            # Who vouches for a server does not change while one waits.
            return Fail(fault=found) if "CERTIFICATE_VERIFY_FAILED" in str(error) else Retry(fault=found)
        except httpx.InvalidURL as error:
            return Fail(fault=not_graph(call.name, str(error)))
        if response is None:
            return Retry(fault=not_graph(call.name, Message("no body")))
        # The client ties an answer to itself in a ring; a large body would stay until somebody looks for rings.
        response.stream = httpx.ByteStream(b"")
        told = moment_of(response.headers.get("date", ""))
        if told is not None:
            self.skew = told.timestamp() - time.time()
        _LOG.info("%s: HTTP %s, %s bytes", call.name, response.status_code, len(response.content))
        charged = _units(response.headers.get("x-ms-resource-unit"))
        if charged is not None and charged > call.units:
            self.quota.correct(charged - call.units)
        verdict = judge(response.status_code, response.headers, response.content, asked=call.name)
        if isinstance(verdict, SignInAgain):
            bearer = response.request.headers.get("authorization", "")
            return SignInAgain(fault=verdict.fault, token=bearer.removeprefix("Bearer "))
        if not isinstance(verdict, Ok):
            return verdict
        try:
            return Answer(value=decode(response.content), retried=False)
        except NotGraphError as error:
            said = self.sign_in.secrets.scrub(": ".join(filter(None, error_of(response.content))))
            if said:
                reason = Message("{error}; the answer itself says {said}", error=error.message, said=printable(said))
                return Retry(fault=not_graph(call.name, reason))
            return Retry(fault=not_graph(call.name, error.message))


@asynccontextmanager
async def open_graph(
    tenant: Tenant,
    sign_in: SignIn,
    *,
    patience: RetryPolicy | None = None,
    mail: bool = False,
    connections: "Connections | None" = None,
) -> AsyncIterator[Graph]:
    """Open a tenant's Graph, over connections of its own where none are given to it.

    `mail` lets requests that send mail pass as well as those that read.
    """
    from auditor.graph.transport.aiohttp_transport import Connections  # noqa: PLC0415 - brings aiohttp, which only collection needs

    patience = patience or RetryPolicy()
    root = root_of(tenant.endpoint or f"{clouds.addresses(tenant.cloud).graph}/v1.0")
    async with AsyncExitStack() as stack:
        if connections is None:
            connections = await stack.enter_async_context(Connections())
        sdk = await stack.enter_async_context(open_sdk(root, sign_in, connections=connections, mail=mail))
        yield Graph(
            tenant=tenant,
            root=root,
            sdk=sdk,
            sign_in=sign_in,
            patience=patience,
            quota=Quota(sleep=patience.sleep, clock=patience.clock),
        )


def _given_up(found: Fault, *, pause: float, attempts: int) -> Fault:
    words = Message(
        "{message}; asked {attempts} times, the next attempt would have been in {pause} s",
        message=found.message,
        attempts=attempts,
        pause=f"{pause:.0f}",
    )
    if attempts == 1:
        words = Message(
            "{message}; asked once, the next attempt would have been in {pause} s",
            message=found.message,
            pause=f"{pause:.0f}",
        )
    return Fault(
        kind=found.kind,
        message=words,
        remedy=found.remedy,
        status=found.status,
        code=found.code,
        request_id=found.request_id,
    )


def _unreachable(asked: str, error: Exception, said: str) -> Fault:
    words = Message("{asked} failed: {name}", asked=asked, name=type(error).__name__) + (
        f" ({said[:200]})" if said else ""
    )
    return Fault(kind=GraphErrorKind.UNREACHABLE, message=words, remedy=REMEDIES[GraphErrorKind.UNREACHABLE])


def not_graph(asked: str, why: str) -> Fault:
    """Return the fault of an answer that cannot be Graph's."""
    words = Message("{asked} was answered with a body that is not Graph's: {why}", asked=asked, why=why[:200])
    return Fault(kind=GraphErrorKind.NOT_GRAPH, message=words, remedy=REMEDIES[GraphErrorKind.NOT_GRAPH])


def _units(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
