"""`auditor send --approvals`: each owner gets only their own approvals and actions."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.builders.service.mail_place import ID, Place, body, mail_place

pytestmark = pytest.mark.slow


@pytest.fixture
def sending(tmp_path: Path) -> Iterator[Place]:
    with mail_place(tmp_path) as place:
        yield place


def write_owner_files(folder: Path, files: dict[tuple[str, str], str], *, tenant_id: str = ID) -> None:
    """Write the files of `auditor plan --by owner`; `files` maps (owner, folder) to the text of approvals.csv."""
    entries = [{"owner": owner, "tenant": "contoso", "tenantId": tenant_id, "names": [name]} for owner, name in files]
    for (_, name), text in files.items():
        (folder / "owners" / name).mkdir(parents=True)
        (folder / "owners" / name / "approvals.csv").write_text(text)
        (folder / "owners" / name / "actions.html").write_text(f"<p>{text}</p>")
    index = {"asOf": "2026-11-20T12:00:00Z", "files": entries}
    (folder / "owners" / "owners.json").write_text(json.dumps(index))


def test_each_owner_gets_only_their_own_approvals(sending: Place) -> None:
    sending.tenants(
        "[{address: Ann@contoso.example}, {address: bo@contoso.example, owners: [it@contoso.example]},"
        " {address: cfo@contoso.example, attach: none}]",
        other="[{address: it@contoso.example}]",
        mail="  send: always\n",
    )
    names = {("ann@contoso.example", "ann"): "of ann", ("it@contoso.example", "it"): "of it", ("", "no-owner"): "?"}
    write_owner_files(sending.folder / "plan", names, tenant_id=tenant_id(sending))
    write_owner_files(
        sending.folder / "stale", {("cfo@contoso.example", "cfo"): "of another tenant"}, tenant_id=ID[::-1]
    )
    code, output = sending.send("--approvals", "plan", "--approvals", "stale")
    assert code == 0, output
    approvals = {}
    for mail in sending.mails():
        files = [file for file in mail.iter_attachments() if "approvals" in str(file.get_filename())]
        approvals[str(mail["to"]).casefold()] = [str(file.get_content()) for file in files]
        assert (
            ("waiting for your approval" in body(mail))
            == ("waiting for your approval" in body(mail, "html"))
            == bool(files)
        )
    assert approvals == {
        "ann@contoso.example": ["of ann"],
        "bo@contoso.example": ["of it"],
        "cfo@contoso.example": [],
        "it@contoso.example": [],  # a recipient of another tenant only
    }
    ann = next(mail for mail in sending.mails() if str(mail["to"]).casefold() == "ann@contoso.example")
    archive = next(file for file in ann.iter_attachments() if str(file.get_filename()).startswith("actions-"))
    with zipfile.ZipFile(io.BytesIO(archive.get_content())) as actions:
        assert [actions.read(name) for name in actions.namelist()] == [b"<p>of ann</p>"]


def test_missing_or_too_large_approvals_are_reported(sending: Place) -> None:
    sending.tenants("[{address: ann@contoso.example}]", mail="  send: always\n")
    names = {("ann@contoso.example", "ann"): "x" * 600_000}
    write_owner_files(sending.folder / "plan", names, tenant_id=tenant_id(sending))
    assert sending.send("--approvals", "nowhere")[0] == 2
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
