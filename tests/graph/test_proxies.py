"""Tests that requests use the proxies of the environment, and no other settings such as netrc."""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import httpx
import pytest
import trustme
from azure.core.pipeline.transport import AioHttpTransport

from auditor.app.download import fetch
from auditor.deliver.https_connection import open_connection
from auditor.domain.errors import GraphError, SettingsError
from auditor.domain.settings import ClientSecret, GithubOidc, Tenant
from auditor.graph.auth.credentials import SignIn
from auditor.graph.request_guard import root_of
from auditor.graph.transport.aiohttp_transport import AiohttpTransport, Connections, CookielessClient
from auditor.graph.transport.ca_bundle import tls_context
from auditor.graph.transport.proxy import proxy_of
from tests.builders.service.listeners import Talk, listening
from tests.builders.service.mail_relay import authority
from tests.builders.service.web_server import Response, web_server
from tests.builders.tenant.collection import configured, environment
from tests.emulator.fixtures import running_emulator, small_tenant

ENTRA = "https://login.microsoftonline.com"
_SETTINGS = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@pytest.fixture(autouse=True)
def without_proxy_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the proxy variables of the environment."""
    for name in _SETTINGS:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.mark.parametrize(
    ("settings", "url", "proxy"),
    [
        ({}, ENTRA, None),
        ({"HTTPS_PROXY": "http://proxy.example:3128"}, ENTRA, "http://proxy.example:3128"),
        ({"https_proxy": "proxy.example:3128"}, ENTRA, "http://proxy.example:3128"),
        ({"HTTP_PROXY": "http://proxy.example:3128"}, ENTRA, None),
        ({"ALL_PROXY": "http://proxy.example:3128"}, ENTRA, "http://proxy.example:3128"),
        ({"HTTPS_PROXY": "http://proxy.example:3128", "NO_PROXY": ".microsoftonline.com"}, ENTRA, None),
        ({"HTTPS_PROXY": "http://proxy.example:3128", "NO_PROXY": "*"}, ENTRA, None),
        ({"HTTPS_PROXY": "http://proxy.example:3128"}, "https://localhost:8443", None),
        ({"HTTP_PROXY": "http://proxy.example:3128"}, "http://127.0.0.1:8080/v1.0", None),
    ],
)
def test_proxy_of_environment_variables(
    settings: dict[str, str], url: str, proxy: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert proxy_of(root_of(url)) == proxy


def refuse_connections(requests: list[bytes]) -> Talk:
    """Return a proxy that refuses every connection and records the requests."""

    def talk(connection: socket.socket) -> None:
        requests.append(connection.recv(1 << 16))
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    return talk


async def sign_in_to(tenant: Tenant, env: dict[str, str]) -> str:
    async with Connections() as connections, SignIn(tenant, environ=env, connections=connections) as sign_in:
        return (await sign_in.get_token()).token


def test_sign_in_uses_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    requests: list[bytes] = []
    tenant = Tenant(
        name="contoso",
        tenant_id="11111111-2222-4333-8444-555555555555",
        credential=ClientSecret(client_id="c" * 36, secret_env="SECRET"),
        authority="https://login.example",
    )
    with listening(refuse_connections(requests)) as host:
        monkeypatch.setenv("HTTPS_PROXY", f"http://someone:word@{host}")
        monkeypatch.setattr(AioHttpTransport, "sleep", lambda *_: asyncio.sleep(0))
        with pytest.raises(GraphError) as caught:
            asyncio.run(sign_in_to(tenant, {"SECRET": "the-secret-value"}))
    assert caught.value.slug == "sign-in-unreachable"
    assert "someone" not in caught.value.message
    assert requests
    assert requests[0].startswith(b"CONNECT login.example:443 HTTP/1.1\r\n")
    assert b"Proxy-Authorization: Basic c29tZW9uZTp3b3Jk" in requests[0]
    assert b"the-secret-value" not in b"".join(requests)


def job_tenant(assertions: str) -> tuple[Tenant, dict[str, str]]:
    """Return a tenant that a job of GitHub signs in to, and the variables of the job."""
    variables = {"ACTIONS_ID_TOKEN_REQUEST_URL": assertions, "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "the-token-of-the-job"}
    credential = GithubOidc(client_id="c" * 36)
    return Tenant(name="contoso", tenant_id="11111111-2222-4333-8444-555555555555", credential=credential), variables


def test_assertions_of_github_are_requested_through_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    requests: list[bytes] = []
    tenant, variables = job_tenant("https://pipelines.example/assertion?v=1")
    with listening(refuse_connections(requests)) as host:
        monkeypatch.setenv("HTTPS_PROXY", f"http://someone:word@{host}")
        with pytest.raises(GraphError) as caught:
            asyncio.run(sign_in_to(tenant, variables))
    assert caught.value.slug == "github-oidc-unreachable"
    assert requests[0].startswith(b"CONNECT pipelines.example:443 HTTP/1.1\r\n")
    assert b"the-token-of-the-job" not in b"".join(requests)


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "ALL_PROXY"])
@pytest.mark.parametrize("address", ["socks5://someone:word@proxy.example:1080", "ftp://someone:word@proxy.example"])
def test_unusable_proxy_is_an_error_for_github_too(name: str, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, address)
    with pytest.raises(GraphError) as caught:
        asyncio.run(sign_in_to(*job_tenant("https://pipelines.example/assertion?v=1")))
    assert caught.value.slug == "proxy-address"
    assert "word" not in str(caught.value)


def test_netrc_passwords_are_not_sent_to_the_sign_in_service(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine localhost login somebody password of-another-service\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    with running_emulator([small_tenant()]) as emulator:
        assert asyncio.run(sign_in_to(configured(emulator), environment(emulator)))
        records = emulator.journal.of("*")
    assert records
    assert not any(record.authorized for record in records)


async def get(url: str, proxy: str, bundle: Path) -> httpx.Response:
    async with Connections() as connections:
        transport = AiohttpTransport(connections.graph(str(bundle)), proxy=proxy)
        return await CookielessClient(transport=transport, trust_env=False).get(url)


@contextmanager
def tls_proxy(ca: trustme.CA, port: int, requests: list[bytes]) -> Iterator[str]:
    """Serve a proxy over TLS that connects every tunnel to a port; yields its address. `requests` gets the heads."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("localhost").configure_cert(context)

    def talk(connection: socket.socket) -> None:
        with contextlib.suppress(OSError), context.wrap_socket(connection, server_side=True) as client:
            requests.append(client.recv(1 << 16))
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with socket.create_connection(("127.0.0.1", port)) as service:
                back = Thread(target=_copy, args=(service, client), daemon=True)
                back.start()
                _copy(client, service)
                back.join(5)

    with listening(talk) as host:
        yield f"https://localhost:{host.rpartition(':')[2]}"


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while part := source.recv(1 << 16):
            target.sendall(part)
        target.shutdown(socket.SHUT_WR)


