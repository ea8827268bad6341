"""Mail through an emulated Graph: small and large, refused, throttled, and the answer that never comes."""

import asyncio
import base64
from collections.abc import Iterator
from email import message_from_string
from email.policy import default
from typing import Any

import pytest
from msgspec.structs import replace

from auditor.deliver.mail.graph_mail import MAX_INLINE, MIN_SESSION, fits, send
from auditor.deliver.mail.letter import Attachment, MailMessage
from auditor.deliver.send_attempt import SendAttempt, SendStatus
from auditor.domain.tenant import ClientSecret, Tenant
from auditor.graph.auth.credentials import SignIn
from auditor.graph.client import RetryPolicy, open_graph
from auditor.graph.upload_session import RANGE_BYTES
from tests.builders.service.letters import attachment, letter
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


def mailed(
    graph: Emulator, what: MailMessage, *, time_limit: float = 20, time: Ticking | None = None, secret: str = SECRET
) -> SendAttempt:
    time = time or Ticking()
    tenant = Tenant(
        name="contoso",
        tenant_id=graph.tenants["contoso"].tenant_id,
        credential=ClientSecret(client_id=CLIENT_ID, secret_env="CONTOSO_SECRET"),
        endpoint=graph.endpoint,
        authority=graph.authority,
    )
    patience: RetryPolicy = time.retry_policy()

    async def run() -> SendAttempt:
        environ = {**graph.environment(), "CONTOSO_SECRET": secret}
        async with (
            SignIn(tenant, environ=environ) as sign_in,
            open_graph(tenant, sign_in, retry_policy=patience, mail=True) as opened,
        ):
            return await send(opened, what, time_limit=time_limit)

    return asyncio.run(run())


def sent(graph: Emulator) -> list[dict[str, Any]]:
    return [one["message"] for one in graph.tenants["contoso"].sent]


def from_ann(**more: Any) -> MailMessage:
    return letter(sender=SENDER, recipient="licensing@contoso.example", **more)


def test_a_small_mail_goes_as_mime_with_both_parts(graph: Emulator) -> None:
    what = from_ann(subject="Lisanslar: 2 kritik ığü", attachment=attachment(50_000))
    assert mailed(graph, what) == SendAttempt(status=SendStatus.ACCEPTED)
    (message,) = sent(graph)
    mail = message_from_string(message["mime"], policy=default)
    assert (mail["subject"], mail["message-id"]) == ("Lisanslar: 2 kritik ığü", what.message_id)
    assert [part.get_content_type() for part in mail.walk()][2:] == ["text/plain", "text/html", "application/zip"]
    (request,) = graph.journal.of("/users/*/sendMail")
    assert request.headers["client-request-id"] == what.request_id
    assert request.headers["content-type"] == "text/plain"


@pytest.mark.slow
def test_a_larger_one_goes_as_json_in_one_request(graph: Emulator) -> None:
    file = attachment(MAX_INLINE)
    assert mailed(graph, from_ann(attachment=file)).status is SendStatus.ACCEPTED
    (message,) = sent(graph)
    assert base64.b64decode(message["attachments"][0]["contentBytes"]) == file.body
    assert [record.path for record in graph.journal.of("/users/*")] == [f"/users/{SENDER}/sendMail"]


@pytest.mark.slow
@pytest.mark.parametrize("size", [MAX_INLINE - 400_000, MIN_SESSION])
def test_small_files_go_beside_the_attachment(graph: Emulator, size: int) -> None:
    small = tuple(Attachment(name=f"approvals-{n}.csv", media_type="text/csv", body=b"x" * 200_000) for n in (1, 2))
    file = attachment(size)
    assert mailed(graph, replace(from_ann(attachment=file), approvals=small)).status is SendStatus.ACCEPTED
    (message,) = sent(graph)
    names = {each["name"] for each in message["attachments"]}
    assert names == {file.name, "approvals-1.csv", "approvals-2.csv"}
    assert fits(size, 400_000)
    assert not fits(MAX_INLINE, 1)


