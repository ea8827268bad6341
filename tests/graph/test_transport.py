"""Connections: what fails on them becomes httpx's own errors, and nothing of one answer reaches another request."""

import asyncio
import socket

import httpx
import pytest
from msgspec.structs import replace

from auditor.domain.errors import GraphError
from auditor.domain.policy.data_needs import Needs
from auditor.domain.tenant import Token
from auditor.graph.transport.aiohttp_transport import AiohttpTransport, Connections, CookielessClient
from tests.builders.service.listeners import Talk, listening
from tests.builders.tenant.collection import AGGREGATES, Ticking, collect, configured, environment
from tests.emulator.fixtures import running_emulator, small_tenant


async def asked(host: str, *times: int, patience: float = 60) -> list[httpx.Response]:
    async with Connections() as connections:
        transport = AiohttpTransport(connections.graph(None), proxy=None)
        client = CookielessClient(transport=transport, timeout=patience, follow_redirects=False, trust_env=False)
        return [await client.get(f"http://{host}/v1.0/users") for _ in times or (1,)]


def silent(connection: socket.socket) -> None:
    """Say nothing until the other side has gone."""
    connection.recv(1 << 16)
    connection.settimeout(60)
    try:
        connection.recv(1)
    except OSError:
        return


def stuck(connection: socket.socket) -> None:
    connection.recv(1 << 16)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{")
    silent(connection)


def closing(connection: socket.socket) -> None:
    connection.recv(1 << 16)


def rambling(connection: socket.socket) -> None:
    connection.recv(1 << 16)
    connection.sendall(b"220 mail.example ESMTP\r\n")


def short(connection: socket.socket) -> None:
    connection.recv(1 << 16)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}")


def unpacked(connection: socket.socket) -> None:
    connection.recv(1 << 16)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}")


@pytest.mark.parametrize("talk", [silent, stuck, closing, rambling, short, unpacked])
def test_what_fails_on_a_connection_is_an_error_that_can_be_tried_again(talk: Talk) -> None:
    with listening(talk) as host, pytest.raises((httpx.TransportError, httpx.DecodingError)):
        asyncio.run(asked(host, patience=0.4))


def test_where_nobody_listens() -> None:
    with pytest.raises(httpx.ConnectError):
        asyncio.run(asked("127.0.0.1:9"))


def test_no_cookie_comes_back() -> None:
    heard: list[bytes] = []

    def talk(connection: socket.socket) -> None:
        heard.append(connection.recv(1 << 16))
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b; Path=/\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
        )

    with listening(talk) as host:
        answers = asyncio.run(asked(host, 1, 2))
    assert [answer.status_code for answer in answers] == [200, 200]
    assert len(heard) == 2
    assert b"cookie" not in heard[1].lower()


def test_a_graph_that_nobody_vouches_for_is_reported_at_once() -> None:
    with running_emulator([small_tenant()]) as emulator:
        tenant = replace(configured(emulator), endpoint=emulator.tls_endpoint, credential=Token(token_env="T"))
        time = Ticking()
        with pytest.raises(GraphError) as caught:
            collect(
                emulator,
                Needs(sources=AGGREGATES),
                tenant=tenant,
                env={"T": emulator.bearer("contoso")},
                retry_policy=time.retry_policy(),
            )
        assert "CERTIFICATE_VERIFY_FAILED" in caught.value.message
        assert "SSL_CERT_FILE" in (caught.value.hint or "")
        assert not time.slept
        trusted = environment(emulator, T=emulator.bearer("contoso"))
        assert collect(emulator, Needs(sources=AGGREGATES), tenant=tenant, env=trusted).manifest.complete


def test_a_graph_where_nobody_listens_is_tried_again_and_reported() -> None:
    with running_emulator([small_tenant()]) as emulator:
        tenant = replace(configured(emulator), endpoint="http://127.0.0.1:9/v1.0", credential=Token(token_env="T"))
        time = Ticking()
        with pytest.raises(GraphError) as caught:
            collect(
                emulator,
                Needs(sources=AGGREGATES),
                tenant=tenant,
                env={"T": "opaque"},
                retry_policy=time.retry_policy(),
            )
    assert "ConnectError" in caught.value.message
    assert "network" in (caught.value.hint or "")
    assert len(time.slept) >= 6
