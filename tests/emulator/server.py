"""Turns the services into listening sockets: Graph over http and TLS, sign-in over TLS, and a host elsewhere."""

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
PACKED_FROM = 1024  # bytes: smaller bodies are not worth compressing


class Emulator:
    """All services on their sockets, in a thread of their own; addresses are known once it runs."""

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
        """The registry of faults: `emulator.faults.add("throttled", path="/users", retry_after="1")`."""
        return self.graph.faults

    def reset(self) -> None:
        """Forget all faults and requests."""
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
        """A host that is not Graph's: another name and another port."""
        return f"http://localhost:{self.elsewhere_port}"

    @property
    def id_token_url(self) -> str:
        return f"https://localhost:{self.tls_port}{GITHUB_PATH}?api-version=2.0"

    def environment(self) -> dict[str, str]:
        """What a client's environment needs: the CA for both HTTP stacks, and a workflow run's two variables."""
        return {
            "SSL_CERT_FILE": str(self.ca_path),
            "REQUESTS_CA_BUNDLE": str(self.ca_path),
            "ACTIONS_ID_TOKEN_REQUEST_URL": self.id_token_url,
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": self.github.request_token,
        }

    def add(self, tenant: Tenant) -> Tenant:
        """Takes another tenant while running."""
        self.tenants[tenant.name] = tenant
        self.tokens.tenants[tenant.tenant_id.lower()] = tenant
        return tenant

    def bearer(self, tenant: str, *, roles: Iterable[str] | None = None) -> str:
        """An access token for the tenant's first app, with other roles when given."""
        owner = self.tenants[tenant]
        app = next(iter(owner.apps.values()))
        return self.tokens.issue(owner, app if roles is None else replace(app, roles=tuple(roles)))

    def start(self) -> None:
        """Opens the sockets; returns when they listen."""
        self._thread.start()
        self._run(self._open())
        self.tokens.authority = self.authority

    def stop(self) -> None:
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
            transports = [each.transport for each in runner.server.connections] if runner.server else []
            await runner.cleanup()
            for transport in transports:
                # A TLS farewell waits for the other side, which may be gone.
                if transport is not None:
                    transport.abort()
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await asyncio.sleep(0.01)

    async def _main(self, raw: web.BaseRequest) -> web.StreamResponse:
        request = await self._received(raw)
        if raw.path.startswith("/emulator/"):
            return await _sent(raw, control.handle(self, replace(request, path=raw.path)))
        if raw.path.startswith(ROOT + "/"):
            outcome = self.graph.handle(request)
            for item, done in outcome.items:
                self._record(Host.GRAPH, item, done, query=_query(item))
            self._record(Host.GRAPH, request, outcome, query=raw.query_string)
            return await _sent(raw, outcome.answer)
        if raw.path == GITHUB_PATH:
            return await self._plain(raw, request, Host.GITHUB, self.github.handle)
        return await self._plain(raw, request, Host.SIGN_IN, self.tokens.handle)

    async def _elsewhere(self, raw: web.BaseRequest) -> web.StreamResponse:
        return await self._plain(raw, await self._received(raw), Host.ELSEWHERE, self._foreign)

    async def _plain(
        self, raw: web.BaseRequest, request: Request, host: Host, handle: Callable[[Request], Answer]
    ) -> web.StreamResponse:
        request = replace(request, path=raw.path)
        made, struck = control.with_faults(self.faults, request, handle)
        self._record(host, request, Outcome(made, faults=struck), query=raw.query_string)
        return await _sent(raw, made)

    def _foreign(self, request: Request) -> Answer:
        """Report files and uploads for those who come without a token; any other path serves a page, as bait."""
        parts = request.path.strip("/").split("/")
        if parts[0] == "uploads" and request.method == "PUT":
            return mail.put_range(self.graph.uploads, request)
        if parts[0] in {"reports", "hops"}:
            return reports.file(request, self.tokens.tenant)
        bait = b'{"value":[{"id":"00000000-0000-4000-8000-00000000bad1","userPrincipalName":"bait@evil.example"}]}'
        return Answer(body=Body(bait), headers={"Content-Type": "application/json"})

    async def _received(self, raw: web.BaseRequest) -> Request:
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


async def _sent(raw: web.BaseRequest, made: Answer) -> web.StreamResponse:
    """Writes an answer as its delivery says."""
    if made.delay and made.delivery is not Delivery.DRIP:
        await asyncio.sleep(made.delay)
    if made.delivery is Delivery.RESET:
        _abort(raw)
        return web.Response(status=499)
    body = made.body.plain
    headers = dict(made.headers)
    if len(body) >= PACKED_FROM and "gzip" in raw.headers.get("Accept-Encoding", "").lower():
        body = made.body.packed()
        headers["Content-Encoding"] = "gzip"
        headers["Vary"] = "Accept-Encoding"
    if made.delivery is Delivery.WHOLE:
        return web.Response(status=made.status, body=body, headers=headers)
    return await _piecemeal(raw, made, body, headers)


async def _piecemeal(raw: web.BaseRequest, made: Answer, body: bytes, headers: dict[str, str]) -> web.StreamResponse:
    response = web.StreamResponse(status=made.status, headers=headers)
    response.content_length = len(body)
    await response.prepare(raw)
    if made.delivery is Delivery.TRUNCATED:
        await response.write(body[: len(body) // 2])
        if raw.transport is not None:
            raw.transport.close()
        return response
    step = max(len(body) // 10, 1)
    for start in range(0, len(body), step):
        await response.write(body[start : start + step])
        await asyncio.sleep(made.delay / 10)
    await response.write_eof()
    return response


def _abort(raw: web.BaseRequest) -> None:
    """Ends the connection with a reset instead of a farewell."""
    transport = raw.transport
    if transport is None:
        return
    plain = transport.get_extra_info("socket")
    if plain is not None:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


def _tls(ca_path: Path) -> ssl.SSLContext:
    """A server context for localhost, signed by a CA made now, whose certificate is left at the path."""
    authority = trustme.CA(organization_name="Emulated authority")
    authority.cert_pem.write_to_path(str(ca_path))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost", "127.0.0.1", "::1").configure_cert(context)
    return context
