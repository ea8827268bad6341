"""Tests webhooks through a real server: TLS, signatures, redirects, retries and missing responses."""

import base64
import hashlib
import hmac
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from auditor.deliver.send_attempt import SendAttempt, SendStatus
from auditor.deliver.webhooks.webhook import ATTEMPTS, MAX_WAIT, WebhookMessage, post, signature
from auditor.deliver.webhooks.webhook_address import webhook_target
from auditor.domain.errors import SettingsError
from tests.builders.service.web_server import HANG_UP, Response
from tests.builders.service.webhook_server import WebhookServer, webhook_server

KEY = bytes(range(32))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
URL_SECRET = "s3cr3t-part-of-the-url"
MESSAGE = WebhookMessage(recipient="slack:HOOK", body=b'{"text": "one"}', key="ab" * 32)


@pytest.fixture(scope="module")
def running_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebhookServer]:
    with webhook_server(tmp_path_factory.mktemp("webhook")) as running:
        yield running


@pytest.fixture
def server(running_server: WebhookServer) -> WebhookServer:
    running_server.posted.clear()
    running_server.answers.clear()
    return running_server


def environment(server: WebhookServer, url: str | None = None) -> dict[str, str]:
    return {
        "HOOK": server.url() if url is None else url,
        "HOOK_SECRET": SECRET,
        "AUDITOR_WEBHOOK_HOSTS": "hooks.contoso.example, localhost",
        "AUDITOR_CA_BUNDLE": str(server.ca),
    }


def sent(server: WebhookServer, address: str = "slack:HOOK", waits: list[float] | None = None) -> SendAttempt:
    environ = environment(server)
    delays = [] if waits is None else waits
    return post(
        webhook_target(address, environ), replace(MESSAGE, recipient=address), environ=environ,
        clock=lambda: 1_795_000_000.5, pause=delays.append, timeout=5,
    )  # fmt: skip


def test_message_is_posted_encrypted_and_complete(server: WebhookServer) -> None:
    assert sent(server) == SendAttempt(status=SendStatus.ACCEPTED)
    (posted,) = server.posted
    assert (posted.method, posted.path, posted.body) == ("POST", f"/services/T000/B000/{URL_SECRET}", MESSAGE.body)
    assert posted.headers["content-type"] == "application/json"
    assert "webhook-signature" not in posted.headers