@pytest.mark.slow
@pytest.mark.parametrize("size", [MIN_SESSION, 8_000_001])
def test_above_three_megabytes_it_is_uploaded_piece_by_piece(graph: Emulator, size: int) -> None:
    file = attachment(size)
    what = from_ann(attachment=file)
    assert mailed(graph, what).status is SendStatus.ACCEPTED
    (message,) = sent(graph)
    assert base64.b64decode(message["attachments"][0]["contentBytes"]) == file.body
    assert message["internetMessageId"] == what.message_id
    puts = graph.journal.of("/uploads/*", method="PUT")
    assert len(puts) == -(-size // RANGE_BYTES)
    assert not any(put.authorized for put in puts)


@pytest.mark.slow
def test_a_piece_that_fails_is_sent_again_and_the_mail_goes_once(graph: Emulator) -> None:
    graph.faults.add("server-error", path="/uploads/*", first=2, times=2)
    assert mailed(graph, from_ann(attachment=attachment(8_000_000))).status is SendStatus.ACCEPTED
    (message,) = sent(graph)
    assert len(base64.b64decode(message["attachments"][0]["contentBytes"])) == 8_000_000


def test_an_upload_that_never_works_sends_nothing(graph: Emulator) -> None:
    graph.faults.add("server-error", path="/uploads/*", times=None)
    attempt = mailed(graph, from_ann(attachment=attachment(MIN_SESSION)))
    assert attempt.status is SendStatus.REFUSED
    assert "draft" in str(attempt.hint)
    assert "authtoken" not in f"{attempt}"
    assert not sent(graph)
    assert not graph.journal.of("/users/*/messages/*/send")


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_an_answer_that_blames_the_service_is_never_answered_with_a_second_post(graph: Emulator, status: int) -> None:
    graph.faults.add("server-error", path="/users/*/sendMail", status=status, times=None)
    attempt = mailed(graph, from_ann())
    assert attempt.status is SendStatus.UNKNOWN
    assert from_ann().request_id in str(attempt.hint)
    assert len(graph.journal.of("/users/*/sendMail")) == 1


def test_a_connection_that_ends_before_the_answer_leaves_it_unknown(graph: Emulator) -> None:
    graph.faults.add("reset", path="/users/*/sendMail")
    assert mailed(graph, from_ann()).status is SendStatus.UNKNOWN
    assert len(sent(graph)) == 1, "it was sent, and nobody was told"


def test_an_answer_that_takes_too_long_leaves_it_unknown(graph: Emulator) -> None:
    graph.faults.add("slow", path="/users/*/sendMail", seconds=6)
    assert mailed(graph, from_ann(), time_limit=2).status is SendStatus.UNKNOWN
    assert len(graph.journal.of("/users/*/sendMail")) == 1


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["server-error", "reset"])
def test_the_last_step_of_a_large_mail_is_not_repeated_either(graph: Emulator, fault: str) -> None:
    graph.faults.add(fault, path="/users/*/messages/*/send", times=None)
    assert mailed(graph, from_ann(attachment=attachment(MIN_SESSION))).status is SendStatus.UNKNOWN
    assert len(graph.journal.of("/users/*/messages/*/send")) == 1


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/users/*/messages", "/users/*/messages/*/createUploadSession"])
def test_whatever_fails_before_the_last_step_sent_nothing(graph: Emulator, path: str) -> None:
    graph.faults.add("server-error", path=path, times=None)
    assert mailed(graph, from_ann(attachment=attachment(MIN_SESSION))).status is SendStatus.REFUSED
    assert not sent(graph)


def test_throttling_is_waited_for(graph: Emulator) -> None:
    graph.faults.add("throttled", path="/users/*/sendMail", retry_after="7.5", times=2)
    time = Ticking()
    assert mailed(graph, from_ann(), time=time).status is SendStatus.ACCEPTED
    assert time.slept == [7.5, 7.5]
    assert len(sent(graph)) == 1


def test_throttling_without_end_is_a_refusal(graph: Emulator) -> None:
    graph.faults.add("throttled", path="/users/*/sendMail", retry_after="200", times=None)
    assert mailed(graph, from_ann()).status is SendStatus.REFUSED
    assert not sent(graph)


def test_a_token_that_expired_is_renewed(graph: Emulator) -> None:
    graph.faults.add("token-expired", path="/users/*/sendMail")
    assert mailed(graph, from_ann()).status is SendStatus.ACCEPTED
    assert len(sent(graph)) == 1


def test_a_missing_permission_tells_the_page(graph: Emulator) -> None:
    graph.faults.add("denied", path="/users/*/sendMail")
    attempt = mailed(graph, from_ann())
    assert attempt.status is SendStatus.REFUSED
    assert "docs/mail.md" in str(attempt.hint)


def test_a_sender_without_a_mailbox_is_named(graph: Emulator) -> None:
    attempt = mailed(graph, replace(from_ann(), sender="nobody@contoso.example"))
    assert attempt.status is SendStatus.REFUSED
    assert "nobody@contoso.example" in str(attempt.hint)


def test_nobody_at_home_is_certainly_not_sent(graph: Emulator) -> None:
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


def test_a_failed_sign_in_is_certainly_not_sent(graph: Emulator) -> None:
    attempt = mailed(graph, from_ann(), secret="wrong-secret-text")
    assert attempt.status is SendStatus.REFUSED
    assert "AADSTS7000215" in attempt.message
    assert "wrong-secret-text" not in f"{attempt}"
    assert not sent(graph)


def test_the_gap_between_both_ways_is_known() -> None:
    assert fits(MAX_INLINE)
    assert not fits(MAX_INLINE + 1)
    assert not fits(MIN_SESSION - 1)
    assert fits(MIN_SESSION)
