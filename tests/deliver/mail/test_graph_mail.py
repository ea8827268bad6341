"""Tests mail through an emulated Graph: small and large messages, refusals, throttling and missing responses."""

import asyncio
import base64
from collections.abc import Iterator
from email import message_from_string
from email.policy import default
from typing import Any

import pytest
from msgspec.structs import replace

from auditor.deliver.mail.graph_mail import MAX_INLINE, MIN_SESSION, fits, send
from auditor.deliver.mail.mail_message import Attachment, MailMessage
from auditor.deliver.send_attempt import SendAttempt, SendStatus
from auditor.domain.settings import ClientSecret, Tenant
from auditor.graph.auth.credentials import SignIn
from auditor.graph.client import RetryPolicy, open_graph
from auditor.graph.upload_session import RANGE_BYTES
from tests.builders.service.mail_messages import attachment, mail_message
from tests.builders.tenant.collection import Ticking
from tests.emulator.fixtures import CLIENT_ID, SECRET, auditor_app, running_emulator, small_tenant
from tests.emulator.server import Emulator

SENDER = "ann@contoso.example"
ROLES = ("Mail.Send", "Mail.ReadWrite")


@pytest.fixture(scope="module")
def _running() -> Iterator[Emulator]:
    tenant = small_tenant()
    tenant.register(auditor_app(roles=ROLES))
    with running_emulator([tenant]) as emulator:
        yield emulator


@pytest.fixture
def graph(_running: Emulator) -> Iterator[Emulator]:
    _running.reset()
    _running.tenants["contoso"].sent.clear()
    yield _running
    assert not _running.journal.leaks()


def send_through(
    graph: Emulator,
    mail: MailMessage,
    *,
    time_limit: float = 20,
    time: Ticking | None = None,
    secret: str = SECRET,
    **limits: float,
) -> SendAttempt:
    time = time or Ticking()
    tenant = Tenant(
        name="contoso",
        tenant_id=graph.tenants["contoso"].tenant_id,
        credential=ClientSecret(client_id=CLIENT_ID, secret_env="CONTOSO_SECRET"),
        endpoint=graph.endpoint,
        authority=graph.authority,
    )
    retry_policy: RetryPolicy = time.retry_policy(**limits)

    async def run() -> SendAttempt:
        environ = {**graph.environment(), "CONTOSO_SECRET": secret}
        async with (
            SignIn(tenant, environ=environ) as sign_in,
            open_graph(tenant, sign_in, retry_policy=retry_policy, mail=True) as opened,
        ):
            return await send(opened, mail, time_limit=time_limit)

    return asyncio.run(run())


def sent(graph: Emulator) -> list[dict[str, Any]]:
    return [record["message"] for record in graph.tenants["contoso"].sent]


def from_ann(**options: Any) -> MailMessage:
    return mail_message(sender=SENDER, recipient="licensing@contoso.example", **options)


def test_small_mail_is_sent_as_mime_with_text_and_html(graph: Emulator) -> None:
    expected = from_ann(subject="Lisanslar: 2 kritik ığü", attachment=attachment(50_000))
    assert send_through(graph, expected) == SendAttempt(status=SendStatus.ACCEPTED)
    (message,) = sent(graph)
    mail = message_from_string(message["mime"], policy=default)
    assert (mail["subject"], mail["message-id"]) == ("Lisanslar: 2 kritik ığü", expected.message_id)
    assert [part.get_content_type() for part in mail.walk()][2:] == ["text/plain", "text/html", "application/zip"]
    (request,) = graph.journal.of("/users/*/sendMail")
    assert request.headers["client-request-id"] == expected.request_id
    assert request.headers["content-type"] == "text/plain"


