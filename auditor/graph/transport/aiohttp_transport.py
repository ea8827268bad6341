"""Sends httpx requests with aiohttp, whose C parser takes a third of the CPU time of httpx's own parser."""

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Self

import aiohttp
import httpx
from yarl import URL

from auditor.domain.message import Count, Message
from auditor.graph.transport.body_file import KEY, BodyFile
from auditor.graph.transport.ca_bundle import tls_context

if TYPE_CHECKING:
    from auditor.graph.transport.response_record import ResponseRecord

_OUTDATED_HEADERS = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})
"""Response headers that no longer apply after the body is decoded."""


MAX_BYTES = 256 << 20
"""Size limit of one answer after decompression, in bytes."""
_OPTIONS: dict[str, Any] = {
    "skip_auto_headers": ("User-Agent", "Accept", "Content-Type"),
    "trust_env": False,
    "read_bufsize": 1 << 20,
}


class Connections:
    """Connection pools that tenants share: connections are kept alive, and TLS settings are read once.

    They hold no state of a tenant: there are no cookies, and tokens are sent with each request.
    """

    def __init__(self) -> None:
        self._sessions: dict[tuple[str, str | None, str | None], aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        sessions, self._sessions = list(self._sessions.values()), {}
        for session in sessions:
            await session.close()

    def graph(self, authorities: str | None) -> aiohttp.ClientSession:
        """Return the session for requests to Graph; it ignores the machine's proxy and netrc settings."""
        return self._session("graph", authorities, **_OPTIONS)

    def sign_in(self, authorities: str | None, proxy: str | None) -> aiohttp.ClientSession:
        """Return the session for requests to the sign-in service, with the options of azure-core.

        Unlike azure-core's own it ignores the machine's settings: aiohttp would read them for each request, in threads
        of a limited pool, and would use a password for the service from ~/.netrc.
        """
        return self._session("sign-in", authorities, proxy, trust_env=False, auto_decompress=False)

    def _session(
        self, purpose: str, authorities: str | None, proxy: str | None = None, **options: Any
    ) -> aiohttp.ClientSession:
        key = (purpose, authorities, proxy)
        if key not in self._sessions:
            # Each tenant's retry policy limits concurrent requests.
            connector = aiohttp.TCPConnector(ssl=tls_context(authorities), limit=0)
            self._sessions[key] = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), proxy=proxy, **options
            )
        return self._sessions[key]


class _NoCookies(httpx.Cookies):
    """A cookie jar that stores nothing: Graph needs no cookies, and extracting them takes 10 % of a small request."""

    def extract_cookies(self, response: httpx.Response) -> None:
        """Do nothing."""


class CookielessClient(httpx.AsyncClient):
    """An httpx client without cookies."""

    @property
    def cookies(self) -> httpx.Cookies:
        """Return a jar that is always empty."""
        return _NO_COOKIES

    @cookies.setter
    def cookies(self, cookies: object) -> None:
        """Ignore the value."""


_NO_COOKIES = _NoCookies()


@lru_cache(maxsize=8)
def _timeout(connect: float | None, read: float | None) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=None, sock_connect=connect, sock_read=read)


async def _read_body(answer: aiohttp.ClientResponse, request: httpx.Request) -> bytes:
    """Return the decoded body. Raises httpx.RemoteProtocolError above MAX_BYTES.

    The body of a successful answer is written to the BodyFile in the request's extensions, if there is one.
    """
    body_file: BodyFile | None = request.extensions.get(KEY) if answer.status == 200 else None
    if body_file is not None:
        await _write_body(answer, body_file)
        return b""
    parts, size = [], 0
    async for part in answer.content.iter_any():
        size += len(part)
        if size > MAX_BYTES:
            answer.close()  # otherwise aiohttp reads the rest before it reuses the connection
            raise httpx.RemoteProtocolError(
                Message("a response of more than {most_bytes} bytes", most_bytes=Count(MAX_BYTES)), request=request
            )
        parts.append(part)
    return b"".join(parts)


async def _write_body(answer: aiohttp.ClientResponse, body_file: BodyFile) -> None:
    try:
        body_file.begin(answer.content_length)
        # aiohttp decompresses into pieces of bounded size.
        async for part in answer.content.iter_any():
            body_file.write(part)
    except BaseException:
        answer.close()  # otherwise aiohttp reads the rest before it reuses the connection
        raise


class AiohttpTransport(httpx.AsyncBaseTransport):
    """An httpx transport without redirects and cookies, which ignores the machine's settings."""

    def __init__(
        self, session: aiohttp.ClientSession, *, proxy: str | None, record: "ResponseRecord | None" = None
    ) -> None:
        """Create a transport; `session` belongs to a `Connections` object, which closes it.

        Requests whose answer is in the record are not sent.
        """
        self._session = session
        self._proxy = proxy
        self._record = record

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read the whole answer. Raises the exceptions of httpx."""
        content = await request.aread()
        # `report_files` looks up reports, because they are downloaded from addresses that expire.
        if self._record is not None and KEY not in request.extensions:
            recorded = self._record.take_response(request)
            if recorded is not None:
                return recorded
        timeouts = request.extensions.get("timeout", {})
        try:
            async with self._session.request(
                request.method,
                # The address is sent unchanged: it was built or checked before.
                URL(str(request.url), encoded=True),
                headers=[(name.decode("ascii"), value.decode("latin-1")) for name, value in request.headers.raw],
                data=content or None,
                allow_redirects=False,
                proxy=self._proxy,
                timeout=_timeout(timeouts.get("connect"), timeouts.get("read")),
            ) as answer:
                body = await _read_body(answer, request)
        except TimeoutError as error:
            raise httpx.ReadTimeout(Message("no response in time"), request=request) from error
        except aiohttp.ClientConnectionError as error:
            raise httpx.ConnectError(str(error), request=request) from error
        except aiohttp.ClientError as error:
            raise httpx.RemoteProtocolError(f"{type(error).__name__}: {error}", request=request) from error
        headers = [(name, value) for name, value in answer.raw_headers if name.lower() not in _OUTDATED_HEADERS]
        return httpx.Response(answer.status, headers=headers, content=body, request=request)
