"""Approvals beside mails: each owner their own, nobody another one's."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.service.mail_place import ID, Place, body, mail_place


@pytest.fixture
def sending(tmp_path: Path) -> Iterator[Place]:
    with mail_place(tmp_path) as found:
        yield found


def owners_of(folder: Path, files: dict[tuple[str, str], str], *, tenant_id: str = ID) -> None:
    """Write what `auditor plan --by owner` writes: (owner, folder) → approvals.csv."""
    listed = [{"owner": owner, "tenant": "contoso", "tenantId": tenant_id, "names": [name]} for owner, name in files]
    for (_, name), text in files.items():
        (folder / "owners" / name).mkdir(parents=True)
        (folder / "owners" / name / "approvals.csv").write_text(text)
        (folder / "owners" / name / "actions.html").write_text(f"<p>{text}</p>")
    index = {"asOf": "2026-11-20T12:00:00Z", "files": listed}
    (folder / "owners" / "owners.json").write_text(json.dumps(index))


@pytest.mark.slow
def test_owners_get_their_own_approvals_and_nobody_else_s(sending: Place) -> None:
    sending.tenants(
        "[{address: Ann@contoso.example}, {address: bo@contoso.example, owners: [it@contoso.example]},"
        " {address: cfo@contoso.example, attach: none}]",
        other="[{address: it@contoso.example}]",
        mail="  send: always\n",
    )
    names = {("ann@contoso.example", "ann"): "of ann", ("it@contoso.example", "it"): "of it", ("", "no-owner"): "?"}
    owners_of(sending.folder / "plan", names, tenant_id=tenant_id(sending))
    owners_of(sending.folder / "stale", {("cfo@contoso.example", "cfo"): "of another tenant"}, tenant_id=ID[::-1])
    code, sent = sending.send("--approvals", "plan", "--approvals", "stale")
    assert code == 0, sent
    found = {}
    for mail in sending.mails():
        files = [file for file in mail.iter_attachments() if "approvals" in str(file.get_filename())]
        found[str(mail["to"]).casefold()] = [str(file.get_content()) for file in files]
        assert (
            ("wait for your approval" in body(mail)) == ("wait for your approval" in body(mail, "html")) == bool(files)
        )
    assert found == {
        "ann@contoso.example": ["of ann"],
        "bo@contoso.example": ["of it"],
        "cfo@contoso.example": [],
        "it@contoso.example": [],  # a reader of another tenant only
    }
    ann = next(mail for mail in sending.mails() if str(mail["to"]).casefold() == "ann@contoso.example")
    archive = next(file for file in ann.iter_attachments() if str(file.get_filename()).startswith("actions-"))
    with zipfile.ZipFile(io.BytesIO(archive.get_content())) as opened:
        assert [opened.read(name) for name in opened.namelist()] == [b"<p>of ann</p>"]


@pytest.mark.slow
def test_approvals_that_are_too_large_or_not_there_are_reported(sending: Place) -> None:
    sending.tenants("[{address: ann@contoso.example}]", mail="  send: always\n")
    names = {("ann@contoso.example", "ann"): "x" * 600_000}
    owners_of(sending.folder / "plan", names, tenant_id=tenant_id(sending))
    assert sending.send("--approvals", "nowhere")[0] == 3
    assert "--redact cannot be used with --approvals" in sending.send("--approvals", "plan", "--redact")[1]
    assert sending.mails() == []
    assert sending.send("--approvals", "plan")[0] == 0
    (mail,) = sending.mails()
    assert "too large for a mail" in body(mail)
    assert not [file for file in mail.iter_attachments() if "approvals" in str(file.get_filename())]


def tenant_id(sending: Place) -> str:
    """Return the id of contoso in the saved result."""
    tenants = json.loads((sending.folder / "result.json").read_text())["tenants"]
    return next(str(tenant["tenantId"]) for tenant in tenants if tenant["name"] == "contoso")
