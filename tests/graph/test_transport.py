"""Tests that connection failures become errors of httpx, and that no cookies are kept."""

import asyncio
import socket

import httpx
import pytest
from msgspec.structs import replace

from auditor.domain.errors import GraphError
from auditor.domain.policy.data_needs import Needs
from auditor.domain.settings import Tenant, Token
from auditor.graph.transport.aiohttp_transport import AiohttpTransport, Connections, CookielessClient
from tests.builders.service.listeners import Talk, listening
from tests.builders.tenant.collection import AGGREGATES, Ticking, collect, configured, environment
from tests.emulator.fixtures import running_emulator, small_tenant
from tests.emulator.server import Emulator


async def get(host: str, *repetitions: int, seconds: float = 60) -> list[httpx.Response]:
    async with Connections() as connections:
        transport = AiohttpTransport(connections.graph(None), proxy=None)
        client = CookielessClient(transport=transport, timeout=seconds, follow_redirects=False, trust_env=False)
        return [await client.get(f"http://{host}/v1.0/users") for _ in repetitions or (1,)]


def never_answer(connection: socket.socket) -> None:
    """Send nothing until the client has closed the connection."""
    connection.recv(1 << 16)
    connection.settimeout(60)
    try:
        connection.recv(1)
    except OSError:
        return


def stop_in_body(connection: socket.socket) -> None:
    connection.recv(1 << 16)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{")
    never_answer(connection)


def close(connection: socket.socket) -> None:
    connection.recv(1 << 16)


def send_other_protocol(connection: socket.socket) -> None:
    connection.recv(1 << 16)
    connection.sendall(b"220 mail.example ESMTP\r\n")


def send_truncated_body(connection: socket.socket) -> None:
    connection.recv(1 << 16)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}")


def send_invalid_gzip(connection: socket.socket) -> None:
    connection.recv(1 << 16)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}")


@pytest.mark.slow
@pytest.mark.parametrize(
    "talk", [never_answer, stop_in_body, close, send_other_protocol, send_truncated_body, send_invalid_gzip]
)
def test_connection_failures_are_retryable_httpx_errors(talk: Talk) -> None:
    with listening(talk) as host, pytest.raises((httpx.TransportError, httpx.DecodingError)):
        asyncio.run(get(host, seconds=0.4))


def test_refused_connection_is_a_connect_error() -> None:
    with pytest.raises(httpx.ConnectError):
        asyncio.run(get("127.0.0.1:9"))


def test_cookies_are_not_sent_back() -> None:
    requests: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        requests.append(connection.recv(1 << 16))
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
        )

    with listening(talk) as host:
        responses = asyncio.run(get(host, 1, 2))
    assert [response.status_code for response in responses] == [200, 200]
    assert len(requests) == 2
    assert b"cookie" not in requests[1].lower()


def refusal(emulator: Emulator, tenant: Tenant, token: str) -> tuple[GraphError, Ticking]:
    """Return the error of a collection, and the clock of its retries."""
    time = Ticking()
    with pytest.raises(GraphError) as caught:
        collect(emulator, Needs(sources=AGGREGATES), tenant=tenant, env={"T": token}, retry_policy=time.retry_policy())
    return caught.value, time


@pytest.mark.slow
def test_graph_with_untrusted_certificate_is_reported_without_retry() -> None:
    with running_emulator([small_tenant()]) as emulator:
        tenant = replace(configured(emulator), endpoint=emulator.tls_endpoint, credential=Token(token_env="T"))
        error, time = refusal(emulator, tenant, emulator.bearer("contoso"))
        assert "CERTIFICATE_VERIFY_FAILED" in error.message
        assert "SSL_CERT_FILE" in (error.hint or "")
        assert not time.slept
        trusting_environment = environment(emulator, T=emulator.bearer("contoso"))
        assert collect(emulator, Needs(sources=AGGREGATES), tenant=tenant, env=trusting_environment).manifest.complete


def test_unreachable_graph_is_retried_and_reported() -> None:
    with running_emulator([small_tenant()]) as emulator:
        tenant = replace(configured(emulator), endpoint="http://127.0.0.1:9/v1.0", credential=Token(token_env="T"))
        error, time = refusal(emulator, tenant, "opaque")
    assert "ConnectError" in error.message
    assert "network" in (error.hint or "")
    assert len(time.slept) >= 6
