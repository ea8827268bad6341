"""The emulator's HTTP servers: Graph over http and TLS, sign-in and GitHub over TLS, and a foreign host."""

import asyncio
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import trustme
from aiohttp import web
from msgspec.structs import replace

from tests.emulator import control
from tests.emulator.endpoints import mail, reports
from tests.emulator.faults.model import Registry
from tests.emulator.journal import Host, Journal, Record
from tests.emulator.service import GraphService, Outcome
from tests.emulator.sign_in.github import PATH as GITHUB_PATH
from tests.emulator.sign_in.github import GitHub
from tests.emulator.sign_in.tokens import TokenService
from tests.emulator.tenant.directory import Tenant
from tests.emulator.wire import Answer, Body, Delivery, Request

ROOT = "/v1.0"
MINIMUM_GZIP_SIZE = 1024  # bytes: smaller bodies are not worth compressing


class Emulator:
    """Runs all services in a separate thread; the addresses are valid after `start`."""

    def __init__(self, tenants: Iterable[Tenant], *, ca_path: Path, port: int = 0, tls_port: int = 0) -> None:
        self.tenants = {tenant.name: tenant for tenant in tenants}
        self.tokens = TokenService(self.tenants.values())
        self.graph = GraphService(self.tokens)
        self.github = GitHub()
        self.journal = Journal()
        self.ca_path = ca_path
        self._ports = (port, tls_port, 0)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="emulator", daemon=True)
        self._runners: list[web.ServerRunner] = []
        self.port = self.tls_port = self.elsewhere_port = 0

    @property
    def faults(self) -> Registry:
        """The fault registry: `emulator.faults.add("throttled", path="/users", retry_after="1")`."""
        return self.graph.faults

    def reset(self) -> None:
        """Remove all faults and recorded requests."""
        self.faults.clear()
        self.journal.clear()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}{ROOT}"

    @property
    def tls_endpoint(self) -> str:
        return f"https://localhost:{self.tls_port}{ROOT}"

    @property
    def authority(self) -> str:
        return f"https://localhost:{self.tls_port}"

    @property
    def elsewhere(self) -> str:
        """The URL of the foreign host: not Graph's, another name and another port."""
        return f"http://localhost:{self.elsewhere_port}"

    @property
    def id_token_url(self) -> str:
        return f"https://localhost:{self.tls_port}{GITHUB_PATH}?api-version=2.0"

    def environment(self) -> dict[str, str]:
        """Return a client's environment variables: the CA for both HTTP stacks, and GitHub's two for ID tokens."""
        return {
            "SSL_CERT_FILE": str(self.ca_path),
            "REQUESTS_CA_BUNDLE": str(self.ca_path),
            "ACTIONS_ID_TOKEN_REQUEST_URL": self.id_token_url,
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": self.github.request_token,
        }

    def bearer(self, tenant: str, *, roles: Iterable[str] | None = None) -> str:
        """Return an access token for the tenant's first app, with other roles if `roles` is given."""
        owner = self.tenants[tenant]
        app = next(iter(owner.apps.values()))
        return self.tokens.issue(owner, app if roles is None else replace(app, roles=tuple(roles)))

    def start(self) -> None:
        """Open the sockets; returns when they listen."""
        self._thread.start()
        self._run(self._open())
        self.tokens.authority = self.authority

    def stop(self) -> None:
        """Close all connections and sockets and end the thread."""
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=30)

    async def _open(self) -> None:
        context = _tls(self.ca_path)
        self.port = await self._listen(self._main, self._ports[0], None)
        self.tls_port = await self._listen(self._main, self._ports[1], context)
        self.elsewhere_port = await self._listen(self._elsewhere, self._ports[2], None)

    async def _listen(self, handler: Any, port: int, context: ssl.SSLContext | None) -> int:
        runner = web.ServerRunner(web.Server(handler, access_log=None, keepalive_timeout=75), shutdown_timeout=0.5)
        await runner.setup()
        self._runners.append(runner)
        await web.TCPSite(runner, "127.0.0.1", port, ssl_context=context).start()
        return int(runner.addresses[0][1])

    async def _close(self) -> None:
        for runner in self._runners:
            transports = [connection.transport for connection in runner.server.connections] if runner.server else []
            await runner.cleanup()
            for transport in transports:
                # Closing a TLS connection cleanly waits for the client, which may be gone.
                if transport is not None:
                    transport.abort()
        pending = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
        await asyncio.sleep(0.01)

    async def _main(self, raw: web.BaseRequest) -> web.StreamResponse:
        request = await self._read_request(raw)
        if raw.path.startswith("/emulator/"):
            return await _send(raw, control.handle(self.faults, replace(request, path=raw.path)))
        if raw.path.startswith(ROOT + "/"):
            outcome = self.graph.handle(request)
            for item, item_outcome in outcome.items:
                self._record(Host.GRAPH, item, item_outcome, query=_query(item))
            self._record(Host.GRAPH, request, outcome, query=raw.query_string)
            return await _send(raw, outcome.answer)
        if raw.path == GITHUB_PATH:
            return await self._other_host(raw, request, Host.GITHUB, self.github.handle)
        return await self._other_host(raw, request, Host.SIGN_IN, self.tokens.handle)

    async def _elsewhere(self, raw: web.BaseRequest) -> web.StreamResponse:
        return await self._other_host(raw, await self._read_request(raw), Host.ELSEWHERE, self._foreign)

    async def _other_host(
        self, raw: web.BaseRequest, request: Request, host: Host, handle: Callable[[Request], Answer]
    ) -> web.StreamResponse:
        request = replace(request, path=raw.path)
        response, faults = control.with_faults(self.faults, request, handle)
        self._record(host, request, Outcome(response, faults=faults), query=raw.query_string)
        return await _send(raw, response)

    def _foreign(self, request: Request) -> Answer:
        """Serve report files and uploads; any other path returns a page as bait for clients that follow foreign links."""
        parts = request.path.strip("/").split("/")
        if parts[0] == "uploads" and request.method == "PUT":
            return mail.put_range(self.graph.uploads, request)
        if parts[0] in {"reports", "hops"}:
            return reports.file(request, self.tokens.tenant)
        bait = b'{"value":[{"id":"00000000-0000-4000-8000-00000000bad1","userPrincipalName":"bait@evil.example"}]}'
        return Answer(body=Body(bait), headers={"Content-Type": "application/json"})

    async def _read_request(self, raw: web.BaseRequest) -> Request:
        scheme = "https" if raw.secure else "http"
        return Request(
            method=raw.method,
            path=raw.path.removeprefix(ROOT),
            query=tuple(parse_qsl(raw.query_string, keep_blank_values=True)) if raw.query_string else (),
            headers={name.lower(): value for name, value in raw.headers.items()},
            body=await raw.content.read() if raw.can_read_body else b"",
            root=f"{scheme}://{raw.headers.get('Host', '')}{ROOT}",
            elsewhere=self.elsewhere,
        )

    def _record(self, host: Host, request: Request, outcome: Outcome, *, query: str) -> None:
        headers = {name: value for name, value in request.headers.items() if name != "authorization"}
        self.journal.add(
            Record(
                host=host, method=request.method, path=request.path, query=query, headers=headers,
                authorized="authorization" in request.headers, status=outcome.answer.status, at=time.monotonic(),
                sent=len(outcome.answer.body.plain), tenant=outcome.tenant, faults=outcome.faults, batched=request.batched,
            )
        )  # fmt: skip


