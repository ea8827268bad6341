"""Carries httpx requests over aiohttp, whose parser is written in C: a third of the processor time of httpx's own."""

import ssl
from functools import lru_cache
from types import TracebackType
from typing import Any, Self

import aiohttp
import httpx
from yarl import URL

from auditor.domain.message import Message
from auditor.graph.transport.ca_bundle import context

_SPOKEN_FOR = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})
"""Headers of an answer that no longer say the truth once the body is decoded."""


MOST_BYTES = 256 << 20
"""Bytes that one answer may have once it is decompressed."""
_OPTIONS: dict[str, Any] = {
    "skip_auto_headers": ("User-Agent", "Accept", "Content-Type"),
    "trust_env": False,
    "read_bufsize": 1 << 20,
}


class Connections:
    """Connections that tenants share: kept alive from one to the next, and TLS settings read once.

    Nothing of a tenant stays with them: no cookies, and tokens stand in each request.
    """

    def __init__(self) -> None:
        self._sessions: dict[tuple[str, str | None, str | None], aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        sessions, self._sessions = list(self._sessions.values()), {}
        for session in sessions:
            await session.close()

    def graph(self, authorities: str | None) -> aiohttp.ClientSession:
        """Return what requests to Graph go over; it reads no settings of the machine."""
        return self._session("graph", authorities, **_OPTIONS)

    def sign_in(self, authorities: str | None, proxy: str | None) -> aiohttp.ClientSession:
        """Return what requests to the sign-in service go over, as azure-core would open it itself.

        But for the machine's settings: aiohttp looks for them anew at each request, in threads that wait for their
        turn, and would take a password for the service from ~/.netrc.
        """
        return self._session("sign-in", authorities, proxy, trust_env=False, auto_decompress=False)

    def _session(
        self, purpose: str, authorities: str | None, proxy: str | None = None, **options: Any
    ) -> aiohttp.ClientSession:
        key = (purpose, authorities, proxy)
        if key not in self._sessions:
            # How many requests are under way is bounded by each tenant's own patience.
            self._sessions[key] = _opened(context(authorities), 0, proxy=proxy, **options)
        return self._sessions[key]


def _opened(verify: ssl.SSLContext, limit: int, **options: Any) -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(ssl=verify, limit=limit)
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), **options)


class _NoCookies(httpx.Cookies):
    """Takes no cookie: Graph needs none, and looking for one takes a tenth of a small request."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Take nothing."""


class Forgetful(httpx.AsyncClient):
    """A client without cookies."""

    @property
    def cookies(self) -> httpx.Cookies:
        """Return an empty jar that stays so."""
        return _NOTHING

    @cookies.setter
    def cookies(self, cookies: object) -> None:
        """Take nothing."""


_NOTHING = _NoCookies()


@lru_cache(maxsize=8)
def _waits(connect: float | None, read: float | None) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, sock_connect=connect, sock_read=read)


async def _whole(answer: aiohttp.ClientResponse, request: httpx.Request) -> bytes:
    """Read a decoded body; httpx.RemoteProtocolError where it is larger than MOST_BYTES."""
    parts, size = [], 0
    async for part in answer.content.iter_any():
        size += len(part)
        if size > MOST_BYTES:
            answer.close()  # else the rest would be read before the connection is used again
            raise httpx.RemoteProtocolError(
                Message("an answer of more than {most_bytes} bytes", most_bytes=f"{MOST_BYTES:,}"), request=request
            )
        parts.append(part)
    return b"".join(parts)


class AiohttpTransport(httpx.AsyncBaseTransport):
    """A transport for one client; it follows no redirects, keeps no cookies, and reads no settings of the machine."""

    def __init__(
        self,
        *,
        verify: ssl.SSLContext,
        connections: int,
        proxy: str | None,
        shared: aiohttp.ClientSession | None = None,
    ) -> None:
        self._verify = verify
        self._connections = connections
        self._proxy = proxy
        self._shared = shared
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read its whole answer; failures are those of httpx."""
        timeouts = request.extensions.get("timeout", {})
        try:
            async with self._open().request(
                request.method,
                # The address is sent as it stands: it was built, or checked, before.
                URL(str(request.url), encoded=True),
                headers=[(name.decode("ascii"), value.decode("latin-1")) for name, value in request.headers.raw],
                data=await request.aread() or None,
                allow_redirects=False,
                proxy=self._proxy,
                timeout=_waits(timeouts.get("connect"), timeouts.get("read")),
            ) as answer:
                body = await _whole(answer, request)
        except TimeoutError as error:
            raise httpx.ReadTimeout(Message("no answer in time"), request=request) from error
        except aiohttp.ClientConnectionError as error:
            raise httpx.ConnectError(str(error), request=request) from error
        except aiohttp.ClientError as error:
            raise httpx.RemoteProtocolError(f"{type(error).__name__}: {error}", request=request) from error
        headers = [(name, value) for name, value in answer.raw_headers if name.lower() not in _SPOKEN_FOR]
        return httpx.Response(answer.status, headers=headers, content=body, request=request)

    async def aclose(self) -> None:
        """Close every connection but the shared ones."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._shared is not None:
            return self._shared
        if self._session is None:
            self._session = _opened(self._verify, self._connections, **_OPTIONS)
        return self._session
