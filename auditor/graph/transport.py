"""Carries httpx requests over aiohttp, whose parser is written in C: a third of the processor time of httpx's own."""

import ssl
from types import TracebackType
from typing import Self

import aiohttp
import httpx
from yarl import URL

_SPOKEN_FOR = frozenset({"content-encoding", "content-length", "transfer-encoding"})
"""Headers of an answer that no longer say the truth once the body is decoded."""


class AiohttpTransport(httpx.AsyncBaseTransport):
    """A transport for one client; it follows no redirects, keeps no cookies, and reads no settings of the machine."""

    def __init__(self, *, verify: ssl.SSLContext, connections: int, proxy: str | None) -> None:
        self._verify = verify
        self._connections = connections
        self._proxy = proxy
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None = None,
        error: BaseException | None = None,
        trace: TracebackType | None = None,
    ) -> None:
        await self.aclose()

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
                timeout=aiohttp.ClientTimeout(
                    total=None, sock_connect=timeouts.get("connect"), sock_read=timeouts.get("read")
                ),
            ) as answer:
                body = await answer.read()
        except TimeoutError as error:
            raise httpx.ReadTimeout("no answer in time", request=request) from error
        except aiohttp.ClientConnectionError as error:
            raise httpx.ConnectError(str(error), request=request) from error
        except aiohttp.ClientError as error:
            raise httpx.RemoteProtocolError(f"{type(error).__name__}: {error}", request=request) from error
        headers = [
            (name, value) for name, value in answer.raw_headers if name.decode("latin-1").lower() not in _SPOKEN_FOR
        ]
        return httpx.Response(answer.status, headers=headers, content=body, request=request)

    async def aclose(self) -> None:
        """Close every connection."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(ssl=self._verify, limit=self._connections),
                cookie_jar=aiohttp.DummyCookieJar(),
                skip_auto_headers=("User-Agent", "Accept", "Content-Type"),
                trust_env=False,
                read_bufsize=1 << 20,
            )
        return self._session