def _query(request: Request) -> str:
    from urllib.parse import urlencode  # noqa: PLC0415

    return urlencode(request.query)


async def _send(raw: web.BaseRequest, response: Answer) -> web.StreamResponse:
    """Send an answer in the way that its `delivery` specifies."""
    if response.delay and response.delivery is not Delivery.DRIP:
        await asyncio.sleep(response.delay)
    if response.delivery is Delivery.RESET:
        _abort(raw)
        return web.Response(status=499)
    body = response.body.plain
    headers = dict(response.headers)
    if len(body) >= MINIMUM_GZIP_SIZE and "gzip" in raw.headers.get("Accept-Encoding", "").lower():
        body = response.body.compressed()
        headers["Content-Encoding"] = "gzip"
        headers["Vary"] = "Accept-Encoding"
    if response.delivery is Delivery.WHOLE:
        return web.Response(status=response.status, body=body, headers=headers)
    return await _send_in_parts(raw, response, body, headers)


async def _send_in_parts(
    raw: web.BaseRequest, response: Answer, body: bytes, headers: dict[str, str]
) -> web.StreamResponse:
    stream = web.StreamResponse(status=response.status, headers=headers)
    stream.content_length = len(body)
    await stream.prepare(raw)
    if response.delivery is Delivery.TRUNCATED:
        await stream.write(body[: len(body) // 2])
        if raw.transport is not None:
            raw.transport.close()
        return stream
    step = max(len(body) // 10, 1)
    for start in range(0, len(body), step):
        await stream.write(body[start : start + step])
        await asyncio.sleep(response.delay / 10)
    await stream.write_eof()
    return stream


def _abort(raw: web.BaseRequest) -> None:
    """End the connection with a TCP reset."""
    transport = raw.transport
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _tls(ca_path: Path) -> ssl.SSLContext:
    """Return a server context for localhost, signed by a new CA; writes the CA's certificate to `ca_path`."""
    authority = trustme.CA(organization_name="Emulated authority")
    authority.cert_pem.write_to_path(str(ca_path))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1", "::1").configure_cert(context)
    return context