def test_webhook_is_signed_according_to_standard_webhooks(server: WebhookServer) -> None:
    assert sent(server, "webhook:HOOK").status is SendStatus.ACCEPTED
    (posted,) = server.posted
    headers = posted.headers
    assert (headers["webhook-id"], headers["webhook-timestamp"]) == ("msg_" + "ab" * 20, "1795000000")
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + posted.body
    expected = base64.b64encode(hmac.new(KEY, signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"


def test_webhook_without_a_secret_is_not_signed(server: WebhookServer) -> None:
    environ = environment(server)
    del environ["HOOK_SECRET"]
    attempt = post(webhook_target("webhook:HOOK", environ), MESSAGE, environ=environ, timeout=5)
    assert attempt.status is SendStatus.ACCEPTED
    (posted,) = server.posted
    assert posted.headers["webhook-id"] == "msg_" + "ab" * 20
    assert "webhook-signature" not in posted.headers


def test_signature_matches_the_example_of_the_specification() -> None:
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    value = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert value == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_both_secrets_sign_during_a_rotation(server: WebhookServer) -> None:
    environ = environment(server)
    environ["HOOK_SECRET"] = f"{SECRET} {base64.b64encode(KEY[::-1]).decode()}"
    assert post(webhook_target("webhook:HOOK", environ), MESSAGE, environ=environ).status is SendStatus.ACCEPTED
    first, second = server.posted[0].headers["webhook-signature"].split()
    assert first != second


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirect_is_refused(server: WebhookServer, status: int) -> None:
    server.answers.append(Response(status=status, headers={"Location": server.url("/elsewhere")}))
    attempt = sent(server)
    assert attempt.status is SendStatus.REFUSED
    assert f"redirect (HTTP {status})" in attempt.message
    assert len(server.posted) == 1


def test_retry_after_header_sets_the_delay(server: WebhookServer) -> None:
    server.answers += [Response(status=429, headers={"Retry-After": "7"}), Response(status=429), Response()]
    waits: list[float] = []
    assert sent(server, waits=waits).status is SendStatus.ACCEPTED
    assert waits == [7.0, 4.0]
    assert len(server.posted) == 3


def test_retries_end_after_the_last_attempt_or_a_long_retry_after(server: WebhookServer) -> None:
    server.answers.append(Response(status=503, headers={"Retry-After": "1"}))
    attempt = sent(server)
    assert (attempt.status, len(server.posted)) == (SendStatus.REFUSED, ATTEMPTS)
    server.posted.clear()
    server.answers[:] = [Response(status=429, headers={"Retry-After": str(MAX_WAIT + 1)})]
    waits: list[float] = []
    assert sent(server, waits=waits).status is SendStatus.REFUSED
    assert (len(server.posted), waits) == (1, [])


@pytest.mark.parametrize("answer", [Response(status=500), Response(status=HANG_UP)])
def test_unknown_outcome_is_retried_only_with_a_webhook_id(server: WebhookServer, answer: Response) -> None:
    server.answers.append(answer)
    attempt = sent(server, "teams:HOOK")
    assert (attempt.status, len(server.posted)) == (SendStatus.UNKNOWN, 1)
    assert attempt.hint is not None
    assert MESSAGE.message_id in attempt.hint
    server.posted.clear()
    assert sent(server, "webhook:HOOK").status is SendStatus.UNKNOWN
    assert len(server.posted) == ATTEMPTS
    assert {posted.headers["webhook-id"] for posted in server.posted} == {MESSAGE.message_id}


def test_refusal_quotes_the_response_without_the_url(server: WebhookServer) -> None:
    body = f"\x1b[31mcannot POST /services/T000/B000/{URL_SECRET}".encode()
    server.answers.append(Response(status=404, body=body))
    attempt = sent(server)
    assert attempt.status is SendStatus.REFUSED
    assert "HTTP 404 (\\x1b[31mcannot POST" in attempt.message
    assert URL_SECRET not in f"{attempt}"
    assert attempt.hint is not None
    assert "HOOK" in attempt.hint


def test_certificate_of_an_unknown_authority_is_refused(server: WebhookServer) -> None:
    environ = {**environment(server), "AUDITOR_CA_BUNDLE": ""}
    attempt = post(webhook_target("slack:HOOK", environ), MESSAGE, environ=environ)
    assert (attempt.status, server.posted) == (SendStatus.REFUSED, [])
    assert "certificate" in attempt.message


def test_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    with webhook_server(tmp_path, name="elsewhere.example") as server:
        assert sent(server).status is SendStatus.REFUSED
        assert not server.posted


def test_unreachable_host_is_refused_after_retries(server: WebhookServer) -> None:
    waits: list[float] = []
    environ = environment(server, "https://localhost:1/x")
    attempt = post(webhook_target("slack:HOOK", environ), MESSAGE, environ=environ, pause=waits.append)
    assert (attempt.status, waits) == (SendStatus.REFUSED, [2.0, 4.0, 8.0])
    assert "no connection" in attempt.message


@pytest.mark.parametrize(
    ("address", "url"),
    [
        ("teams:U", "https://prod-1.westeurope.logic.azure.com:443/workflows/abc/triggers/manual/paths/invoke?sig=x"),
        ("teams:U", "https://default0.f1.environment.api.powerplatform.com/powerautomate/x?sig=y"),
        ("slack:U", "https://hooks.slack.com/services/T/B/x"),
        ("webhook:U", "https://in.contoso.example/hook"),
        ("webhook:U", "https://a.b.fabrikam.example/hook"),
        ("webhook:U", "http://127.0.0.1:8080/hook"),
    ],
)
def test_allowed_hosts_are_accepted(address: str, url: str) -> None:
    hosts = ("in.contoso.example", "*.fabrikam.example", "127.0.0.1")
    target = webhook_target(address, {"U": url, "U_SECRET": SECRET}, hosts)
    assert target.url.geturl() == url
    assert url not in repr(target)
    assert str(KEY) not in repr(target)


@pytest.mark.parametrize(
    ("address", "url", "slug"),
    [
        ("slack:U", "", "webhook-variable"),
        ("slack:U", "http://hooks.slack.com/services/x", "webhook-address"),
        ("slack:U", "https://user:secret-x@hooks.slack.com/x", "webhook-address"),
        ("slack:U", "https://hooks.slack.com/x#secret-x", "webhook-address"),
        ("slack:U", "https://hooks.slack.com/secret-x\r\nHost: evil", "webhook-address"),
        ("slack:U", "https://[secret-x", "webhook-address"),
        ("slack:U", "secret-x", "webhook-address"),
        ("slack:U", "https://hooks.slack.com.evil.example/secret-x", "webhook-host"),
        ("slack:U", "https://prod.logic.azure.com/secret-x", "webhook-host"),
        ("teams:U", "https://logic.azure.com/secret-x", "webhook-host"),
        ("teams:U", "https://evil-logic.azure.com/secret-x", "webhook-host"),
        ("teams:U", "https://localhost/secret-x", "webhook-host"),
        ("webhook:U", "https://hooks.slack.com/secret-x", "webhook-host"),
    ],
)
def test_error_for_a_refused_address_does_not_quote_it(address: str, url: str, slug: str) -> None:
    with pytest.raises(SettingsError) as caught:
        webhook_target(address, {"U": url, "U_SECRET": SECRET})
    assert caught.value.slug == slug
    assert "secret-x" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize("secret", ["", "short", "whsec_" + base64.b64encode(KEY[:23]).decode(), "whsec_ü", "x" * 200])
def test_webhook_with_an_empty_or_short_secret_is_rejected(secret: str) -> None:
    environ: Mapping[str, str] = {"U": "https://in.contoso.example/", "U_SECRET": secret}
    with pytest.raises(SettingsError) as caught:
        webhook_target("webhook:U", environ, ["in.contoso.example"])
    assert caught.value.slug == "webhook-secret"
    assert ("U_SECRET is empty; unset it" in str(caught.value)) is (not secret)
    assert secret == "" or secret not in f"{caught.value} {caught.value.hint}".split()