@pytest.mark.slow
def test_https_proxy_tunnels_tls(tmp_path: Path) -> None:
    ca, bundle = authority(tmp_path)
    requests: list[bytes] = []
    with web_server(lambda _: Response(), ca, name="graph.example") as port, tls_proxy(ca, port, requests) as proxy:
        response = asyncio.run(get("https://graph.example/v1.0/users", proxy, bundle))
    assert response.content == b"ok"
    assert requests[0].startswith(b"CONNECT graph.example:443 HTTP/1.1\r\n")


@pytest.mark.parametrize("address", ["socks5://someone:word@proxy.example:1080", "https://:3128", "http://[proxy"])
def test_error_about_an_invalid_proxy_omits_its_password(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", address)
    with pytest.raises(SettingsError) as caught:
        proxy_of(root_of(ENTRA))
    assert caught.value.slug == "proxy-address"
    assert "word" not in str(caught.value)


def test_channels_and_downloads_do_not_support_https_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "https://someone:word@proxy.example:3128")
    assert proxy_of(root_of(ENTRA)) == "https://someone:word@proxy.example:3128"
    url = urlsplit("https://hooks.slack.com/services/x")
    with pytest.raises(SettingsError) as caught:
        open_connection(url, tls_context(None), 1.0)
    assert caught.value.slug == "proxy-address"
    assert "word" not in str(caught.value)
    with pytest.raises(SettingsError):
        fetch("https://download.example/products.csv")