@pytest.mark.slow
def test_mail_of_the_inline_limit_is_sent_as_json_in_one_request(graph: Emulator) -> None:
    file = attachment(MAX_INLINE)
    assert send_through(graph, from_ann(attachment=file)).status is SendStatus.ACCEPTED
    (message,) = sent(graph)
    assert base64.b64decode(message["attachments"][0]["contentBytes"]) == file.body
    assert [record.path for record in graph.journal.of("/users/*")] == [f"/users/{SENDER}/sendMail"]


@pytest.mark.slow
@pytest.mark.parametrize("size", [MAX_INLINE - 400_000, MIN_SESSION])
def test_approval_files_are_sent_with_the_attachment(graph: Emulator, size: int) -> None:
    extra = tuple(Attachment(name=f"approvals-{n}.csv", media_type="text/csv", body=b"x" * 200_000) for n in (1, 2))
    file = attachment(size)
    assert send_through(graph, replace(from_ann(attachment=file), approvals=extra)).status is SendStatus.ACCEPTED
    (message,) = sent(graph)
    names = {file["name"] for file in message["attachments"]}
    assert names == {file.name, "approvals-1.csv", "approvals-2.csv"}
    assert fits(size, 400_000)
    assert not fits(MAX_INLINE, 1)


@pytest.mark.slow
@pytest.mark.parametrize("size", [MIN_SESSION, 8_000_001])
def test_attachment_above_three_megabytes_is_uploaded_in_ranges(graph: Emulator, size: int) -> None:
    file = attachment(size)
    mail = from_ann(attachment=file)
    assert send_through(graph, mail).status is SendStatus.ACCEPTED
    (message,) = sent(graph)
    assert base64.b64decode(message["attachments"][0]["contentBytes"]) == file.body
    assert message["internetMessageId"] == mail.message_id
    puts = graph.journal.of("/uploads/*", method="PUT")
    assert len(puts) == -(-size // RANGE_BYTES)
    assert not any(put.authorized for put in puts)


@pytest.mark.slow
def test_failed_upload_range_is_retried_and_mail_is_sent_once(graph: Emulator) -> None:
    graph.faults.add("server-error", path="/uploads/*", first=2, times=2)
    assert send_through(graph, from_ann(attachment=attachment(8_000_000))).status is SendStatus.ACCEPTED
    (message,) = sent(graph)
    assert len(base64.b64decode(message["attachments"][0]["contentBytes"])) == 8_000_000


@pytest.mark.slow
def test_no_mail_is_sent_if_the_upload_always_fails(graph: Emulator) -> None:
    graph.faults.add("server-error", path="/uploads/*", times=None)
    attempt = send_through(graph, from_ann(attachment=attachment(MIN_SESSION)))
    assert attempt.status is SendStatus.REFUSED
    assert "draft" in str(attempt.hint)
    assert "authtoken" not in f"{attempt}"
    assert not sent(graph)
    assert not graph.journal.of("/users/*/messages/*/send")


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_send_is_not_retried_after_a_server_error(graph: Emulator, status: int) -> None:
    graph.faults.add("server-error", path="/users/*/sendMail", status=status, times=None)
    attempt = send_through(graph, from_ann())
    assert attempt.status is SendStatus.UNKNOWN
    assert from_ann().request_id in str(attempt.hint)
    assert len(graph.journal.of("/users/*/sendMail")) == 1


def test_outcome_is_unknown_if_the_connection_is_reset(graph: Emulator) -> None:
    graph.faults.add("reset", path="/users/*/sendMail")
    assert send_through(graph, from_ann()).status is SendStatus.UNKNOWN
    assert len(sent(graph)) == 1, "it was sent, but not confirmed"


@pytest.mark.slow
@pytest.mark.parametrize("limit", [{"time_limit": 2}, {"answer_timeout": 1}], ids=["of sending", "of all requests"])
def test_outcome_is_unknown_and_mail_is_sent_once_after_a_timeout(graph: Emulator, limit: dict[str, Any]) -> None:
    graph.faults.add("slow", path="/users/*/sendMail", seconds=6)
    assert send_through(graph, from_ann(), **limit).status is SendStatus.UNKNOWN
    assert len(graph.journal.of("/users/*/sendMail")) == 1


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["server-error", "reset"])
def test_sending_the_draft_of_a_large_mail_is_not_retried(graph: Emulator, fault: str) -> None:
    graph.faults.add(fault, path="/users/*/messages/*/send", times=None)
    assert send_through(graph, from_ann(attachment=attachment(MIN_SESSION))).status is SendStatus.UNKNOWN
    assert len(graph.journal.of("/users/*/messages/*/send")) == 1


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/users/*/messages", "/users/*/messages/*/createUploadSession"])
def test_no_mail_is_sent_if_a_step_before_sending_fails(graph: Emulator, path: str) -> None:
    graph.faults.add("server-error", path=path, times=None)
    assert send_through(graph, from_ann(attachment=attachment(MIN_SESSION))).status is SendStatus.REFUSED
    assert not sent(graph)


def test_throttled_request_is_retried_after_the_requested_delay(graph: Emulator) -> None:
    graph.faults.add("throttled", path="/users/*/sendMail", retry_after="7.5", times=2)
    time = Ticking()
    assert send_through(graph, from_ann(), time=time).status is SendStatus.ACCEPTED
    assert time.slept == [7.5, 7.5]
    assert len(sent(graph)) == 1


