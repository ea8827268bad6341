"""Attachments of mails: file types, compression to a size that can be sent, and omission if there is none."""

import io
import zipfile
from email import message_from_string
from email.policy import default
from pathlib import Path

import pytest
from msgspec.structs import replace

from auditor.app.mail import messages
from auditor.app.mail.attachment import attach_report
from auditor.app.mail.delivery import send_result
from auditor.app.mail.job import DeliveryStatus, MailJob
from auditor.deliver.mail.graph_mail import MAX_INLINE, MIN_SESSION
from auditor.domain.enums import Severity
from auditor.domain.settings import Attach, ClientSecret, Digest, GraphMail, Mail, Recipient, Send, Settings, Tenant
from auditor.findings.table import FindingTable
from auditor.render.view.content import PageContent
from auditor.settings.loader import load
from tests.builders.result.results import compared, result
from tests.builders.service.mail_messages import AT
from tests.emulator.fixtures import CLIENT_ID, SECRET, auditor_app, running_emulator, small_tenant


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "name", "zipped_name"),
    [
        (Attach.HTML, "licence-audit-2-tenants-2026-11-20.zip", "licence-audit-2-tenants-2026-11-20.html"),
        (Attach.CSV, "licence-audit-2-tenants-2026-11-20.csv", None),
        (Attach.XLSX, "licence-audit-2-tenants-2026-11-20.xlsx", None),
    ],
)
def test_attachment_name_and_content_of_each_kind(kind: Attach, name: str, zipped_name: str | None) -> None:
    attachment = attach_report(PageContent(result(), "en"), kind, fits=lambda _: True)
    assert attachment is not None
    assert attachment.name == name
    if zipped_name is not None:
        with zipfile.ZipFile(io.BytesIO(attachment.body)) as archive:
            assert archive.namelist() == [zipped_name]
            assert archive.read(zipped_name).lstrip().startswith(b"<!doctype html>")
    second = attach_report(PageContent(result(), "en"), kind, fits=lambda _: True)
    assert second == attachment


def test_csv_attachment_has_a_byte_order_mark() -> None:
    attachment = attach_report(PageContent(result(), "en"), Attach.CSV, fits=lambda _: True)
    assert attachment is not None
    assert attachment.body.startswith(b"\xef\xbb\xbftenant,")
    assert attachment.body.decode("utf-8-sig").splitlines()[1].startswith("contoso,")


def test_attach_none_has_no_attachment() -> None:
    assert attach_report(PageContent(result(), "en"), Attach.NONE, fits=lambda _: True) is None


@pytest.mark.slow
def test_attachment_is_compressed_less_if_its_size_cannot_be_sent() -> None:
    tight = attach_report(PageContent(result(), "en"), Attach.HTML, fits=lambda _: True)
    assert tight is not None
    loose = attach_report(PageContent(result(), "en"), Attach.HTML, fits=lambda size: size > len(tight.body))
    assert loose is not None
    assert len(loose.body) > len(tight.body)
    stored = attach_report(PageContent(result(), "en"), Attach.HTML, fits=lambda size: size > 2 * len(tight.body))
    assert stored is not None
    with zipfile.ZipFile(io.BytesIO(stored.body)) as archive:
        assert archive.infolist()[0].compress_type == zipfile.ZIP_STORED
    tenant = result().tenants[0]
    large = replace(result(), tenants=(replace(tenant, findings=FindingTable.of([*tenant.findings] * 500)),))
    packed = attach_report(PageContent(large, "en"), Attach.CSV, fits=lambda _: True)
    assert packed is not None
    assert packed.name.endswith(".zip")


def test_size_gap_of_graph_is_smaller_than_the_effect_of_less_compression() -> None:
    assert MIN_SESSION / MAX_INLINE < 1.1


def test_recipient_options_in_the_tenants_file() -> None:
    text = (
        "version: 1\ntenants:\n  - name: contoso\n    tenantId: 11111111-2222-3333-4444-555555555555\n    recipients:\n"
        "      - {address: a@b.example, owners: [x@b.example], tags: [cost, stores], digest: never, attach: xlsx}\n"
        "      - {address: c@b.example, severities: [high]}\n"
    )
    first, second = (replace(entry, span=None) for entry in load(text, file="tenants.yaml").tenants[0].recipients)
    assert first == Recipient(
        address="a@b.example", owners=("x@b.example",), tags=("cost", "stores"), digest=Digest.NEVER, attach=Attach.XLSX
    )
    assert second == Recipient(
        address="c@b.example", severities=(Severity.HIGH,), digest=Digest.WEEKLY, attach=Attach.HTML
    )


def test_mail_and_its_attachment_share_one_index_of_the_findings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr("auditor.render.view.page.finding_indexes")
    contoso = Tenant(name="contoso", tenant_id="t", recipients=(Recipient(address="a@b.example"),))
    mail = Mail(sender="ann@contoso.example", route=GraphMail(tenant="contoso"), send=Send.ALWAYS)
    settings = Settings(tenants=(contoso,), mail=mail)
    job = MailJob(settings=settings, now=AT, environ={}, log=tmp_path / "sent.jsonl", dry_run=tmp_path)
    assert [outcome.end for outcome in send_result(compared(), job)] == [DeliveryStatus.WRITTEN]


@pytest.mark.slow
def test_mail_with_attachment_is_sent_through_graph_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tenant = small_tenant()
    tenant.register(auditor_app(roles=("Mail.Send", "Mail.ReadWrite")))
    with running_emulator([tenant]) as emulator:
        configured = Tenant(
            name="contoso",
            tenant_id=tenant.tenant_id,
            credential=ClientSecret(client_id=CLIENT_ID, secret_env="CONTOSO_SECRET"),
            endpoint=emulator.endpoint,
            authority=emulator.authority,
            recipients=(Recipient(address="licensing@contoso.example"),),
        )
        settings = Settings(
            tenants=(configured,),
            mail=Mail(sender="ann@contoso.example", route=GraphMail(tenant="contoso"), send=Send.ALWAYS),
        )
        environ = {**emulator.environment(), "CONTOSO_SECRET": SECRET}
        job = MailJob(settings=settings, now=AT, environ=environ, log=tmp_path / "sent.jsonl")
        comparison = compared()
        assert [outcome.end for outcome in send_result(comparison, job)] == [DeliveryStatus.ACCEPTED]
        assert [outcome.end for outcome in send_result(comparison, job)] == [DeliveryStatus.ALREADY]
        emulator.faults.add("reset", path="/users/*/sendMail")
        monkeypatch.setattr(messages, "MAX_ATTACHMENT", 10)
        assert [outcome.end for outcome in send_result(comparison, job)] == [DeliveryStatus.UNKNOWN]
        assert [outcome.end for outcome in send_result(comparison, job)] == [DeliveryStatus.UNKNOWN]
        complete, without_attachment = (
            message_from_string(request["message"]["mime"], policy=default) for request in tenant.sent
        )
    assert [part.get_content_type() for part in complete.walk()][-1] == "application/zip"
    body = without_attachment.get_body(("plain",))
    assert body is not None
    assert "is too large for a mail" in body.get_content()
    assert len(emulator.journal.of("/users/*/sendMail")) == 2
