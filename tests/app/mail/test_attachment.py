"""The file that goes with a mail: packed so that there is a way for its size, and left behind where there is none."""

import io
import zipfile
from email import message_from_string
from email.policy import default
from pathlib import Path

import pytest
from msgspec.structs import replace

from auditor.app.mail import letters
from auditor.app.mail.attachment import attached
from auditor.app.mail.delivery import send_result
from auditor.app.mail.job import DeliveryStatus, MailJob
from auditor.deliver.mail.graph_mail import MAX_INLINE, MIN_SESSION
from auditor.domain.enums import Severity
from auditor.domain.tenant import Attach, ClientSecret, Digest, GraphMail, Mail, Recipient, Send, Settings, Tenant
from auditor.findings.table import FindingTable
from auditor.history import compare
from auditor.settings.loader import load
from tests.builders.result.results import night_before, result
from tests.builders.service.letters import AT
from tests.emulator.fixtures import CLIENT_ID, SECRET, auditor_app, running_emulator, small_tenant


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "name", "inside"),
    [
        (Attach.HTML, "licence-audit-2-tenants-2026-11-20.zip", "licence-audit-2-tenants-2026-11-20.html"),
        (Attach.CSV, "licence-audit-2-tenants-2026-11-20.csv", None),
        (Attach.XLSX, "licence-audit-2-tenants-2026-11-20.xlsx", None),
    ],
)
def test_files_open_with_a_click_where_they_may(kind: Attach, name: str, inside: str | None) -> None:
    made = attached(result(), kind, locale="en", suits=lambda _: True)
    assert made is not None
    assert made.name == name
    if inside is not None:
        with zipfile.ZipFile(io.BytesIO(made.body)) as archive:
            assert archive.namelist() == [inside]
            assert archive.read(inside).lstrip().startswith(b"<!doctype html>")
    again = attached(result(), kind, locale="en", suits=lambda _: True)
    assert again == made


def test_excel_knows_the_letters_of_a_table_from_a_mail() -> None:
    made = attached(result(), Attach.CSV, locale="en", suits=lambda _: True)
    assert made is not None
    assert made.body.startswith(b"\xef\xbb\xbftenant,")
    assert made.body.decode("utf-8-sig").splitlines()[1].startswith("contoso,")


def test_none_is_none() -> None:
    assert attached(result(), Attach.NONE, locale="en", suits=lambda _: True) is None


@pytest.mark.slow
def test_a_size_without_a_way_is_packed_more_loosely() -> None:
    tight = attached(result(), Attach.HTML, locale="en", suits=lambda _: True)
    assert tight is not None
    loose = attached(result(), Attach.HTML, locale="en", suits=lambda size: size > len(tight.body))
    assert loose is not None
    assert len(loose.body) > len(tight.body)
    stored = attached(result(), Attach.HTML, locale="en", suits=lambda size: size > 2 * len(tight.body))
    assert stored is not None
    with zipfile.ZipFile(io.BytesIO(stored.body)) as archive:
        assert archive.infolist()[0].compress_type == zipfile.ZIP_STORED
    tenant = result().tenants[0]
    large = replace(result(), tenants=(replace(tenant, findings=FindingTable.of([*tenant.findings] * 500)),))
    packed = attached(large, Attach.CSV, locale="en", suits=lambda _: True)
    assert packed is not None
    assert packed.name.endswith(".zip")


def test_the_gap_of_graph_is_narrower_than_what_packing_moves() -> None:
    assert MIN_SESSION / MAX_INLINE < 1.1


def test_the_tenants_file_says_it_all() -> None:
    text = (
        "version: 1\ntenants:\n  - name: contoso\n    tenantId: 11111111-2222-3333-4444-555555555555\n    recipients:\n"
        "      - {address: a@b.example, owners: [x@b.example], tags: [cost, stores], digest: never, attach: xlsx}\n"
        "      - {address: c@b.example, severities: [high]}\n"
    )
    first, second = load(text, file="tenants.yaml").tenants[0].recipients
    assert first == Recipient(
        address="a@b.example", owners=("x@b.example",), tags=("cost", "stores"), digest=Digest.NEVER, attach=Attach.XLSX
    )
    assert second == Recipient(
        address="c@b.example", severities=(Severity.HIGH,), digest=Digest.WEEKLY, attach=Attach.HTML
    )


@pytest.mark.slow
def test_through_graph_from_end_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
        asked = MailJob(settings=settings, now=AT, environ=environ, log=tmp_path / "sent.jsonl")
        compared = compare(result(), night_before())
        assert [sent.end for sent in send_result(compared, asked)] == [DeliveryStatus.ACCEPTED]
        assert [sent.end for sent in send_result(compared, asked)] == [DeliveryStatus.ALREADY]
        emulator.faults.add("reset", path="/users/*/sendMail")
        monkeypatch.setattr(letters, "MAX_ATTACHMENT", 10)
        assert [sent.end for sent in send_result(compared, asked)] == [DeliveryStatus.UNKNOWN]
        assert [sent.end for sent in send_result(compared, asked)] == [DeliveryStatus.UNKNOWN]
        whole, bare = (message_from_string(one["message"]["mime"], policy=default) for one in tenant.sent)
    assert [part.get_content_type() for part in whole.walk()][-1] == "application/zip"
    part = bare.get_body(("plain",))
    assert part is not None
    assert "is too large for a mail" in part.get_content()
    assert len(emulator.journal.of("/users/*/sendMail")) == 2