def test_endless_throttling_is_reported_as_refused(graph: Emulator) -> None:
    graph.faults.add("throttled", path="/users/*/sendMail", retry_after="200", times=None)
    assert send_through(graph, from_ann()).status is SendStatus.REFUSED
    assert not sent(graph)


def test_expired_token_is_renewed(graph: Emulator) -> None:
    graph.faults.add("token-expired", path="/users/*/sendMail")
    assert send_through(graph, from_ann()).status is SendStatus.ACCEPTED
    assert len(sent(graph)) == 1


def test_hint_for_a_missing_permission_names_the_documentation(graph: Emulator) -> None:
    graph.faults.add("denied", path="/users/*/sendMail")
    attempt = send_through(graph, from_ann())
    assert attempt.status is SendStatus.REFUSED
    assert "docs/mail.md" in str(attempt.hint)


def test_hint_names_a_sender_without_a_mailbox(graph: Emulator) -> None:
    attempt = send_through(graph, replace(from_ann(), sender="nobody@contoso.example"))
    assert attempt.status is SendStatus.REFUSED
    assert "nobody@contoso.example" in str(attempt.hint)


def test_mail_is_refused_if_graph_is_unreachable(graph: Emulator) -> None:
    tenant = Tenant(
        name="contoso",
        tenant_id=graph.tenants["contoso"].tenant_id,
        credential=ClientSecret(client_id=CLIENT_ID, secret_env="CONTOSO_SECRET"),
        endpoint="http://127.0.0.1:9/v1.0",
        authority=graph.authority,
    )

    async def run() -> SendAttempt:
        environ = {**graph.environment(), "CONTOSO_SECRET": SECRET}
        async with SignIn(tenant, environ=environ) as sign_in, open_graph(tenant, sign_in, mail=True) as opened:
            return await send(opened, from_ann())

    assert asyncio.run(run()).status is SendStatus.REFUSED


def test_mail_is_refused_if_the_sign_in_fails(graph: Emulator) -> None:
    attempt = send_through(graph, from_ann(), secret="wrong-secret-text")
    assert attempt.status is SendStatus.REFUSED
    assert "AADSTS7000215" in attempt.message
    assert "wrong-secret-text" not in f"{attempt}"
    assert not sent(graph)


def test_sizes_between_inline_limit_and_upload_minimum_do_not_fit() -> None:
    assert fits(MAX_INLINE)
    assert not fits(MAX_INLINE + 1)
    assert not fits(MIN_SESSION - 1)
    assert fits(MIN_SESSION)
